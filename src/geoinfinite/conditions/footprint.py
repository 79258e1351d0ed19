"""``Footprint``: rectangles of pixels that cover a region, so that tiles are counted and not visited."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.vectors import shapely_module
from geoinfinite.plane.window import Window
from geoinfinite.tiling import TileBlock


@dataclass(frozen=True, slots=True)
class Footprint:
    """A region by rectangles: some that hold all of it, and some that lie in it."""

    outer: tuple[Window, ...] = ()
    """They hold every pixel that the region touches."""
    inner: tuple[Window, ...] = ()
    """All of their pixels lie wholly in the region."""

    @classmethod
    def of(cls, region: Any, level: Window, most: int) -> Footprint:
        """Return the cover of a geometry in pixels ``(column, row)`` of a level.

        Squares that meet the region's border are divided, the largest first, up to ``most`` rectangles.
        """
        shapely = shapely_module()
        if shapely.is_empty(region):
            return cls()
        shapely.prepare(region)
        x0, y0, x1, y1 = shapely.bounds(region)
        hull = Window(
            int(np.floor(y0)) - 1, int(np.ceil(y1)) + 1, int(np.floor(x0)) - 1, int(np.ceil(x1)) + 1
        )
        hull = hull.intersect(level)
        if not hull.size:
            return cls()
        inside: list[Window] = []
        border: list[tuple[int, Window]] = []
        _sort_in([hull], region, inside, border)
        while border and len(inside) + len(border) + 3 <= most and -border[0][0] > 1:
            _, largest = heapq.heappop(border)
            _sort_in(_quarters(largest), region, inside, border)
        grown = (_grown(window, region, level) for window in inside)
        return cls((*inside, *(window for _, window in border)), tuple(dict.fromkeys(grown)))


def _grown(window: Window, region: Any, level: Window) -> Window:
    """Return a rectangle in a region as large as it can be: tiles across two of them lie in one."""
    edges, limits = [window.y0, window.y1, window.x0, window.x1], (level.y0, level.y1, level.x0, level.x1)
    for side, outwards in enumerate((-1, 1, -1, 1)):
        step = max(window.height, window.width)
        while step:
            moved = list(edges)
            reach = moved[side] + outwards * step
            moved[side] = max(reach, limits[side]) if outwards < 0 else min(reach, limits[side])
            if moved != edges and _is_in(Window(*moved), region):
                edges = moved
            else:
                step //= 2
    return Window(*edges)


def _is_in(window: Window, region: Any) -> bool:
    return bool(shapely_module().contains(region, _about(window)))


def _about(window: Window) -> Any:
    """Return the pixels of a window and those around it: what is nearly touched counts as touched."""
    return shapely_module().box(window.x0 - 1, window.y0 - 1, window.x1 + 1, window.y1 + 1)


def _sort_in(windows: Iterable[Window], region: Any, inside: list[Window], border: list[Any]) -> None:
    for window in windows:
        if _is_in(window, region):
            inside.append(window)
        elif shapely_module().intersects(region, _about(window)):
            heapq.heappush(border, (-window.size, window))


def _quarters(window: Window) -> list[Window]:
    y, x = (window.y0 + window.y1) // 2, (window.x0 + window.x1) // 2
    rows, columns = ((window.y0, y), (y, window.y1)), ((window.x0, x), (x, window.x1))
    parts = [Window(a, b, c, d) for a, b in rows for c, d in columns]
    return [part for part in parts if part.size]


@dataclass(frozen=True, slots=True, eq=False)
class Rectangles:
    """Rectangles of pixels, each with the number of what it belongs to."""

    edges: NDArray[np.int64]
    """``(rectangle, (y0, y1, x0, x1))``."""
    number: NDArray[np.int64]
    """In ascending order."""

    @classmethod
    def of(cls, windows: Sequence[Sequence[Window]]) -> Rectangles:
        """Return rectangles, numbered by the sequence that they are in."""
        edges = [(w.y0, w.y1, w.x0, w.x1) for group in windows for w in group]
        number = [number for number, group in enumerate(windows) for _ in group]
        return cls(np.array(edges, np.int64).reshape(-1, 4), np.array(number, np.int64))

    def of_number(self, number: int) -> NDArray[np.int64]:
        """Return the edges of the rectangles that belong to one thing."""
        return self.edges[slice(*np.searchsorted(self.number, (number, number + 1)))]

    def meeting(self, window: Window) -> NDArray[np.bool_]:
        """Say which rectangles share a pixel with a window."""
        y0, y1, x0, x1 = self.edges.T
        return (y0 < window.y1) & (y1 > window.y0) & (x0 < window.x1) & (x1 > window.x0)

    def holding(self, window: Window) -> NDArray[np.bool_]:
        """Say which rectangles hold a window."""
        y0, y1, x0, x1 = self.edges.T
        return (y0 <= window.y0) & (y1 >= window.y1) & (x0 <= window.x0) & (x1 >= window.x1)


Blocks = NDArray[np.int64]
"""``(block, (first row, past the last row, first column, past the last column))`` of tiles."""


def blocks_meeting(edges: NDArray[np.int64], tiles: TileBlock) -> Blocks:
    """Return the tiles of a block that share a pixel with each rectangle ``(y0, y1, x0, x1)``."""
    y0, y1, x0, x1 = (edges - _origins(tiles)).T
    first = [(start - tiles.size) // tiles.stride + 1 for start in (y0, x0)]
    last = [-(-stop // tiles.stride) for stop in (y1, x1)]
    return _within(first, last, tiles)


def blocks_held(edges: NDArray[np.int64], tiles: TileBlock) -> Blocks:
    """Return the tiles of a block that lie in each rectangle ``(y0, y1, x0, x1)``."""
    y0, y1, x0, x1 = (edges - _origins(tiles)).T
    first = [-(-start // tiles.stride) for start in (y0, x0)]
    last = [(stop - tiles.size) // tiles.stride + 1 for stop in (y1, x1)]
    return _within(first, last, tiles)


def _origins(tiles: TileBlock) -> NDArray[np.int64]:
    return np.repeat(np.array(tiles.origin, np.int64), 2)


def _within(first: list[NDArray[Any]], last: list[NDArray[Any]], tiles: TileBlock) -> Blocks:
    rows, columns = tiles.rows, tiles.columns
    blocks = np.stack(
        [
            np.maximum(first[0], rows.start),
            np.minimum(last[0], rows.stop),
            np.maximum(first[1], columns.start),
            np.minimum(last[1], columns.stop),
        ],
        axis=1,
    )
    real = (blocks[:, 0] < blocks[:, 1]) & (blocks[:, 2] < blocks[:, 3])
    return np.unique(blocks[real], axis=0)


def union_count(blocks: Blocks) -> int:
    """Return how many tiles lie in at least one of some blocks, none of which is empty.

    >>> union_count(np.array([(0, 3, 0, 4), (2, 5, 3, 6)]))
    20
    """
    if not len(blocks):
        return 0
    y, x = np.unique(blocks[:, :2]), np.unique(blocks[:, 2:])
    covered = np.zeros((len(y) - 1, len(x) - 1), bool)
    for a, b, c, d in np.stack(
        [np.searchsorted(y, blocks[:, :2]), np.searchsorted(x, blocks[:, 2:])], axis=1
    ).reshape(-1, 4):
        covered[a:b, c:d] = True
    # Numbers of tiles of a whole Earth exceed what 64 bits hold when they are multiplied.
    heights, widths = np.diff(y), np.diff(x)
    return sum(int(height) * int(widths[row].sum()) for height, row in zip(heights, covered, strict=True))
