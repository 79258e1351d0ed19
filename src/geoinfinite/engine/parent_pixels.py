"""The parent under a window of a level, read once for all tiles, also beyond the edges of the grid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geoinfinite.diffusion.model import Array
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.quantise import Encoding
from geoinfinite.plane.window import Window

ReadPixels: TypeAlias = Callable[[Window], NDArray[Any]]
"""Returns the pixels ``(band, y, x)`` of a window of one level, in the world's dtype."""
ReadMany: TypeAlias = Callable[[Sequence[Window]], Iterable[NDArray[Any]]]
"""Returns the pixels of windows of one level, in their order."""


@dataclass(frozen=True, slots=True)
class ParentPixels:
    """Pixels of a level's parent, ``(band, y, x)``."""

    pixels: NDArray[Any]
    """In the world's dtype."""
    values: Array
    """In [-1, 1]."""
    window: Window
    """Which pixels of the parent's level they are; it may reach beyond the edges of the grid."""
    factor: int
    """Pixels of the level along each side of one pixel of its parent."""

    @classmethod
    def of(cls, pixels: NDArray[Any], encoding: Encoding, window: Window, factor: int) -> ParentPixels:
        """Return pixels of the world's dtype with the values that a network sees."""
        return cls(pixels, encoding.to_unit(pixels), window, factor)

    def under(self, window: Window, margin: int) -> Array:
        """Return the parent under a window of the level with a margin, ``(band, y, x)``."""
        return self.values[:, *window.coarsen(self.factor).expand(margin).slices(self.window)]

    def pixels_under(self, window: Window) -> NDArray[Any]:
        """Return the parent's pixels under a window of whole blocks, in the world's dtype."""
        return self.pixels[:, *window.coarsen(self.factor).slices(self.window)]


def read_extended(read: ReadPixels, grid: Grid, level: int, window: Window) -> NDArray[Any]:
    """Return a window that may reach beyond the grid: the nearest edge pixel there, columns wrapped.

    ``read`` is asked for one window, which lies within the grid.
    """
    (pixels,) = read_many_extended(one_by_one(read), grid, level, [window])
    return pixels


def read_many_extended(
    read: ReadMany, grid: Grid, level: int, windows: Sequence[Window]
) -> Iterator[NDArray[Any]]:
    """Yield windows that may reach beyond the grid; ``read`` is asked once for what is equal in it."""
    inside = [within_grid(grid, level, window) for window in windows]
    distinct = [*dict.fromkeys(inside)]
    values = dict(zip(distinct, read(distinct), strict=True))
    for window, part in zip(windows, inside, strict=True):
        yield _extended(values[part], part, window, grid.periodic)


def one_by_one(read: ReadPixels) -> ReadMany:
    """Return how to read windows, given how to read one."""
    return lambda windows: (read(window) for window in windows)


def _extended(values: NDArray[Any], inside: Window, window: Window, periodic: bool) -> NDArray[Any]:
    if inside == window:
        return values
    rows = (np.arange(window.y0, window.y1) - inside.y0).clip(0, inside.height - 1)
    columns = np.arange(window.x0, window.x1) - inside.x0
    columns = columns % inside.width if periodic else columns.clip(0, inside.width - 1)
    return values[:, rows[:, None], columns]


def within_grid(grid: Grid, level: int, window: Window) -> Window:
    """Return the pixels of the grid that must be read to know a window that may reach beyond its edges."""
    rows, columns = grid.shape_at(level)
    y0, y1 = _nearest(window.y0, window.y1, rows)
    if grid.periodic:
        return Window(y0, y1, window.x0, min(window.x1, window.x0 + columns))
    return Window(y0, y1, *_nearest(window.x0, window.x1, columns))


def _nearest(start: int, stop: int, size: int) -> tuple[int, int]:
    """Return ``(start, stop)`` clamped to the pixels of an axis; at least one pixel is left.

    >>> _nearest(-3, 5, 9), _nearest(-3, -1, 9), _nearest(12, 15, 9)
    ((0, 5), (0, 1), (8, 9))
    """
    first = min(max(start, 0), size - 1)
    return first, max(min(stop, size), first + 1)
