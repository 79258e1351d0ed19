"""Layouts: objects by class, placed as statistics say, at random and without overlapping too much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.chips.chance import key_of, uniforms
from geoinfinite.chips.clipping import iou
from geoinfinite.chips.extras import needed
from geoinfinite.chips.layout_statistics import ClassStatistics, LayoutStatistics, checked_metres
from geoinfinite.conditions.vectors import shapely_module
from geoinfinite.errors import WorldError
from geoinfinite.plane.given import four

_PER_OBJECT = 8
"""Random numbers that decide what an object is."""
_PER_TRY = 3
"""Random numbers that decide a place."""


@dataclass(frozen=True, slots=True)
class Variation:
    """How far objects differ from those that were counted: each is turned, mirrored and scaled at random.

    >>> Variation(turn_deg=(-10, 10), scale=(0.8, 1.25)).mirror
    False
    """

    turn_deg: tuple[float, float] = (0.0, 0.0)
    """Between which angles an object is turned, anticlockwise."""
    mirror: bool = False
    """Whether every other object is mirrored: its direction is that of a mirror image."""
    scale: tuple[float, float] = (1.0, 1.0)
    """Between which factors its size is changed; as likely to double as to halve."""

    def __post_init__(self) -> None:
        for name, (low, high) in (("turn_deg", self.turn_deg), ("scale", self.scale)):
            if not low <= high or (name == "scale" and low <= 0):
                above = " above 0" if name == "scale" else ""
                raise WorldError(f"{name}={(low, high)} must be (least, most){above}; swap or change them")


@dataclass(frozen=True, slots=True)
class LayoutRules:
    """What a layout must obey.

    >>> LayoutRules(most_overlap=0.1).tries
    64
    """

    most_overlap: float = 0.0
    """The IoU of two boxes at most; 0: they have no area in common."""
    tries: int = 64
    """Places that are tried for an object before it is left out."""
    variation: Variation = Variation()
    spaced: bool = True
    """Whether distances to the nearest object of a class follow the statistics; else places are uniform."""

    def __post_init__(self) -> None:
        if not 0 <= self.most_overlap <= 1:
            raise WorldError(f"most_overlap={self.most_overlap!r} must be from 0 to 1; 0 allows none")
        if type(self.tries) is not int or not 1 <= self.tries <= 2**16:
            raise WorldError(f"tries={self.tries!r} must be an integer from 1 to 65536; write one such as 64")


@dataclass(frozen=True, slots=True, eq=False)
class _Object:
    """An object that is to be placed, or is."""

    name: str
    length: float
    width: float
    turned: float
    """Radians, anticlockwise from east."""

    def corners(self, middle: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return its corners ``(4, 2)`` about a middle."""
        u = np.array([np.cos(self.turned), np.sin(self.turned)]) * self.length / 2
        v = np.array([-np.sin(self.turned), np.cos(self.turned)]) * self.width / 2
        return np.array([middle - u - v, middle + u - v, middle + u + v, middle - u + v])


def generate_layout(
    statistics: LayoutStatistics,
    bounds: Sequence[float],
    crs: Any,
    *,
    seed: int = 0,
    rules: LayoutRules | None = None,
) -> Any:
    """Return a GeoDataFrame of boxes with a column ``class``, as the statistics say, within bounds.

    ``bounds`` = (left, bottom, right, top) of a projected CRS in metres are covered by cells of
    ``statistics.cell_m``, counted from (0, 0) of the CRS. What is in a cell is a function of the statistics,
    the rules, the seed and the cell's number alone, so that larger bounds have the same objects where cells
    lie wholly in both. An object lies wholly in its cell, keeps its size while places are tried, and is left
    out if none of ``rules.tries`` fits. `geoinfinite.conditions.save` writes the result as a file that the
    condition `Boxes` reads.
    """
    geopandas, shapely = needed("geopandas", "generate_layout"), shapely_module()
    checked_metres(geopandas.GeoSeries(crs=crs).crs, "bounds")
    left, bottom, right, top = four("bounds", bounds)
    side, how = statistics.cell_m, rules or LayoutRules()
    names, shapes, cells = [], [], []
    for row in range(ceil(bottom / side - 1e-9), floor(top / side + 1e-9)):
        for column in range(ceil(left / side - 1e-9), floor(right / side + 1e-9)):
            for name, corners in _cell(statistics, how, seed, (row, column)):
                names.append(name)
                shapes.append(shapely.polygons(corners))
                cells.append(f"{row} {column}")
    if not cells and (right - left < side or top - bottom < side):
        raise WorldError(
            f"bounds={tuple(bounds)} hold no whole cell of {side:g} m; take larger bounds, or fit smaller "
            "cells"
        )
    return geopandas.GeoDataFrame({"class": names, "cell": cells}, geometry=shapes, crs=crs)


