"""``LayoutStatistics``: how many objects there are, how large, how turned and how far apart, by class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.outlines import tokens_of
from geoinfinite.conditions.vectors import mended, shapely_module
from geoinfinite.errors import WorldError, shorten
from geoinfinite.plane.crs import parse_crs

_HALF_TURN = 180.0
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ClassStatistics:
    """The objects of one class: one row an object where several values belong together.

    Invariant: ``len(length_m) == len(aspect) == len(orientation_deg)``.
    """

    name: str
    counts: NDArray[np.int64]
    """Objects in each cell, sorted, zeros too."""
    length_m: Values
    """The longer side of every object."""
    aspect: Values
    """The shorter side of every object as a share of the longer one, above 0, at most 1."""
    orientation_deg: Values
    """The direction of the longer side of every object, anticlockwise from east, 0 up to 180."""
    spacing_m: Values
    """From every object to the nearest one of its class in its cell, middle to middle, sorted."""


@dataclass(frozen=True, slots=True, eq=False)
class LayoutStatistics:
    """What a layout is generated from: the statistics of each class, in cells of one size."""

    cell_m: float
    """Side of the cells in which objects were counted."""
    classes: tuple[ClassStatistics, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The classes, sorted by name."""
        return tuple(found.name for found in self.classes)


def fit_layout(
    boxes: Any, cell_m: float, *, column: str = "class", bounds: Sequence[float] | None = None
) -> LayoutStatistics:
    """Return the statistics of a GeoDataFrame of polygons with a column of classes.

    Sizes are those of the smallest rectangles about the polygons. Objects belong to the cell in which their
    middle lies; cells cover ``bounds`` = (left, bottom, right, top), by default those of the objects, and
    count also where they are empty. The CRS must be projected, in metres. Raises `WorldError` for data that
    have no such CRS, no such column, or no polygons.
    """
    checked_metres(boxes.crs, "boxes")
    if not cell_m > 0:
        raise WorldError(f"cell_m={cell_m!r} must be a positive number of metres; give the side of a chip")
    if column not in boxes.columns:
        raise WorldError(
            f"column={column!r} is no column of the boxes, which have "
            f"{shorten(', '.join(map(str, boxes.columns)), 200)}; name the one that holds classes"
        )
    corners = _rectangles(boxes.geometry.to_numpy())
    middle = corners.mean(axis=1)
    cells = _Cells.over(middle, cell_m, bounds)
    inside, cell = cells.inside(middle), cells.of(middle)
    said = boxes[column].astype(str).to_numpy()
    found = []
    for name in sorted(set(said)):
        some = (said == name) & inside
        found.append(_of_class(name, corners[some], cell[some], cells.count))
    return LayoutStatistics(float(cell_m), tuple(found))


def checked_metres(crs: Any, named: str) -> None:
    """Raise `WorldError` unless a CRS is projected, in metres."""
    remedy = f"project them: {named}.to_crs({named}.estimate_utm_crs())"
    if crs is None:
        raise WorldError(f"{named} have no CRS; give them one first: {named}.set_crs('EPSG:4326')")
    found = parse_crs(str(crs)) if isinstance(crs, str) else crs
    if not found.is_projected or found.axis_info[0].unit_conversion_factor != 1:
        raise WorldError(
            f"{named} have the CRS {shorten(str(found), 40)}, whose units are not metres; {remedy}"
        )


def rectangle_facts(corners: NDArray[np.float64]) -> tuple[Values, Values, Values]:
    """Return length, aspect and orientation in degrees of rectangles ``(box, corner, (x, y))``; y points up.

    >>> box = np.array([[[0.0, 0.0], [0.0, 4.0], [2.0, 4.0], [2.0, 0.0]]])
    >>> [float(values[0]) for values in rectangle_facts(box)]
    [4.0, 0.5, 90.0]
    """
    sides = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 1]
    lengths = np.stack([np.hypot(*side.T) for side in sides])
    longer = lengths.argmax(axis=0)
    direction = np.where(longer[:, None] == 0, *sides)
    turned = np.degrees(np.arctan2(direction[:, 1], direction[:, 0])) % _HALF_TURN
    return lengths.max(axis=0), lengths.min(axis=0) / lengths.max(axis=0), turned


def spacings(middle: NDArray[np.float64], cell: NDArray[Any]) -> Values:
    """Return how far every object is from the nearest one of its cell, where there is another one."""
    found = []
    for number in np.unique(cell):
        some = middle[cell == number]
        if len(some) < 2:
            continue
        away = np.hypot(*(some[:, None] - some[None]).transpose(2, 0, 1))
        np.fill_diagonal(away, inf)
        found.append(away.min(axis=1))
    return np.sort(np.concatenate(found)) if found else np.zeros(0)


@dataclass(frozen=True, slots=True)
class _Cells:
    """Square cells over a box."""

    left: float
    top: float
    side: float
    rows: int
    columns: int

    @classmethod
    def over(cls, middle: NDArray[np.float64], side: float, bounds: Sequence[float] | None) -> _Cells:
        if bounds is None:
            bounds = (*middle.min(axis=0), *middle.max(axis=0))
        left, bottom, right, top = bounds
        # What lies at the edge of the last cell lies in it.
        rows, columns = (
            max(1, int(np.ceil(length / side - 1e-9))) for length in (top - bottom, right - left)
        )
        return cls(float(left), float(top), side, rows, columns)

    @property
    def count(self) -> int:
        return self.rows * self.columns

    def inside(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        x, y = points.T
        across, down = x - self.left, self.top - y
        within = (across >= 0) & (across <= self.columns * self.side) & (down >= 0)
        return np.asarray(within & (down <= self.rows * self.side))

    def of(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        x, y = points.T
        column = ((x - self.left) // self.side).clip(0, self.columns - 1)
        row = ((self.top - y) // self.side).clip(0, self.rows - 1)
        return np.asarray(row * self.columns + column, np.int64)


def _of_class(
    name: str, corners: NDArray[np.float64], cell: NDArray[np.int64], cells: int
) -> ClassStatistics:
    counts = np.sort(np.bincount(cell, minlength=cells)).astype(np.int64)
    length, aspect, turned = rectangle_facts(corners)
    order = np.lexsort((turned, aspect, length))
    return ClassStatistics(
        name, counts, length[order], aspect[order], turned[order], spacings(corners.mean(axis=1), cell)
    )


def _rectangles(geometries: NDArray[Any]) -> NDArray[np.float64]:
    """Return the corners of the smallest rectangles about polygons."""
    shapely = shapely_module()
    whole = mended(geometries)
    if not len(whole) or not (np.nan_to_num(shapely.area(whole)) > 0).all():
        raise WorldError("boxes must be polygons with an area, at least one; remove or buffer the others")
    hulls = shapely.convex_hull(whole)
    # `tokens_of` takes outlines, which are the corners of a hull here; its y grows downwards.
    found = [tokens_of(_hull(hull)[None])[0] for hull in hulls]
    return np.array(found)


def _hull(hull: Any) -> NDArray[np.float64]:
    return np.asarray(shapely_module().get_coordinates(hull)[:-1])
