"""``Carrier``: the way from the CRS of features to the pixels of a level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.vectors import shapely_module
from geoinfinite.errors import WindowError
from geoinfinite.plane.crs import carry_bounds, parse_crs, transformer, turn
from geoinfinite.plane.grid import Grid

SNAP = 256
"""Vertices lie on this part of a pixel, so that moving them by whole pixels changes no bit of them."""
_MARGIN = 0.05
"""Part of the grid's width and height by which polygons are kept beyond its edges."""
_NEARLY = 1 - 1e-5
"""Part of the way to a pole where there still is a place if the pole has none."""
_PROBES = 17
"""Points along each side of a grid that are carried to another CRS and back."""

Points = NDArray[np.float64]
"""``(point, (x, y))``."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """The way from the CRS of features to pixels of a level."""

    source: str
    grid: Grid
    level: int

    @property
    def turn(self) -> float | None:
        """Columns once round the Earth, if x grows so."""
        period = self.grid.period(self.level)
        if period is not None:
            return float(period)
        around = turn(self.grid.crs)
        return None if around is None else around / self.grid.resolution_at(self.level)

    @property
    def is_other(self) -> bool:
        """Whether the grid has another CRS."""
        return bool(parse_crs(self.source) != parse_crs(self.grid.crs))

    def pixels(self, points: Points) -> Points:
        """Return points ``(column, row)``; not finite where they have no place in the grid's CRS."""
        x, y = points.T
        if self.is_other:
            x, y = transformer(self.source, self.grid.crs).transform(x, y)
        step, (left, top) = self.grid.resolution_at(self.level), self.grid.origin
        return np.stack([(x - left) / step, (top - y) / step], axis=1)

    def steps(self, pixels: Points) -> Points:
        """Return ways between points by the shorter way round the Earth."""
        around = self.turn
        if around is not None:
            pixels[:, 0] -= around * np.round(pixels[:, 0] / around)
        return pixels

    def boxes(self) -> NDArray[Any] | None:
        """Return boxes in the CRS of polygons about the grid; ``None`` if that CRS cannot hold the grid."""
        if not self._is_held():
            return None
        try:
            box = carry_bounds(self.grid.bounds(0, self.grid.full(0)), self.grid.crs, self.source)
        except WindowError:
            return None
        left, bottom, right, top = box
        south, north = self._latitudes()
        around = turn(self.source) or 0.0
        right += around if right < left else 0.0
        up, across = _MARGIN * (top - bottom), _MARGIN * (right - left)
        bottom, top = max(bottom - up, south), min(top + up, north)
        turns = {-around, 0.0, around}
        found = [(left - across + by, bottom, right + across + by, top) for by in sorted(turns)]
        return np.asarray([shapely_module().box(*edges) for edges in found])

    def _is_held(self) -> bool:
        """Say whether points all over the grid go to the CRS of polygons and come back."""
        rows, columns = self.grid.shape_at(self.level)
        y, x = np.meshgrid(np.linspace(0, rows, _PROBES), np.linspace(0, columns, _PROBES))
        pixels = np.stack([x.ravel(), y.ravel()], axis=1)
        points = self.grid.transform(self.level) * tuple(pixels.T)
        there = transformer(self.grid.crs, self.source).transform(*points)
        again = self.pixels(np.stack(there, axis=1))
        if not np.isfinite(again).all():
            return False
        away = np.abs(self.steps(again - pixels))
        return bool((away < max(rows, columns) / _PROBES).all())

    def _latitudes(self) -> tuple[float, float]:
        """Return how far south and north geographic polygons may reach: poles may have no place."""
        around = turn(self.source)
        if around is None:
            return -np.inf, np.inf
        poles = np.array([(0.0, -around / 4), (0.0, around / 4)])
        there = np.isfinite(self.pixels(poles)).all(axis=1)
        south, north = np.where(there, poles[:, 1], poles[:, 1] * _NEARLY)
        return float(south), float(north)
