"""Overviews of a raster as exact means over blocks of its pixels, made while it is written part by part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray


def overview_factors(shape: tuple[int, int], smallest: int, part: int) -> list[int]:
    """Return 2, 4, 8 and so on, until overviews have ``smallest`` pixels a side or less, up to ``part``.

    >>> overview_factors((700, 1109), smallest=512, part=1024), overview_factors((9, 512), 512, 1024)
    ([2, 4], [])
    """
    factors: list[int] = []
    factor = 1
    while max(shape) > smallest * factor and factor < part:
        factor *= 2
        factors.append(factor)
    return factors


def block_means(pixels: NDArray[Any], factors: list[int]) -> Iterator[NDArray[Any]]:
    """Yield the means of ``(y, x)`` pixels over blocks of each factor, in the pixels' dtype.

    Each mean is that of the pixels themselves, not of rounded means, so that a level's mean over whole
    blocks is its parent's pixel. At the far edges blocks are cut off. ``factors`` are 2, 4, 8 and so on.

    >>> [m.tolist() for m in block_means(np.array([[1, 2, 9], [2, 2, 8], [7, 0, 3]], np.uint8), [2, 4])]
    [[[2, 8], [4, 3]], [[4]]]
    """
    dtype = pixels.dtype
    sums = pixels.astype(np.int64 if dtype.kind in "iu" else np.float64)
    rows, columns = (np.ones(side, np.int64) for side in pixels.shape)
    for _ in factors:
        sums = _halved(_halved(sums).T).T
        rows, columns = _halved(rows), _halved(columns)
        means = sums / (rows[:, None] * columns)
        yield (np.rint(means) if dtype.kind in "iu" else means).astype(dtype)


def _halved(values: NDArray[Any]) -> NDArray[Any]:
    """Return the sums of neighbours along the first axis; the last may have none."""
    even = values[0::2].copy()
    even[: len(values) // 2] += values[1::2]
    return even
