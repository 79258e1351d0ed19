"""The outline of a window in longitude and latitude, as GeoJSON wants it: cut at the antimeridian."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from shapely import box, transform
from shapely.geometry import MultiPolygon, Polygon, mapping
from shapely.geometry.polygon import orient

from geoinfinite.errors import StoreError, shorten
from geoinfinite.plane.crs import Bounds, transformer, turn
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window

_LONGITUDES = "EPSG:4326"
_SIDE = 32
"""Points on each side of a window on a projected grid, whose sides are bent in longitude and latitude."""
_DIGITS = 9
"""Decimals of a degree: a tenth of a millimetre."""


def footprint(grid: Grid, level: int, window: Window) -> tuple[dict[str, Any], list[float]]:
    """Return the outline of a window as a GeoJSON geometry, and its bounds ``[west, south, east, north]``.

    A window across the antimeridian has two polygons and ``west > east``, as RFC 7946 asks for. One that
    holds a pole, or goes once round the Earth, reaches from -180 to 180. Raises `StoreError` where the CRS
    has no longitude and latitude for the sides of the window.

    >>> grid = Grid("EPSG:4326", (-180, 90), 1.0, (180, 360), periodic=True)
    >>> geometry, bounds = footprint(grid, 0, Window(80, 90, 355, 364))
    >>> geometry["type"], bounds
    ('MultiPolygon', [175.0, 0.0, -176.0, 10.0])
    """
    outline = _outline(grid, level, window)
    west, south, east, north = outline.bounds
    if east <= 180:
        return _geojson(outline), _rounded(west, south, east, north)
    here = outline.intersection(box(-180, -90, 180, 90))
    there = transform(outline.intersection(box(180, -90, 540, 90)), lambda points: points - (360, 0))
    parts = [part for side in (here, there) for part in getattr(side, "geoms", [side])]
    return _geojson(MultiPolygon(parts)), _rounded(west, south, east - 360, north)


def _outline(grid: Grid, level: int, window: Window) -> Polygon:
    """Return the outline with its western end between -180 and 180; the eastern one may lie beyond."""
    around = turn(grid.crs)
    x, y = _sides(grid.bounds(level, window), _SIDE if around is None else 2)
    longitude, latitude = transformer(grid.crs, _LONGITUDES).transform(x, y)
    if not np.isfinite([longitude, latitude]).all():
        raise StoreError(
            f"{window} of level {level} has no outline in longitude and latitude: its CRS "
            f"{shorten(grid.crs)!r} does not reach its sides; take a smaller window"
        )
    if around is not None:
        # Corners may be half the Earth apart, and come back turned from another datum: only one is used.
        width, west = float(np.ptp(x)) * 360 / around, (float(longitude[0]) + 180) % 360 - 180
        edges = (-180.0, 180.0) if width >= 360 else (west, west + width)
        return box(edges[0], latitude.min(), edges[1], latitude.max())
    longitude = np.unwrap(longitude, period=360)
    if abs(longitude[-1] - longitude[0]) > 180:
        south, north = (latitude.min(), 90.0) if latitude.mean() > 0 else (-90.0, latitude.max())
        return box(-180, south, 180, north)
    longitude = longitude - np.floor((longitude.min() + 180) / 360) * 360
    return Polygon(np.column_stack([longitude, latitude]))


def _sides(bounds: Bounds, points: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return points along the sides of a box, once round from its lower left corner and back to it."""
    left, bottom, right, top = bounds
    across, up = np.linspace(left, right, points), np.linspace(bottom, top, points)
    x = np.concatenate([across, np.full(points, right), across[::-1], np.full(points, left)])
    y = np.concatenate([np.full(points, bottom), up, np.full(points, top), up[::-1]])
    return x, y


def _geojson(shape: Polygon | MultiPolygon) -> dict[str, Any]:
    if isinstance(shape, Polygon):
        shape = orient(shape)
    else:
        shape = MultiPolygon([orient(part) for part in shape.geoms])
    rounded = transform(shape, lambda points: np.round(points, _DIGITS))
    found = mapping(rounded)
    return {"type": found["type"], "coordinates": found["coordinates"]}


def _rounded(*values: float) -> list[float]:
    return [round(float(value), _DIGITS) for value in values]
