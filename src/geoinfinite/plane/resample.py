"""Integer-factor resampling of fixed-size tiles, and the projection that keeps a parent's means."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def block_sum(x: Array, factor: int) -> Array:
    """Return the sums over ``factor`` x ``factor`` blocks of ``(..., y, x)``, both sides multiples of it.

    Adds pixel by pixel in row-major order, so a block's sum has the same bits in any array.
    """
    total = x[..., ::factor, ::factor].copy()
    for i in range(factor):
        for j in range(factor):
            if i or j:
                total += x[..., i::factor, j::factor]
    return total


def coarsen_mean(x: Array, factor: int) -> Array:
    """Return the means over ``factor`` x ``factor`` blocks of ``(..., y, x)``.

    >>> coarsen_mean(np.arange(8, dtype=np.float32).reshape(2, 4), 2)
    array([[2.5, 4.5]], dtype=float32)
    """
    return block_sum(x, factor) / np.float32(factor * factor)


@lru_cache(maxsize=32)
def mean_exact_upsampler(side: int, factor: int) -> Array:
    """Return the ``(side * factor, side)`` matrix U that upsamples an axis smoothly and keeps block means.

    ``U = B (D B)^-1`` with B bilinear interpolation between pixel centres (edges replicated) and D
    the mean over blocks, so ``D U = I``: where replication would leave block edges, U leaves none.
    Source: the corrected upsampler of range-null-space projection (DDNM, Wang et al. 2023).

    >>> U = mean_exact_upsampler(6, 4)
    >>> bool(np.allclose(U.reshape(6, 4, 6).mean(axis=1), np.eye(6), atol=1e-6))
    True
    """
    position = (np.arange(side * factor) + 0.5) / factor - 0.5
    low = np.floor(position).astype(int)
    share = position - low
    bilinear = np.zeros((side * factor, side))
    rows = np.arange(side * factor)
    np.add.at(bilinear, (rows, low.clip(0, side - 1)), 1.0 - share)
    np.add.at(bilinear, (rows, (low + 1).clip(0, side - 1)), share)
    mean = bilinear.reshape(side, factor, side).mean(axis=1)
    matrix: Array = (bilinear @ np.linalg.inv(mean)).astype(np.float32)
    matrix.flags.writeable = False
    return matrix


def project_mean(x: Array, parent: Array, factor: int) -> Array:
    """Return ``x + U (parent - D x)``: the nearest smooth change after which block means equal the parent.

    Shapes ``(..., y, x)`` and ``(..., y / factor, x / factor)``. Tile-local, so a tile stays a
    function of its own parent window.
    """
    error = parent - coarsen_mean(x, factor)
    rows = mean_exact_upsampler(error.shape[-2], factor)
    columns = mean_exact_upsampler(error.shape[-1], factor)
    tall = rows @ error
    # In pieces small enough that BLAS does not wake another thread for them: that takes longer.
    pieces = tall.reshape(*error.shape[:-2], factor, *error.shape[-2:]) @ columns.T
    projected = pieces.reshape(x.shape)
    projected += x
    return np.asarray(projected, np.float32)
