"""From selected pixels to windows: only the tiles touched, in bounded memory, within a budget."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.arrays.budget import DEFAULT_BUDGET, ReadBudget
from geoinfinite.arrays.selection import Axis, Piece, Positions, ascending, extent, pieces
from geoinfinite.engine import Level, process_resources, read_many, warn_if_cold
from geoinfinite.plane.window import Window

DrawMany = Callable[[Sequence[Window]], Iterable[tuple[int, NDArray[Any]]]]
"""Number and pixels ``(band, y, x)`` of windows of one level, in any order."""
BYTES_AT_ONCE = 12
"""Of working memory per value of `ReadBudget.values_at_once`."""


def read_box(
    level: Level,
    axes: tuple[Axis, Axis, Axis],
    budget: ReadBudget = DEFAULT_BUDGET,
    draw: DrawMany | None = None,
) -> NDArray[Any]:
    """Return every combination of selected bands, rows and columns, ``(band, y, x)``; see `read_boxes`.

    ``draw`` draws windows, by default with the resources of the process.
    """
    (level,) = affordable((level,), axes, budget)
    return _read(level, axes, budget, draw or partial(_draw, level, budget))


def read_boxes(
    levels: Sequence[Level], axes: tuple[Axis, Axis, Axis], budget: ReadBudget = DEFAULT_BUDGET
) -> NDArray[Any]:
    """Return the same bands, rows and columns of levels that differ in their seed, ``(seed, band, y, x)``.

    Rows of one strip after another are drawn; tiles on the border of two strips are drawn once as
    long as the tile cache holds a row of them. What lies apart is drawn apart, in batches that are filled
    all the same. Raises `BudgetError` before anything is drawn.
    """
    levels = affordable(levels, axes, budget)
    return np.stack([_read(level, axes, budget, partial(_draw, level, budget)) for level in levels])


def affordable(levels: Sequence[Level], axes: tuple[Axis, Axis, Axis], budget: ReadBudget) -> Sequence[Level]:
    """Return the levels; warn of a read of them that takes long, and refuse one beyond the budget."""
    rows, columns = (ascending(axis)[0] for axis in axes[1:])
    window, tile = hull(rows, columns), levels[0].sampler.tile
    if window.size and np.size(axes[0]):
        pixels = extent(rows, tile) * extent(columns, tile)
        budget.check(levels[0], window, pixels, seeds=len(levels))
        warn_if_cold(levels[0], window)
    return levels


def _read(level: Level, axes: tuple[Axis, Axis, Axis], budget: ReadBudget, draw: DrawMany) -> NDArray[Any]:
    (rows, rows_turned), (columns, columns_turned) = ascending(axes[1]), ascending(axes[2])
    picked = np.atleast_1d(np.asarray(axes[0], dtype=np.int64))
    shape = len(picked), len(rows), len(columns)
    if 0 in shape:
        return np.empty(shape, level.dtype)
    tile = level.sampler.tile
    height, width = extent(rows, tile), extent(columns, tile)
    out = np.empty(shape, level.dtype)
    strips = pieces(rows, tile, _strip(level, height, width, budget.values_at_once))
    blocks = list(product(strips, pieces(columns, tile)))
    for number, block in draw([Window(y.start, y.stop, x.start, x.stop) for y, x in blocks]):
        y, x = blocks[number]
        _put(out, y, x, block[picked][:, y.take][:, :, x.take])
    return out[:, :: -1 if rows_turned else 1, :: -1 if columns_turned else 1]


def _draw(level: Level, budget: ReadBudget, windows: Sequence[Window]) -> Iterator[tuple[int, NDArray[Any]]]:
    return read_many(level, windows, process_resources(), BYTES_AT_ONCE * budget.values_at_once)


def _strip(level: Level, height: int, width: int, values: int) -> int | None:
    """Return the height of strips of some values, a multiple of the stride; ``None`` for one strip."""
    bands, stride = level.bands, level.sampler.stride
    if bands * height * width <= values:
        return None
    return max(1, values // (bands * width * stride)) * stride


def _put(out: NDArray[Any], y: Piece, x: Piece, block: NDArray[Any]) -> None:
    if isinstance(y.put, slice) or isinstance(x.put, slice):
        out[:, y.put, x.put] = block
    else:
        out[:, y.put[:, None], x.put] = block


Places = tuple[Positions, Positions, Positions]
"""Bands, rows and columns of single pixels, in arrays of one shape."""


def read_seeds(
    levels: Sequence[Level], seeds: Positions, places: Places, budget: ReadBudget = DEFAULT_BUDGET
) -> NDArray[Any]:
    """Return single pixels of levels that differ in their seed; ``seeds`` says for each pixel of which.

    The arrays have one shape, which is the result's. The tiles that points of a seed touch are drawn once, in
    full batches, and no other tile is. Raises `BudgetError` before anything is drawn.
    """
    shape, period, level = seeds.shape, levels[0].period, levels[0]
    b, y, x, number = (np.ravel(a) for a in (*places, seeds))
    x = x if period is None else x % period
    out = np.empty(y.size, level.dtype)
    if y.size == 0:
        return out.reshape(shape)
    of_seeds = [np.flatnonzero(number == n) for n in np.unique(number)]
    grouped = [_by_tiles(level, y[of_seed], x[of_seed]) for of_seed in of_seeds]
    side, count = level.sampler.tile, len(of_seeds)
    budget.check(level, hull(y, x), -(-sum(map(len, grouped)) * side * side // count), seeds=count)
    for of_seed, groups in zip(of_seeds, grouped, strict=True):
        points = [of_seed[group] for group in groups]
        windows = [hull(y[group], x[group]) for group in points]
        for i, block in _draw(levels[number[of_seed[0]]], budget, windows):
            group, window = points[i], windows[i]
            out[group] = block[b[group], y[group] - window.y0, x[group] - window.x0]
    return out.reshape(shape)


def _by_tiles(level: Level, y: Positions, x: Positions) -> list[NDArray[np.intp]]:
    """Return the numbers of points in groups of those that touch the same tiles."""
    size, stride = level.sampler.tile, level.sampler.stride
    touched = np.stack([edge for p in (y, x) for edge in (-((size - 1 - p) // stride), p // stride)])
    _, cell = np.unique(touched, axis=1, return_inverse=True)
    order = np.argsort(cell, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(cell[order])) + 1)


def read_points(level: Level, places: Places, budget: ReadBudget = DEFAULT_BUDGET) -> NDArray[Any]:
    """Return single pixels of one level by band, row and column; see `read_seeds`."""
    return read_seeds((level,), np.zeros_like(places[0]), places, budget)


def hull(rows: range | Positions, columns: range | Positions) -> Window:
    """Return the smallest window that holds a selection."""
    if len(rows) == 0 or len(columns) == 0:
        return Window(0, 0, 0, 0)
    return Window(*_ends(rows), *_ends(columns))


def _ends(run: range | Positions) -> tuple[int, int]:
    low, high = (
        (min(run[0], run[-1]), max(run[0], run[-1])) if isinstance(run, range) else (run.min(), run.max())
    )
    return int(low), int(high) + 1
