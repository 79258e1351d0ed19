"""Polygons and lines carried to the pixels of a level, along curves and over the cut of a CRS."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.carrier import SNAP, Carrier
from geoinfinite.conditions.following import Paths, brought_together, followed, kept
from geoinfinite.conditions.vectors import Features, shapely_module
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window


@dataclass(frozen=True, slots=True, eq=False)
class LevelParts:
    """Polygons on the pixels ``(column, row)`` of a level, in the order of their features.

    A polygon over the edge of a grid once round the Earth stands at either edge.
    """

    polygons: NDArray[Any]
    feature: NDArray[np.intp]
    """The number of the feature that each polygon is a part of."""
    tree: Any
    """A search tree of the polygons."""

    @classmethod
    def of(cls, polygons: NDArray[Any], feature: NDArray[np.intp]) -> LevelParts:
        """Return polygons with their search tree."""
        return cls(polygons, feature, shapely_module().STRtree(polygons))

    def near(self, window: Window) -> NDArray[np.intp]:
        """Return the numbers of the polygons that meet a window, in order."""
        box = shapely_module().box(window.x0, window.y0, window.x1, window.y1)
        return np.sort(self.tree.query(box, predicate="intersects"))


@lru_cache(maxsize=16)
def on_level(features: Features, grid: Grid, level: int) -> LevelParts:
    """Return the polygons of features on the pixels of a level, snapped to ``1 / SNAP``.

    Edges are straight in the CRS of the file, and curves on the grid where need be. Raises `WorldError` for
    a feature that lies over a pole of the grid's CRS, or over the line where it is cut.
    """
    carrier = Carrier(features.crs, grid, level)
    carried, feature = carried_polygons(features, carrier)
    if not len(carried):
        return LevelParts.of(carried, feature)
    return _snapped(carried, feature, grid.full(level), carrier.turn)


def carried_polygons(features: Features, carrier: Carrier) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the polygons in features on the pixels of a level, and the number of the feature of each.

    What has no area is left out. Raises `WorldError` as `on_level` does.
    """
    shapely = shapely_module()
    parts, feature = _parts(features, carrier)
    real = shapely.area(parts) > 0
    parts, feature = parts[real], feature[real]
    if not len(parts):
        return parts, feature
    _, points, (rings, polygons) = shapely.to_ragged_array(parts)
    numbers = np.repeat(np.arange(len(rings) - 1), np.diff(rings))
    owner = feature[np.repeat(np.arange(len(parts)), np.diff(polygons))]
    paths, pixels = followed(Paths(points, numbers), carrier, features, owner)
    pixels = brought_together(pixels, paths.ring, polygons, carrier)
    offsets = np.searchsorted(paths.ring, np.arange(len(rings)))
    kind = shapely.GeometryType.POLYGON
    return shapely.from_ragged_array(kind, pixels, (offsets, polygons)), feature


def carried_lines(features: Features, carrier: Carrier) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the lines in features on the pixels of a level, and the number of the feature of each.

    Raises `WorldError` as `on_level` does; a line may lead over the antimeridian, and once round the Earth.
    """
    shapely = shapely_module()
    parts, feature = _parts(features, carrier)
    real = (shapely.get_dimensions(parts) == 1) & (shapely.length(parts) > 0)
    parts, feature = parts[real], feature[real]
    if not len(parts):
        return parts, feature
    points, numbers = shapely.get_coordinates(parts, return_index=True)
    paths, pixels = followed(Paths(points, numbers, is_closed=False), carrier, features, feature)
    pixels = brought_together(pixels, paths.ring, np.arange(len(parts) + 1), carrier)
    return shapely.linestrings(pixels, indices=paths.ring), feature


def _parts(features: Features, carrier: Carrier) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the single geometries in features, and the number of the feature of each."""
    shapely = shapely_module()
    geometries = kept(features.geometries, carrier) if carrier.is_other else features.geometries
    # Collections may hold collections.
    parts, feature = shapely.get_parts(geometries, return_index=True)
    parts, within = shapely.get_parts(parts, return_index=True)
    return parts, feature[within]


def _snapped(
    polygons: NDArray[Any], feature: NDArray[np.intp], level: Window, turn: float | None
) -> LevelParts:
    """Return valid polygons on parts of pixels, as often as they meet the level once round the Earth."""
    shapely = shapely_module()
    turns = (0.0,) if turn is None else (-turn, 0.0, turn)
    moved = [shapely.transform(polygons, lambda points, by=by: points + np.array([by, 0.0])) for by in turns]
    copies, feature = np.concatenate(moved), np.tile(feature, len(turns))
    x0, y0, x1, y1 = shapely.bounds(copies).T
    there = (x0 < level.x1) & (x1 > level.x0) & (y0 < level.y1) & (y1 > level.y0)
    copies, feature = copies[there], feature[there]
    order = np.argsort(feature, kind="stable")
    sound = shapely.make_valid(copies[order], method="structure", keep_collapsed=False)
    parts, source = shapely.get_parts(shapely.set_precision(sound, 1 / SNAP), return_index=True)
    real = shapely.area(parts) > 0
    return LevelParts.of(parts[real], feature[order][source][real])
