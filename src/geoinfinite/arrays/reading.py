"""From selected pixels to windows: only the tiles touched, in bounded memory, within a budget."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.arrays.selection import Axis, Piece, Positions, ascending, extent, pieces
from geoinfinite.engine import Level, cold_cost, process_resources, read, warn_if_cold
from geoinfinite.errors import BudgetError
from geoinfinite.plane.window import Window

LARGEST_READ = 2**30
"""Values (pixels x bands) that one read may draw: beyond it belongs into a store."""
STRIP_VALUES = 2**23
"""Values drawn at once: working memory is about 40 bytes for each, whatever the size of the read."""


def read_box(level: Level, axes: tuple[Axis, Axis, Axis]) -> NDArray[Any]:
    """Return every combination of selected bands, rows and columns, ``(band, y, x)``.

    Rows of one strip after another are drawn; tiles on the border of two strips are drawn once as
    long as the tile cache holds a row of them. Raises `BudgetError` before anything is drawn.
    """
    (rows, rows_turned), (columns, columns_turned) = ascending(axes[1]), ascending(axes[2])
    picked = np.atleast_1d(np.asarray(axes[0], dtype=np.int64))
    shape = len(picked), len(rows), len(columns)
    if 0 in shape:
        return np.empty(shape, level.dtype)
    tile = level.sampler.tile
    height, width = extent(rows, tile), extent(columns, tile)
    check_budget(level, hull(rows, columns), height * width)
    warn_if_cold(level, hull(rows, columns))
    out = np.empty(shape, level.dtype)
    for y in pieces(rows, tile, _strip(level, height, width)):
        for x in pieces(columns, tile):
            block = read(level, Window(y.start, y.stop, x.start, x.stop), process_resources())
            _put(out, y, x, block[picked][:, y.take][:, :, x.take])
    return out[:, :: -1 if rows_turned else 1, :: -1 if columns_turned else 1]


def _strip(level: Level, height: int, width: int) -> int | None:
    """Return the height of strips, a multiple of the stride; ``None`` where one strip is enough."""
    bands, stride = level.shape[0], level.sampler.stride
    if bands * height * width <= STRIP_VALUES:
        return None
    return max(1, STRIP_VALUES // (bands * width * stride)) * stride


def _put(out: NDArray[Any], y: Piece, x: Piece, block: NDArray[Any]) -> None:
    if isinstance(y.put, slice) or isinstance(x.put, slice):
        out[:, y.put, x.put] = block
    else:
        out[:, y.put[:, None], x.put] = block


def read_points(level: Level, bands: Positions, rows: Positions, columns: Positions) -> NDArray[Any]:
    """Return single pixels; the three arrays have one shape, which is the result's.

    Points that the same tiles touch are drawn together, and no other tile is.
    """
    shape, period = rows.shape, level.period
    b, y, x = (np.ravel(a) for a in (bands, rows, columns))
    x = x if period is None else x % period
    out = np.empty(y.size, level.dtype)
    if y.size == 0:
        return out.reshape(shape)
    size, stride = level.sampler.tile, level.sampler.stride
    touched = np.stack([edge for p in (y, x) for edge in (-((size - 1 - p) // stride), p // stride)])
    cells, cell = np.unique(touched, axis=1, return_inverse=True)
    check_budget(level, hull(y, x), cells.shape[1] * size * size)
    order = np.argsort(cell, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(cell[order])) + 1):
        top, left = int(y[group].min()), int(x[group].min())
        window = Window(top, int(y[group].max()) + 1, left, int(x[group].max()) + 1)
        pixels = read(level, window, process_resources())
        out[group] = pixels[b[group], y[group] - top, x[group] - left]
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


def check_budget(level: Level, window: Window, pixels: int) -> None:
    """Raise `BudgetError` if drawing so many pixels of a window is beyond `LARGEST_READ`."""
    bands = level.shape[0]
    if bands * pixels <= LARGEST_READ:
        return
    cost = cold_cost(level, window).evaluations
    fits, shrink = level.number, level.recipe.grid.factor**2
    while fits and bands * pixels > LARGEST_READ:
        fits, pixels = fits - 1, pixels // shrink
    raise BudgetError(
        f"{window.height:,} x {window.width:,} pixels of level {level.number} ({bands} bands) take about "
        f"{cost:,} network evaluations; one read may draw {LARGEST_READ:,} values. Select a part with "
        f".sel(x=slice(W, E), y=slice(N, S)) first, take a coarser level (level={fits} fits), or write a "
        "store piece by piece: da.geoinfinite.to_zarr(PATH)"
    )
