"""The map tiles of web maps: where they lie, which of them cover a window, and their order along a curve."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from geoinfinite.plane.crs import Bounds
from geoinfinite.plane.web_map import HALF_M, HIGHEST_LATITUDE, RADIUS_M, map_tile_bounds

_INSIDE = 1e-9
"""Part of a map tile by which a window may reach into one without being in it: coordinates are rounded."""


@dataclass(frozen=True, slots=True)
class WebTile:
    """A map tile by zoom, column and row; row 0 is the northernmost.

    >>> WebTile(1, 1, 0).curve_position, WebTile.at(1, 3), WebTile(0, 0, 0).bounds[0] == -HALF_M
    (3, WebTile(zoom=1, x=1, y=0), True)
    """

    zoom: int
    x: int
    y: int

    @property
    def bounds(self) -> Bounds:
        """Left, bottom, right and top in EPSG:3857."""
        return map_tile_bounds(self.zoom, self.x, self.y)

    @property
    def curve_position(self) -> int:
        """Its position along the Hilbert curve through the map tiles of its zoom."""
        x, y, position = self.x, self.y, 0
        for bit in range(self.zoom - 1, -1, -1):
            right, down = x >> bit & 1, y >> bit & 1
            position = position << 2 | (3 * right ^ down)
            x, y = _turned(x & ((1 << bit) - 1), y & ((1 << bit) - 1), (1 << bit) - 1, right, down)
        return position

    @classmethod
    def at(cls, zoom: int, position: int) -> WebTile:
        """Return the map tile at a position along the curve of its zoom."""
        x = y = 0
        for bit in range(zoom):
            right = position >> 1 & 1
            down = (position ^ right) & 1
            x, y = _turned(x, y, (1 << bit) - 1, right, down)
            x, y = x | right << bit, y | down << bit
            position >>= 2
        return cls(zoom, x, y)


TileRange = tuple[int, int, int, int]
"""First column, first row, columns, rows of map tiles."""


def tile_range(bounds: Sequence[float], zoom: int) -> list[TileRange]:
    """Return the map tiles that meet bounds in degrees: two ranges where they cross the antimeridian.

    ``bounds`` are west, south, east and north; east may be beyond 180.

    >>> tile_range((170, -10, 190, 10), 3)
    [(7, 3, 1, 2), (0, 3, 1, 2)]
    """
    west, south, east, north = bounds
    count = 2**zoom
    first, last = _column(west, count), _column(east, count)
    top, bottom = _row(north, count), _row(south, count)
    x0, x1 = math.floor(first + _INSIDE), math.ceil(last - _INSIDE)
    y0, y1 = max(math.floor(top + _INSIDE), 0), min(math.ceil(bottom - _INSIDE), count)
    # Of a window that is thinner than what rounding may shift, one map tile remains.
    x1, rows = max(x1, x0 + 1), max(y1 - y0, 1)
    if x1 - x0 >= count:
        return [(0, y0, count, rows)]
    if x1 <= count:
        return [(x0, y0, x1 - x0, rows)]
    return [(x0, y0, count - x0, rows), (0, y0, x1 - count, rows)]


def walk(zoom: int, ranges: Sequence[TileRange]) -> Iterator[WebTile]:
    """Yield the map tiles of ranges along the curve, one at a time: none is remembered.

    >>> [(tile.x, tile.y) for tile in walk(1, [(0, 0, 1, 2), (1, 0, 1, 1)])]
    [(0, 0), (0, 1), (1, 0)]
    """
    waiting = [(0, 0)]
    while waiting:
        level, position = waiting.pop()
        tile = WebTile.at(level, position)
        scale = 2 ** (zoom - level)
        if not any(_meets(tile, scale, area) for area in ranges):
            continue
        if level == zoom:
            yield tile
        else:
            waiting += [(level + 1, 4 * position + child) for child in (3, 2, 1, 0)]


def mercator(longitude: float, latitude: float) -> tuple[float, float]:
    """Return x and y in EPSG:3857, those beyond the highest latitude at the edge; x goes on beyond 180."""
    limited = max(-HIGHEST_LATITUDE, min(HIGHEST_LATITUDE, latitude))
    return RADIUS_M * math.radians(longitude), RADIUS_M * math.asinh(math.tan(math.radians(limited)))


def _column(longitude: float, count: int) -> float:
    return (longitude + 180) / 360 * count


def _row(latitude: float, count: int) -> float:
    return (1 - mercator(0, latitude)[1] / HALF_M) / 2 * count


def _meets(tile: WebTile, scale: int, area: TileRange) -> bool:
    x0, y0, columns, rows = area
    x, y = tile.x * scale, tile.y * scale
    return x < x0 + columns and x0 < x + scale and y < y0 + rows and y0 < y + scale


def _turned(x: int, y: int, last: int, right: int, down: int) -> tuple[int, int]:
    """Return the place in a quarter of a square as the curve runs through that quarter."""
    if down:
        return x, y
    return (last - y, last - x) if right else (y, x)
