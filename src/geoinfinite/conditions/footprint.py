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

Edges = NDArray[np.int64]
"""``(rectangle, (y0, y1, x0, x1))``: rectangles of pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Footprint:
    """A region by rectangles: some that hold all of it, and some that lie in it."""

    outer: Edges
    """They hold every pixel that the region touches."""
    inner: Edges
    """All of their pixels lie wholly in the region."""

    @classmethod
    def of(cls, polygons: NDArray[Any], level: Window, most: int) -> Footprint:
        """Return the cover of polygons in pixels ``(column, row)`` of a level.

        Each polygon has a rectangle. Rectangles across the border of the region are divided into quarters,
        the largest first, up to ``most``.
        """
        hulls = _hulls(polygons, level)
        if len(hulls) > most:
            return cls(hulls, _edges(()))
        shapely = shapely_module()
        region = shapely.union_all(polygons)
        shapely.prepare(region)
        inside: list[Window] = []
        border: list[tuple[int, Window]] = []
        _sort_in([Window(*hull) for hull in hulls.tolist()], region, inside, border)
        while border and len(inside) + len(border) + 3 <= most and -border[0][0] > 1:
            _, largest = heapq.heappop(border)
            _sort_in(_quarters(largest), region, inside, border)
        grown = dict.fromkeys(_grown(window, region, level) for window in inside)
        return cls(_edges((*inside, *(window for _, window in border))), _edges(tuple(grown)))


def _hulls(polygons: NDArray[Any], level: Window) -> Edges:
    """Return the pixels of a level about each polygon, and a pixel more on every side."""
    x0, y0, x1, y1 = shapely_module().bounds(polygons).T
    start = np.floor([y0, x0]).astype(np.int64) - 1
    stop = np.ceil([y1, x1]).astype(np.int64) + 1
    edges = np.stack([start[0], stop[0], start[1], stop[1]], axis=1)
    edges = edges.clip([level.y0, level.y0, level.x0, level.x0], [level.y1, level.y1, level.x1, level.x1])
    return np.unique(edges[(edges[:, 0] < edges[:, 1]) & (edges[:, 2] < edges[:, 3])], axis=0)


def _edges(windows: Sequence[Window]) -> Edges:
    return np.array([(w.y0, w.y1, w.x0, w.x1) for w in windows], np.int64).reshape(-1, 4)


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

    edges: Edges
    number: NDArray[np.int64]
    """In ascending order."""

    @classmethod
    def of(cls, groups: Sequence[Edges]) -> Rectangles:
        """Return rectangles, numbered by the group that they are in."""
        number = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
        return cls(np.concatenate(groups), number)

    def of_number(self, number: int) -> Edges:
        """Return the edges of the rectangles that belong to one thing."""
        return self.edges[slice(*np.searchsorted(self.number, (number, number + 1)))]

    def meeting(self, window: Window) -> NDArray[np.bool_]:
        """Say which rectangles share a pixel with a window."""
        y0, y1, x0, x1 = self.edges.T
        return np.asarray((y0 < window.y1) & (y1 > window.y0) & (x0 < window.x1) & (x1 > window.x0))

    def holding(self, window: Window) -> NDArray[np.bool_]:
        """Say which rectangles hold a window."""
        y0, y1, x0, x1 = self.edges.T
        return np.asarray((y0 <= window.y0) & (y1 >= window.y1) & (x0 <= window.x0) & (x1 >= window.x1))


Blocks = NDArray[np.int64]
"""``(block, (first row, past the last row, first column, past the last column))`` of tiles."""


def blocks_meeting(edges: Edges, tiles: TileBlock) -> Blocks:
    """Return the tiles of a block that share a pixel with each rectangle ``(y0, y1, x0, x1)``."""
    y0, y1, x0, x1 = (edges - _origins(tiles)).T
    first = [(start - tiles.size) // n + 1 for start, n in zip((y0, x0), tiles.strides, strict=True)]
    last = [-(-stop // n) for stop, n in zip((y1, x1), tiles.strides, strict=True)]
    return _within(first, last, tiles)


def blocks_held(edges: Edges, tiles: TileBlock) -> Blocks:
    """Return the tiles of a block that lie in each rectangle ``(y0, y1, x0, x1)``."""
    y0, y1, x0, x1 = (edges - _origins(tiles)).T
    first = [-(-start // n) for start, n in zip((y0, x0), tiles.strides, strict=True)]
    last = [(stop - tiles.size) // n + 1 for stop, n in zip((y1, x1), tiles.strides, strict=True)]
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


_BAND = 256
"""Edges of blocks that are compared at once with all blocks between them."""


def union_count(blocks: Blocks) -> int:
    """Return how many tiles lie in at least one of some blocks, none of which is empty.

    >>> union_count(np.array([(0, 3, 0, 4), (2, 5, 3, 6)]))
    20
    """
    y = np.unique(blocks[:, :2])
    bands = [y[start : start + _BAND + 1] for start in range(0, max(len(y) - 1, 0), _BAND)]
    return sum(_count_in_band(blocks, band) for band in bands)


def _count_in_band(blocks: Blocks, y: NDArray[np.int64]) -> int:
    """Return how many tiles of some rows lie in at least one block; ``y`` holds all edges between them."""
    blocks = blocks[(blocks[:, 0] < y[-1]) & (blocks[:, 1] > y[0])]
    x = np.unique(blocks[:, 2:])
    rows = np.searchsorted(y, blocks[:, :2].clip(y[0], y[-1])).T
    columns = np.searchsorted(x, blocks[:, 2:]).T
    begun = np.zeros((len(y), max(len(x), 1)), np.int32)
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        np.add.at(begun, (rows[i], columns[j]), 1 if i == j else -1)
    covered = begun.cumsum(axis=0).cumsum(axis=1)[:-1, :-1] > 0
    # Numbers of tiles of a whole Earth exceed what 64 bits hold when they are multiplied.
    heights, widths = np.diff(y), np.diff(x)
    return sum(int(height) * int(widths[row].sum()) for height, row in zip(heights, covered, strict=True))
