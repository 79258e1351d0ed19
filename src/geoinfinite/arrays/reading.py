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
    """Return every combination of selected bands, rows and columns, ``(band, y, x)``.

    Rows of one strip after another are drawn; tiles on the border of two strips are drawn once as
    long as the tile cache holds a row of them. What lies apart is drawn apart, in batches that are filled
    all the same. ``draw`` draws windows, by default with the resources of the process.
    Raises `BudgetError` before anything is drawn.
    """
    draw = draw or partial(_draw, level, budget)
    (rows, rows_turned), (columns, columns_turned) = ascending(axes[1]), ascending(axes[2])
    picked = np.atleast_1d(np.asarray(axes[0], dtype=np.int64))
    shape = len(picked), len(rows), len(columns)
    if 0 in shape:
        return np.empty(shape, level.dtype)
    tile = level.sampler.tile
    height, width = extent(rows, tile), extent(columns, tile)
    window = hull(rows, columns)
    budget.check(level, window, height * width)
    warn_if_cold(level, window)
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


def read_points(
    level: Level, places: tuple[Positions, Positions, Positions], budget: ReadBudget = DEFAULT_BUDGET
) -> NDArray[Any]:
    """Return single pixels by band, row and column; the three arrays have one shape, which is the result's.

    The tiles that points touch are drawn once, in full batches, and no other tile is.
    """
    shape, period = places[0].shape, level.period
    b, y, x = (np.ravel(a) for a in places)
    x = x if period is None else x % period
    out = np.empty(y.size, level.dtype)
    if y.size == 0:
        return out.reshape(shape)
    size, stride = level.sampler.tile, level.sampler.stride
    touched = np.stack([edge for p in (y, x) for edge in (-((size - 1 - p) // stride), p // stride)])
    cells, cell = np.unique(touched, axis=1, return_inverse=True)
    budget.check(level, hull(y, x), cells.shape[1] * size * size)
    order = np.argsort(cell, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(cell[order])) + 1)
    windows = [hull(y[group], x[group]) for group in groups]
    for number, block in _draw(level, budget, windows):
        group, window = groups[number], windows[number]
        out[group] = block[b[group], y[group] - window.y0, x[group] - window.x0]
    return out.reshape(shape)


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
