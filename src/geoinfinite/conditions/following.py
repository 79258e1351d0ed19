"""Lines and rings carried to the pixels of a level: along curves, and across the line where a CRS is cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.carrier import Carrier, Points
from geoinfinite.conditions.vectors import Features, shapely_module
from geoinfinite.errors import WorldError, shorten

_STRAIGHT = 2.0**-5
"""Pixels by which an edge that is drawn straight may miss the curve that it stands for."""
_HALVINGS = 24
"""How often an edge is halved to follow its curve; one that still misses it jumps."""
_FRACTIONS = 0.3, 0.5
"""Where along an edge it is compared with its curve: in two places, as a curve may cross its chord in one."""


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Lines, or rings of polygons, one after another."""

    points: Points
    ring: NDArray[np.intp]
    """The number of the line or ring that each point belongs to."""
    is_closed: bool = True
    """Whether they are rings."""

    def edges(self) -> NDArray[np.intp]:
        """Return the points at which an edge begins."""
        return np.flatnonzero(self.ring[1:] == self.ring[:-1])

    def halved(self, edges: NDArray[np.intp]) -> Paths:
        """Return the rings with a point in the middle of some edges."""
        middles = (self.points[edges] + self.points[edges + 1]) / 2
        points = np.insert(self.points, edges + 1, middles, axis=0)
        return Paths(points, np.insert(self.ring, edges + 1, self.ring[edges]), self.is_closed)


def kept(geometries: NDArray[Any], carrier: Carrier) -> NDArray[Any]:
    """Return geometries without what lies far beyond the grid, which may have no place in its CRS."""
    shapely, boxes = shapely_module(), carrier.boxes()
    if boxes is None:
        return geometries
    about = shapely.union_all(boxes)
    shapely.prepare(about)
    inside = np.where(shapely.contains(about, geometries), geometries, shapely.from_wkt("POLYGON EMPTY"))
    cut = shapely.intersects(about, geometries) & shapely.is_empty(inside)
    inside[cut] = shapely.intersection(geometries[cut], about)
    return np.asarray(inside)


def followed(
    rings: Paths, carrier: Carrier, features: Features, owner: NDArray[np.intp]
) -> tuple[Paths, Points]:
    """Return rings with points enough for straight edges, and their pixels in one piece."""
    for _ in range(_HALVINGS if carrier.is_other else 0):
        crooked = _crooked(rings, carrier)
        if not len(crooked):
            break
        rings = rings.halved(crooked)
    pixels = carrier.pixels(rings.points)
    bad = rings.ring[~np.isfinite(pixels).all(axis=1)]
    jumps = rings.ring[_crooked(rings, carrier)] if carrier.is_other and not len(bad) else bad
    whole, open_rings = _unfolded(pixels, rings, carrier)
    for found, why in (
        (bad, "has no place in the grid's CRS"),
        (jumps, "lies over the line where the grid's CRS is cut"),
        (open_rings, "lies over a pole, which is no point of the grid's CRS"),
    ):
        if len(found):
            name = features.ids[owner[int(found[0])]]
            raise WorldError(
                f"{features.named}: feature {name} {why}, {shorten(carrier.grid.crs, 40)}; cut out what the "
                "world covers: ogr2ogr -clipsrc W S E N DST SRC"
            )
    return rings, whole


def _crooked(rings: Paths, carrier: Carrier) -> NDArray[np.intp]:
    """Return the edges that, drawn straight, miss their curve by too much."""
    edges, pixels = rings.edges(), carrier.pixels(rings.points)
    # What is not finite is not crooked: it is reported by itself.
    pixels = np.where(np.isfinite(pixels), pixels, np.nan)
    start, along = pixels[edges], carrier.steps(pixels[edges + 1] - pixels[edges])
    ends = rings.points[edges], rings.points[edges + 1]
    off = np.zeros(len(edges), bool)
    for part in _FRACTIONS:
        there = carrier.pixels(ends[0] * (1 - part) + ends[1] * part)
        away = carrier.steps(there - start) - along * part
        away[~np.isfinite(away)] = 0.0
        off |= np.hypot(*away.T) > _STRAIGHT
    return edges[off]


def _unfolded(pixels: Points, rings: Paths, carrier: Carrier) -> tuple[Points, NDArray[np.intp]]:
    """Return the pixels of rings that do not jump by a turn, and the rings that do not close."""
    around = carrier.turn
    if around is None or not carrier.is_other:
        return pixels, np.zeros(0, np.intp)
    edges, turns = rings.edges(), np.zeros(len(pixels))
    pixels = np.where(np.isfinite(pixels), pixels, np.nan)
    turns[edges + 1] = -np.round((pixels[edges + 1, 0] - pixels[edges, 0]) / around)
    turns = np.cumsum(np.nan_to_num(turns))
    first = np.searchsorted(rings.ring, np.arange(rings.ring[-1] + 1))
    last = np.append(first[1:], len(pixels)) - 1
    turns -= turns[first][rings.ring]
    pixels[:, 0] += turns * around
    return pixels, np.flatnonzero(turns[last] if rings.is_closed else np.zeros(0))


def brought_together(
    pixels: Points, ring: NDArray[np.intp], polygons: NDArray[Any], carrier: Carrier
) -> Points:
    """Return pixels with every polygon moved by turns to where the grid is, and its holes into it."""
    around = carrier.turn
    if around is None:
        return pixels
    first = np.searchsorted(ring, np.arange(polygons[-1]))
    x = pixels[:, 0]
    middle = (np.minimum.reduceat(x, first) + np.maximum.reduceat(x, first)) / 2
    outer = middle[polygons[:-1]]
    grid_middle = carrier.grid.shape_at(carrier.level)[1] / 2
    outer = outer + around * np.round((grid_middle - outer) / around)
    wanted = np.repeat(outer, np.diff(polygons))
    return pixels + np.stack([(around * np.round((wanted - middle) / around))[ring], np.zeros(len(x))], 1)
