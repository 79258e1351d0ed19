"""Boxes that a chip cuts: the part that shows, and the turned rectangle that stands for it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.rectangles import clockwise_from_upper_left, least_rectangle
from geoinfinite.conditions.vectors import is_sound, shapely_module

Corners = NDArray[np.float64]
"""``(corner, (x, y))``, pixels from the upper left corner of a chip."""
_LEAST_SIDE = 1e-6
"""Pixels: what is thinner is no rectangle."""


def whole_polygon(outline: Corners) -> Any:
    """Return an outline as a valid polygon."""
    shapely = shapely_module()
    polygon = shapely.polygons(outline)
    return polygon if is_sound(np.array([polygon]))[0] else shapely.make_valid(polygon)


def visible_part(polygon: Any, height: int, width: int) -> tuple[Any, float]:
    """Return the part of a polygon that a chip shows, and its share of the area."""
    shapely = shapely_module()
    part = shapely.intersection(polygon, shapely.box(0, 0, width, height))
    area = shapely.area(polygon)
    return part, float(shapely.area(part) / area) if area > 0 else 0.0


def rectangle_in_chip(outline: Corners, part: Any, height: int, width: int) -> Corners:
    """Return the four corners of the rectangle within the chip that fits a visible part best.

    Three are compared by their IoU with the part. Two are turned as the object is: the smallest about the
    part, its ends drawn back along one of its axes until it lies within the chip. The third is upright.
    Corners go clockwise from the upper left one.
    """
    shapely = shapely_module()
    points = shapely.get_coordinates(shapely.convex_hull(part))
    axes = _axes(outline)
    turned = (_drawn_back(points, axes, axis, (width, height)) for axis in (0, 1))
    found = [_upright(points), *(corners for corners in turned if corners is not None)]
    fits = [iou(shapely.polygons(corners), part) for corners in found]
    best = found[int(np.argmax(fits))]
    return np.asarray(clockwise_from_upper_left(best[None])[0]).clip((0, 0), (width, height))


def iou(one: Any, other: Any) -> float:
    """Return the area that two shapes share, divided by the area that they cover together.

    >>> import shapely
    >>> iou(shapely.box(0, 0, 2, 2), shapely.box(1, 0, 3, 2))
    0.3333333333333333
    """
    shapely = shapely_module()
    both = shapely.area(shapely.intersection(one, other))
    covered = shapely.area(one) + shapely.area(other) - both
    return float(both / covered) if covered > 0 else 0.0


def _axes(outline: Corners) -> NDArray[np.float64]:
    """Return the unit vectors ``(2, 2)`` along the sides of the smallest rectangle about an outline."""
    shapely = shapely_module()
    hull = shapely.get_coordinates(shapely.convex_hull(shapely.multipoints(outline)))
    corners = least_rectangle(hull[:-1])
    sides = corners[1] - corners[0], corners[2] - corners[1]
    along = max(sides, key=lambda side: float(np.hypot(*side)))
    along = along / np.hypot(*along)
    return np.array([along, (-along[1], along[0])])


def _upright(points: NDArray[np.float64]) -> Corners:
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def _drawn_back(
    points: NDArray[np.float64], axes: NDArray[np.float64], axis: int, size: tuple[int, int]
) -> Corners | None:
    """Return the rectangle about points along axes, its ends along one axis drawn back into the chip."""
    ends = np.stack([(points @ axes.T).min(axis=0), (points @ axes.T).max(axis=0)])
    across = axes[1 - axis]
    low, high = ends[:, axis]
    for edge in ends[:, 1 - axis]:
        first, last = _within(edge * across, axes[axis], size)
        low, high = max(low, first), min(high, last)
    if high - low < _LEAST_SIDE or np.ptp(ends[:, 1 - axis]) < _LEAST_SIDE:
        return None
    (a, b) = ends[:, 1 - axis]
    places = ((low, a), (high, a), (high, b), (low, b))
    return np.array([u * axes[axis] + v * across for u, v in places])


def _within(
    start: NDArray[np.float64], direction: NDArray[np.float64], size: tuple[int, int]
) -> tuple[float, float]:
    """Return between which multiples of a direction a line lies in a chip; the first is larger if nowhere."""
    low, high = -np.inf, np.inf
    for place, step, side in zip(start, direction, size, strict=True):
        if abs(step) < _LEAST_SIDE:
            if not 0 <= place <= side:
                return np.inf, -np.inf
            continue
        first, last = sorted((-place / step, (side - place) / step))
        low, high = max(low, float(first)), min(high, float(last))
    return low, high
