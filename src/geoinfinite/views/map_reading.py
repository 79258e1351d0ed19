"""Which pixels of which array a canvas needs, and how its own pixels are made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geoinfinite.plane.window import Window
from geoinfinite.views.pixel_axes import PixelAxes, Places

_REACH = 1
"""Pixels beyond the outermost places that interpolation reads."""
_STRIP = 2**22
"""Pixels that are read at once before they are averaged."""

Neighbours: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]
"""The pixels on both sides of places along one axis, and how much the second one weighs."""
ReadWindow: TypeAlias = Callable[[Window], NDArray[Any]]
"""Returns the pixels ``(band, y, x)`` of a window of one array."""


@dataclass(frozen=True, slots=True, eq=False)
class MapReading:
    """The pixels of one array that a canvas is made of.

    Invariant: what a canvas's pixel becomes depends on its place and on ``block``, not on ``window``.
    """

    key: int
    """Which array of the pyramid, by its level."""
    window: Window
    """Rows and columns of the array, its own first pixel at (0, 0); columns may run past the last one."""
    block: int
    """Pixels along each side of the blocks that are averaged first; 1 for none."""
    period: int | None
    """Columns after which the array repeats."""
    rows: Places
    """The row of the array on which each pixel of the canvas lies, ``(row, column)``, from edge to edge."""
    columns: Places
    """The column, likewise; it may run past the last one as the window does."""
    mask: NDArray[np.bool_]
    """Which pixels of the canvas lie on the array."""

    @property
    def goes_round(self) -> bool:
        """Whether the window holds every column of a periodic array."""
        return self.window.width == self.period

    @property
    def is_empty(self) -> bool:
        """Whether the canvas lies beside the array."""
        return self.window.size == 0


def reading_of(axes: PixelAxes, key: int, places: tuple[Places, Places], pixels: float) -> MapReading:
    """Return what a canvas needs of an array, given the places of its pixels on the array's CRS.

    ``pixels`` is how many pixels of the array one of the canvas covers along each side.
    """
    rows, columns = axes.rows_and_columns(*places)
    columns = unwrapped(axes, columns)
    with np.errstate(invalid="ignore"):
        mask = (rows >= 0) & (rows < axes.shape[0])
        mask &= np.isfinite(columns) if axes.period else (columns >= 0) & (columns < axes.shape[1])
    block = _block(pixels, axes.period)
    window = Window(0, 0, 0, 0)
    if mask.any():
        window = Window(*_span(rows[mask], block), *_span(columns[mask], block))
        window = _within(axes, window, block)
    return MapReading(key, window, block, axes.period, rows, columns, mask)


def unwrapped(axes: PixelAxes, columns: Places) -> Places:
    """Return columns on the turn of the Earth on which the array lies, without a jump within the canvas."""
    if axes.turn is None:
        return columns
    middle = axes.shape[1] / 2
    if axes.period is not None:
        # An array that repeats is cut where the canvas is not: on the far side of the canvas's middle.
        middle = _middle(columns, middle) % axes.period
    start = middle - axes.turn / 2
    turned: Places = start + (columns - start) % axes.turn
    return turned


def _middle(columns: Places, otherwise: float) -> float:
    """Return the column in the middle of a canvas, or of the part of it that has any."""
    for known in (columns[len(columns) // 2], columns.ravel()):
        known = known[np.isfinite(known)]
        if known.size:
            return float(known[known.size // 2])
    return otherwise


def _block(pixels: float, period: int | None) -> int:
    """Return the side of the blocks to average: whole blocks fit a turn, so that none is cut by its end."""
    most = max(1, int(pixels + 1e-6))
    if period is None:
        return most
    return next(side for side in range(most, 0, -1) if period % side == 0)


def _span(places: Places, block: int) -> tuple[int, int]:
    """Return the first and the last pixel that interpolation at some places reads, in whole blocks."""
    first = int(np.floor(places.min() / block - 0.5)) - (_REACH - 1)
    last = int(np.floor(places.max() / block - 0.5)) + 1 + _REACH
    return first * block, last * block


def _within(axes: PixelAxes, window: Window, block: int) -> Window:
    """Return the part of a window that the array has; columns of a periodic one at most once round."""
    y0, y1 = max(window.y0, 0), min(window.y1, axes.shape[0])
    if axes.period is None:
        return Window(y0, y1, max(window.x0, 0), min(window.x1, axes.shape[1]))
    if window.width >= axes.period:
        return Window(y0, y1, 0, axes.period)
    return Window(y0, y1, window.x0, window.x1)


def read_blocks(reading: MapReading, read: ReadWindow) -> NDArray[Any]:
    """Return the window's pixels, or the means of its blocks, ``(band, y, x)``, in bounded memory."""
    window, block = reading.window, reading.block
    if block == 1:
        return read(window)
    rows = max(1, _STRIP // (window.width * block)) * block
    strips = range(window.y0, window.y1, rows)
    means = [_means(read(Window(y, min(y + rows, window.y1), window.x0, window.x1)), block) for y in strips]
    return np.concatenate(means, axis=1)


def _means(pixels: NDArray[Any], block: int) -> NDArray[np.float32]:
    """Return the means of blocks; those that the end of the array cuts are means of what is there."""
    sums: NDArray[Any] = pixels.astype(np.float32)
    for axis in (1, 2):
        starts = np.arange(0, sums.shape[axis], block)
        counts: NDArray[Any] = np.diff(np.append(starts, sums.shape[axis])).astype(np.float32)
        sums = np.add.reduceat(sums, starts, axis=axis, dtype=np.float32)
        sums = sums / (counts[:, None] if axis == 1 else counts)
    return sums


def interpolated(reading: MapReading, pixels: NDArray[Any]) -> NDArray[Any]:
    """Return the values of the canvas, ``(band, row, column)``, bilinear between the centres of pixels.

    Beyond the outermost centres the outermost pixel is repeated. Pixels that are no number weigh nothing; a
    value is none where they would weigh more than half.
    """
    along_y = (reading.rows - reading.window.y0) / reading.block
    along_x = (reading.columns - reading.window.x0) / reading.block
    y = _neighbours(along_y, pixels.shape[1], ends=True)
    x = _neighbours(along_x, pixels.shape[2], ends=not reading.goes_round)
    values = pixels.astype(np.float32, copy=False)
    known = np.isfinite(values)
    if known.all():
        return _blended(values, y, x)
    weight = _blended(known.astype(np.float32), y, x)
    blended = _blended(np.where(known, values, np.float32(0)), y, x)
    return np.where(weight >= 0.5, blended / np.maximum(weight, np.float32(0.5)), np.float32(np.nan))


def _blended(values: NDArray[Any], y: Neighbours, x: Neighbours) -> NDArray[Any]:
    (y0, y1, below), (x0, x1, right) = y, x
    upper = values[:, y0, x0] * (1 - right) + values[:, y0, x1] * right
    lower = values[:, y1, x0] * (1 - right) + values[:, y1, x1] * right
    blended: NDArray[Any] = upper * (1 - below) + lower * below
    return blended


def nearest(reading: MapReading, pixels: NDArray[Any]) -> NDArray[Any]:
    """Return the values of the canvas, ``(band, row, column)``, each that of the pixel it lies on."""
    y = _lying_on(reading.rows, reading.window.y0, reading.block).clip(0, pixels.shape[1] - 1)
    x = _lying_on(reading.columns, reading.window.x0, reading.block)
    x = x % pixels.shape[2] if reading.goes_round else x.clip(0, pixels.shape[2] - 1)
    picked: NDArray[Any] = pixels[:, y, x]
    return picked


def _lying_on(places: Places, start: int, block: int) -> NDArray[np.int64]:
    """Return the pixel, or the block of pixels, on which places lie."""
    return np.floor(np.nan_to_num((places - start) / block, posinf=0, neginf=0)).astype(np.int64)


def _neighbours(places: Places, size: int, *, ends: bool) -> Neighbours:
    """Return the pixels on both sides of places, and how much the second one weighs.

    Where the pixels do not end, the first follows the last.
    """
    along = np.nan_to_num(places - 0.5, posinf=0, neginf=0)
    first = np.floor(along)
    weight = (along - first).astype(np.float32)
    low = first.astype(np.int64)
    if ends:
        return low.clip(0, size - 1), (low + 1).clip(0, size - 1), weight
    return low % size, (low + 1) % size, weight
