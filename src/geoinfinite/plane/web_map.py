"""The square of web maps, EPSG:3857, and where its map tiles lie."""

from __future__ import annotations

import math

from geoinfinite.plane.crs import Bounds

RADIUS_M = 6_378_137.0
"""Of the sphere of EPSG:3857."""
HALF_M = math.pi * RADIUS_M
"""Web maps reach from minus this to this along both axes."""
HIGHEST_LATITUDE = math.degrees(math.atan(math.sinh(math.pi)))
"""Where web maps end in the north, in degrees."""
LARGEST_ZOOM = 24
"""Of the tile matrix set WebMercatorQuad; a pixel of a map tile of 256 px is 9 mm wide there."""


def map_tile_bounds(zoom: int, x: int, y: int) -> Bounds:
    """Return left, bottom, right and top in metres of a map tile, counted from the north-west.

    >>> left, bottom, right, top = map_tile_bounds(1, 1, 0)
    >>> left, bottom, right == top == HALF_M
    (0.0, 0.0, True)
    """
    side = 2 * HALF_M / 2**zoom
    left, top = x * side - HALF_M, HALF_M - y * side
    return left, top - side, left + side, top
