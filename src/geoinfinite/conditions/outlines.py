"""Outlines of objects: the quadrilaterals that polygons of a file are on the pixels of a level."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.carrier import SNAP, Carrier, Points
from geoinfinite.conditions.rectangles import Corners, clockwise_from_upper_left, least_rectangle
from geoinfinite.conditions.vectors import Features, is_sound, mended, shapely_module
from geoinfinite.errors import WorldError, shorten
from geoinfinite.plane.window import Window

_CORNERS = 4


def outlines_near(features: Features, carrier: Carrier, window: Window) -> tuple[Corners, NDArray[np.intp]]:
    """Return outlines near a window, counted from its upper left corner, and the numbers of their features.

    The four corners of a polygon that has four are carried; of another one the smallest rectangle about what
    is carried is the outline. They lie on ``1 / SNAP`` of a pixel. A feature is met once for every turn round
    the Earth that brings it near. Raises `WorldError` for a feature without an area, and for one that has no
    place in the grid's CRS.
    """
    if not len(features.ids):
        return np.zeros((0, _CORNERS, 2)), np.zeros(0, np.intp)
    points, owner, has_four = _corners(features)
    pixels = _snapped(_in_one_piece(carrier, points, owner, features))
    first = np.searchsorted(owner, np.arange(len(features.ids)))
    feature, by = _turns(pixels, first, carrier, window)
    starts, stops = first, np.append(first[1:], len(points))
    found = np.zeros((len(feature), _CORNERS, 2))
    for n, (i, turns) in enumerate(zip(feature, by, strict=True)):
        moved = _snapped(pixels[starts[i] : stops[i]] + np.array([turns, 0.0])) - (window.x0, window.y0)
        found[n] = moved if has_four[i] else _rectangle(moved)
    return clockwise_from_upper_left(found), feature


def tokens_of(outlines: Corners) -> Corners:
    """Return the smallest rectangles about outlines, on ``1 / SNAP`` of a pixel."""
    found = np.array([_rectangle(outline) for outline in outlines]).reshape(-1, _CORNERS, 2)
    return clockwise_from_upper_left(found)


def _corners(features: Features) -> tuple[Points, NDArray[np.intp], NDArray[np.bool_]]:
    """Return the points that stand for each feature, one after another, and whether they are four corners."""
    shapely = shapely_module()
    geometries = shapely.force_2d(features.geometries)
    whole = np.where(is_sound(geometries), geometries, mended(geometries))
    areas = np.nan_to_num(shapely.area(whole))
    if not (areas > 0).all():
        number = features.ids[np.flatnonzero(~(areas > 0))[0]]
        raise WorldError(
            f"{features.named}: feature {number} has no area; boxes are polygons: remove it, or buffer it"
        )
    single = shapely.get_num_geometries(whole) == 1
    whole[single] = shapely.get_geometry(whole[single], 0)
    rings = shapely.get_exterior_ring(whole)
    has_four = (shapely.get_num_points(rings) == _CORNERS + 1) & (shapely.get_num_interior_rings(whole) == 0)
    if has_four.any():
        closed = shapely.get_coordinates(rings[has_four]).reshape(-1, _CORNERS + 1, 2)
        whole[has_four] = shapely.multipoints(closed[:, :_CORNERS])
    points, owner = shapely.get_coordinates(whole, return_index=True)
    return points, owner, has_four


def _in_one_piece(carrier: Carrier, points: Points, owner: NDArray[np.intp], features: Features) -> Points:
    """Return the pixels of points; those of one feature do not lie a turn apart."""
    pixels = carrier.pixels(points)
    bad = ~np.isfinite(pixels).all(axis=1)
    if bad.any():
        raise WorldError(
            f"{features.named}: feature {features.ids[owner[bad][0]]} has no place in the grid's CRS, "
            f"{shorten(carrier.grid.crs, 40)}; cut out what the world covers: "
            "ogr2ogr -clipsrc W S E N DST SRC"
        )
    starts = pixels[np.searchsorted(owner, owner)]
    return starts + carrier.steps(pixels - starts)


def _turns(
    pixels: Points, first: NDArray[np.intp], carrier: Carrier, window: Window
) -> tuple[NDArray[np.intp], Any]:
    """Return features whose pixels come near a window, each with the way round the Earth that brings it."""
    low, high = np.minimum.reduceat(pixels, first), np.maximum.reduceat(pixels, first)
    near = (low[:, 1] < window.y1) & (high[:, 1] > window.y0)
    around = carrier.turn
    if around is None:
        there = np.flatnonzero(near & (low[:, 0] < window.x1) & (high[:, 0] > window.x0))
        return there, np.zeros(len(there))
    start = np.floor((window.x0 - high[:, 0]) / around) + 1
    stop = np.ceil((window.x1 - low[:, 0]) / around)
    count = np.where(near, np.maximum(stop - start, 0), 0).astype(np.intp)
    feature = np.repeat(np.arange(len(first)), count)
    nth = np.arange(len(feature)) - np.repeat(np.cumsum(count) - count, count)
    return feature, (start[feature] + nth) * around


def _rectangle(points: Points) -> Points:
    """Return the smallest rectangle about points, reckoned near the first, to move with them exactly."""
    shapely = shapely_module()
    base = np.floor(points[0])
    hull = shapely.convex_hull(shapely.multipoints(points - base))
    corners = shapely.get_coordinates(hull)
    if shapely.get_type_id(hull) != shapely.GeometryType.POLYGON:
        return np.asarray(np.resize(points, (_CORNERS, 2)))
    return np.asarray(_snapped(least_rectangle(corners[:-1])) + base)


def _snapped(pixels: Points) -> Any:
    return np.round(pixels * SNAP) / SNAP
