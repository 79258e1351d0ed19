"""Reads pixels of a level that a job has drawn and stored, to draw the next level on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.plane.window import Window
from geoinfinite.stores.stages import Stage


def read_stored(image: Any, stage: Stage, window: Window, check: Callable[[int, int], None]) -> NDArray[Any]:
    """Return pixels ``(band, y, x)`` of a stored stage; columns wrap where it goes once round.

    ``check(row, column)`` raises for a shard that is not there: Zarr would return its fill value.
    """
    rows, columns = shards_under(stage, (window.y0, window.y1), (window.x0, window.x1))
    for row in rows:
        for column in columns:
            check(row, column)
    y = slice(window.y0 - stage.window.y0, window.y1 - stage.window.y0)
    parts = [image[:, y, x0:x1] for x0, x1 in _runs(stage, (window.x0, window.x1))]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)


def shards_under(
    stage: Stage, rows: tuple[int, int], columns: tuple[int, int]
) -> tuple[range, tuple[int, ...]]:
    """Return the rows and columns of a stage's shards that hold half-open ranges of its level's pixels."""
    y0, y1 = (y - stage.window.y0 for y in rows)
    found: dict[int, None] = {}
    for x0, x1 in _runs(stage, columns):
        found.update(dict.fromkeys(range(x0 // stage.shard, -(-x1 // stage.shard))))
    return range(y0 // stage.shard, -(-y1 // stage.shard)), tuple(found)


def _runs(stage: Stage, columns: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield a range of a level's columns as ranges of a stage's own columns."""
    start, period = columns[0] - stage.window.x0, stage.source.period
    if period is not None:
        start %= period
    yield from wrapped(start, columns[1] - columns[0], stage.window.width)


def wrapped(start: int, width: int, columns: int) -> list[tuple[int, int]]:
    """Return the runs of columns that ``width`` pixels from ``start`` are, modulo ``columns``.

    >>> wrapped(8, 5, 10)
    [(8, 10), (0, 3)]
    """
    if start + width <= columns:
        return [(start, start + width)]
    return [(start, columns), (0, start + width - columns)]
