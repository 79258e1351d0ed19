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

MOST_RECTANGLES = 128
"""Rectangles that cover one region."""
Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Footprint:
    """A region by rectangles: some that hold all of it, and some that lie in it."""

    outer: tuple[Window, ...]
    """They hold every pixel that the region touches."""
    inner: tuple[Window, ...]
    """All of their pixels lie wholly in the region."""

    @classmethod
    def of(cls, region: Any, level: Window) -> Footprint:
        """Return the cover of a geometry in pixels ``(column, row)`` of a level.

        Squares that meet the region's border are divided, the largest first.
        """
        shapely = shapely_module()
        shapely.prepare(region)
        x0, y0, x1, y1 = shapely.bounds(region)
        hull = Window(
            int(np.floor(y0)) - 1, int(np.ceil(y1)) + 1, int(np.floor(x0)) - 1, int(np.ceil(x1)) + 1
        )
        hull = hull.intersect(level)
        if not hull.size:
            return cls((), ())
        inside: list[Window] = []
        border: list[tuple[int, Window]] = []
        _sort_in([hull], region, inside, border)
        while border and len(inside) + len(border) + 3 <= MOST_RECTANGLES and -border[0][0] > 1:
            _, largest = heapq.heappop(border)
            _sort_in(_quarters(largest), region, inside, border)
        return cls((*inside, *(window for _, window in border)), tuple(inside))

    def meets(self, window: Window) -> bool:
        """Say whether a window may hold a pixel of the region."""
        return any(window.intersect(rectangle).size for rectangle in self.outer)

    def holds(self, window: Window) -> bool:
        """Say whether one rectangle in the region holds a window."""
        return any(rectangle.contains(window) for rectangle in self.inner)


def _sort_in(windows: Iterable[Window], region: Any, inside: list[Window], border: list[Any]) -> None:
    shapely = shapely_module()
    for window in windows:
        # A pixel more on every side: what is nearly touched counts as touched.
        box = shapely.box(window.x0 - 1, window.y0 - 1, window.x1 + 1, window.y1 + 1)
        if shapely.contains(region, box):
            inside.append(window)
        elif shapely.intersects(region, box):
            heapq.heappush(border, (-window.size, window))


def _quarters(window: Window) -> list[Window]:
    y, x = (window.y0 + window.y1) // 2, (window.x0 + window.x1) // 2
    rows, columns = ((window.y0, y), (y, window.y1)), ((window.x0, x), (x, window.x1))
    parts = [Window(a, b, c, d) for a, b in rows for c, d in columns]
    return [part for part in parts if part.size]


def meeting(rectangle: Window, tiles: TileBlock) -> tuple[range, range]:
    """Return the rows and columns of a block's tiles that share a pixel with a rectangle."""
    return (
        _meeting(rectangle.y0, rectangle.y1, tiles.origin[0], tiles, tiles.rows),
        _meeting(rectangle.x0, rectangle.x1, tiles.origin[1], tiles, tiles.columns),
    )


def held(rectangle: Window, tiles: TileBlock) -> tuple[range, range]:
    """Return the rows and columns of a block's tiles that lie in a rectangle."""
    return (
        _held(rectangle.y0, rectangle.y1, tiles.origin[0], tiles, tiles.rows),
        _held(rectangle.x0, rectangle.x1, tiles.origin[1], tiles, tiles.columns),
    )


def _meeting(start: int, stop: int, origin: int, tiles: TileBlock, known: range) -> range:
    first = (start - origin - tiles.size) // tiles.stride + 1
    last = -(-(stop - origin) // tiles.stride)
    return range(max(first, known.start), min(last, known.stop))


def _held(start: int, stop: int, origin: int, tiles: TileBlock, known: range) -> range:
    first = -(-(start - origin) // tiles.stride)
    last = (stop - origin - tiles.size) // tiles.stride + 1
    return range(max(first, known.start), min(last, known.stop))


def union_count(blocks: Sequence[tuple[range, range]]) -> int:
    """Return how many tiles lie in at least one of some blocks of rows and columns.

    >>> union_count([(range(0, 3), range(0, 4)), (range(2, 5), range(3, 6)), (range(7, 7), range(3))])
    20
    """
    real = [(rows, columns) for rows, columns in blocks if len(rows) and len(columns)]
    if not real:
        return 0
    y = np.unique([edge for rows, _ in real for edge in (rows.start, rows.stop)])
    x = np.unique([edge for _, columns in real for edge in (columns.start, columns.stop)])
    covered = np.zeros((len(y) - 1, len(x) - 1), bool)
    for rows, columns in real:
        covered[_between(y, rows), _between(x, columns)] = True
    # Numbers of tiles of a whole Earth exceed what 64 bits hold when they are multiplied.
    heights, widths = np.diff(y), np.diff(x)
    return sum(int(height) * int(widths[row].sum()) for height, row in zip(heights, covered, strict=True))


def _between(edges: NDArray[np.int64], span: range) -> slice:
    return slice(int(np.searchsorted(edges, span.start)), int(np.searchsorted(edges, span.stop)))
