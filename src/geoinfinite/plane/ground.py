"""True lengths on the ground, measured on the ellipsoid."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

from geoinfinite.plane.crs import transformer

LONLAT = "EPSG:4326"
_WGS84 = Geod(ellps="WGS84")


def ground_m(crs: str, at: tuple[float, float], step: float) -> float:
    """Return the true side of a pixel of ``step`` CRS units at ``(x, y)``, in metres.

    It is the geometric mean of both sides: the root of the pixel's area where its sides are at right angles.

    >>> [round(ground_m("EPSG:3857", (0, y), 1.194), 3) for y in (0.0, 7_558_415.66)]
    [1.19, 0.669]
    """
    across, along = sides_m(crs, at, step)
    return sqrt(across * along)


def sides_m(crs: str, at: tuple[float, float], step: float) -> tuple[float, float]:
    """Return the true width and height of a pixel of ``step`` CRS units at ``(x, y)``, in metres.

    >>> [round(side) for side in sides_m("EPSG:4326", (10.0, 60.0), 0.01)]
    [558, 1114]
    """
    x, y = at
    half = step / 2
    to_lonlat = transformer(crs, LONLAT).transform
    across = _distance(to_lonlat(x - half, y), to_lonlat(x + half, y))
    along = _distance(to_lonlat(x, y - half), to_lonlat(x, y + half))
    return across, along


def grounds_m(crs: str, x: NDArray[np.float64], y: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """Return the true sides of pixels of ``step`` CRS units at many places, as `ground_m` does for one.

    >>> grounds_m("EPSG:3857", np.zeros(2), np.array([0.0, 7_558_415.66]), 1.194).round(3).tolist()
    [1.19, 0.669]
    """
    half = step / 2
    to_lonlat = transformer(crs, LONLAT).transform
    across = _WGS84.inv(*to_lonlat(x - half, y), *to_lonlat(x + half, y))[2]
    along = _WGS84.inv(*to_lonlat(x, y - half), *to_lonlat(x, y + half))[2]
    return np.asarray(np.sqrt(np.asarray(across) * np.asarray(along)))


def _distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    return float(_WGS84.inv(*one, *other)[2])
