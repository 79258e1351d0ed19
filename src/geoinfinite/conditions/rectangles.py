"""Rectangles of any angle about points, and the order of their corners; y grows downwards."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Corners = NDArray[np.float64]
"""``(box, corner, (x, y))``."""
_ALIKE = 1 + 1e-9
"""Ratio of areas that count as equal."""


def least_rectangle(hull: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the corners ``(4, 2)`` of the smallest rectangle about a convex hull ``(point, 2)``.

    One side of it lies along a side of the hull; of equally small ones the side with the least angle to an
    axis, clockwise from it, decides.

    >>> least_rectangle(np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 2.0], [1.0, 2.0]])).tolist()
    [[0.0, 0.0], [4.0, 0.0], [4.0, 2.0], [0.0, 2.0]]
    """
    sides = np.roll(hull, -1, axis=0) - hull
    sides = sides[np.hypot(*sides.T) > 0]
    angles = np.arctan2(sides[:, 1], sides[:, 0]) % (np.pi / 2)
    axes = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    # A side along an axis has no rounded sine: its rectangle is exact.
    straight = (sides == 0).any(axis=1)
    axes[straight] = 1.0, 0.0
    along = hull @ axes.T
    across = hull @ np.stack([-axes[:, 1], axes[:, 0]])
    areas = np.ptp(along, axis=0) * np.ptp(across, axis=0)
    small = np.flatnonzero(areas <= areas.min() * _ALIKE)
    best = small[np.argmin(np.where(straight, 0.0, angles)[small])]
    u, v = axes[best], np.array([-axes[best, 1], axes[best, 0]])
    low, high = (along[:, best].min(), across[:, best].min()), (along[:, best].max(), across[:, best].max())
    ends = ((low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1]))
    return np.array([a * u + b * v for a, b in ends])


def clockwise_from_upper_left(quadrilaterals: Corners) -> Corners:
    """Return quadrilaterals with their corners clockwise as one sees them, from the upper left one on.

    The upper left corner has the least ``x + y``; of two, as in a square that stands on its tip, the upper
    one.

    >>> tip = np.array([[[0.0, 1.0], [1.0, 2.0], [2.0, 1.0], [1.0, 0.0]]])
    >>> clockwise_from_upper_left(tip)[0].tolist()
    [[1.0, 0.0], [2.0, 1.0], [1.0, 2.0], [0.0, 1.0]]
    """
    x, y = np.moveaxis(quadrilaterals, -1, 0)
    following = np.roll(x, -1, axis=1), np.roll(y, -1, axis=1)
    is_clockwise = (x * following[1] - y * following[0]).sum(axis=1) > 0
    turned = np.where(is_clockwise[:, None, None], quadrilaterals, quadrilaterals[:, ::-1])
    x, y = np.moveaxis(turned, -1, 0)
    first = np.lexsort((y, x + y), axis=1)[:, 0]
    order = (first[:, None] + np.arange(4)) % 4
    return np.asarray(np.take_along_axis(turned, order[..., None], axis=1))