def _cell(
    statistics: LayoutStatistics, rules: LayoutRules, seed: int, cell: tuple[int, int]
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield the objects of a cell with their classes."""
    side = statistics.cell_m
    corner = np.array([cell[1] * side, cell[0] * side])
    placed: list[tuple[str, NDArray[np.float64]]] = []
    for found in statistics.classes:
        key = key_of(f"layout:{found.name}", seed)
        count = _quantile(found.counts, float(uniforms(key, cell, 1)[0]))
        if not count or not len(found.length_m):
            continue
        objects = [_object(found, rules, uniforms(key, cell, _PER_OBJECT, 1 + n)) for n in range(int(count))]
        places = _Places(key, cell, side, rules, found.spacing_m)
        placed += places.fill([one for one in objects if one.length <= side * np.sqrt(2)], placed)
    for name, corners in placed:
        yield name, corners + corner


def _object(found: ClassStatistics, rules: LayoutRules, chance: NDArray[np.float64]) -> _Object:
    """Return an object like one of those that were counted, varied as the rules say."""
    i = min(int(chance[0] * len(found.length_m)), len(found.length_m) - 1)
    vary = rules.variation
    turned = float(found.orientation_deg[i])
    if vary.mirror and chance[1] < 0.5:
        turned = -turned
    turned += vary.turn_deg[0] + chance[2] * (vary.turn_deg[1] - vary.turn_deg[0])
    scale = float(vary.scale[0] * (vary.scale[1] / vary.scale[0]) ** chance[3])
    length = float(found.length_m[i]) * scale
    return _Object(found.name, length, length * float(found.aspect[i]), float(np.radians(turned)))


@dataclass(frozen=True, slots=True, eq=False)
class _Places:
    """Tries places for the objects of a class in a cell; the cell's corner is (0, 0)."""

    key: int
    cell: tuple[int, int]
    side: float
    rules: LayoutRules
    spacing: NDArray[np.float64]

    def fill(
        self, objects: list[_Object], others: list[tuple[str, NDArray[np.float64]]]
    ) -> list[tuple[str, NDArray[np.float64]]]:
        """Return objects at places where they may lie.

        Distances are used from the least on: each object lies so far from one that is there, and no nearer to
        any other. The distances to nearest neighbours are then those that were drawn.
        """
        apart = self._distances(len(objects))
        found: list[tuple[str, NDArray[np.float64]]] = []
        middles: list[NDArray[np.float64]] = []
        for number, one in enumerate(objects):
            # The first two objects are each other's neighbours, at the least distance of all.
            distance = apart[max(number - 1, 0)] if len(apart) else None
            place = self._place(number, one, distance, middles, [*others, *found])
            if place is not None:
                middles.append(place)
                found.append((one.name, one.corners(place)))
        return found

    def _distances(self, count: int) -> NDArray[np.float64]:
        if not self.rules.spaced or not len(self.spacing) or count < 2:
            return np.zeros(0)
        drawn = uniforms(self.key, self.cell, count - 1, 2**20)
        return np.sort([_quantile(self.spacing, float(chance)) for chance in drawn])

    def _place(
        self,
        number: int,
        one: _Object,
        distance: float | None,
        middles: list[NDArray[np.float64]],
        others: list[tuple[str, NDArray[np.float64]]],
    ) -> NDArray[np.float64] | None:
        """Return a middle for an object, or ``None`` if no try fits."""
        chance = uniforms(self.key, self.cell, _PER_TRY * self.rules.tries, 2**21 + number)
        for first, second, third in chance.reshape(-1, _PER_TRY):
            if distance is None or not middles:
                middle = np.array([first, second]) * self.side
            else:
                beside = middles[min(int(third * len(middles)), len(middles) - 1)]
                angle = 2 * np.pi * first
                middle = beside + distance * np.array([np.cos(angle), np.sin(angle)])
                away = np.hypot(*(np.array(middles) - middle).T)
                if (away < distance * (1 - 1e-9)).any():
                    continue
            corners = one.corners(middle)
            if corners.min() >= 0 and corners.max() <= self.side and self._is_free(corners, others):
                return middle
        return None

    def _is_free(self, corners: NDArray[np.float64], others: list[tuple[str, NDArray[np.float64]]]) -> bool:
        shapely = shapely_module()
        polygon = shapely.polygons(corners)
        low, high = corners.min(axis=0), corners.max(axis=0)
        for _, other in others:
            if (other.min(axis=0) >= high).any() or (other.max(axis=0) <= low).any():
                continue
            if iou(polygon, shapely.polygons(other)) > self.rules.most_overlap:
                return False
        return True


def _quantile(values: NDArray[Any], chance: float) -> float:
    """Return the value below which a share of sorted values lies; whole numbers stay whole."""
    return float(values[min(int(chance * len(values)), len(values) - 1)])
