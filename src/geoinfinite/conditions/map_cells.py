"""``Cells``: the lattice on which a map is painted, and shapes that are brought to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.carrier import SNAP, Carrier, Points
from geoinfinite.conditions.map_style import PIXELS
from geoinfinite.conditions.vectors import shapely_module
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.ground import grounds_m
from geoinfinite.plane.window import Window

_PROBES = 3
"""Places of a window along each axis at which pixels are measured on the ground."""
_SPARE = 1.5
"""How much wider than in the window a line may be where it begins."""
_WIDEST = 512.0
"""Cells by which a line reaches beside its middle at most: near a pole a metre has no end of cells."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Squares of ``pixels`` x ``pixels`` pixels of a level, of which a map has one value each.

    >>> cells = Cells(Grid("EPSG:32632", (4e5, 5.2e6), 3.0, (100, 201)), 0, 2)
    >>> cells.shape, cells.reach(7.0, "metres", Window(0, 8, 0, 8))
    ((50, 101), 3)
    """

    grid: Grid
    level: int
    pixels: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.grid.shape_at(self.level)
        return -(-rows // self.pixels), -(-columns // self.pixels)

    @property
    def period(self) -> int | None:
        """Columns once round the Earth, on a grid that wraps."""
        period = self.grid.period(self.level)
        return None if period is None else period // self.pixels

    def carrier(self, crs: str) -> Carrier:
        """Return the way from a CRS to the pixels of the level."""
        return Carrier(crs, self.grid, self.level)

    def snapped(self, pixels: Points) -> Points:
        """Return points on pixels as points on cells, on ``1 / SNAP`` of a cell."""
        return np.asarray(np.round(pixels / self.pixels * SNAP) / SNAP)

    def half_widths(self, widths: NDArray[np.float64], unit: str, at: Points) -> NDArray[np.float64]:
        """Return in cells how far lines reach beside their middles, at places in cells.

        ``widths`` are halves of their widths in the unit of a style. Where the ground is not known, it is 0.
        """
        if unit == PIXELS:
            return np.minimum(widths, _WIDEST)
        step, (left, top) = self.grid.resolution_at(self.level) * self.pixels, self.grid.origin
        ground = grounds_m(self.grid.crs, left + at[:, 0] * step, top - at[:, 1] * step, step)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = widths / ground
        return np.asarray(np.where(np.isfinite(found), np.minimum(found, _WIDEST), 0.0))

    def reach(self, width: float, unit: str, window: Window) -> int:
        """Return how many cells about a window lines may begin that reach into it."""
        y, x = np.meshgrid(
            np.linspace(window.y0, window.y1, _PROBES), np.linspace(window.x0, window.x1, _PROBES)
        )
        at = np.stack([x.ravel(), y.ravel()], axis=1)
        return int(np.ceil(_SPARE * self.half_widths(np.full(len(at), width), unit, at).max())) + 1

    def copies(self, shapes: NDArray[Any], carrier: Carrier, window: Window) -> Iterator[tuple[Any, Any]]:
        """Return shapes on pixels as shapes on cells that come near a window, and their numbers.

        They come once for every turn round the Earth that brings them near.
        """
        shapely, around = shapely_module(), carrier.turn
        x0, y0, x1, y1 = (shapely.bounds(shapes) / self.pixels).T
        for by in (0.0,) if around is None else (-around, 0.0, around):
            shift = by / self.pixels
            meets = (
                (x0 + shift <= window.x1) & (x1 + shift >= window.x0) & (y0 <= window.y1) & (y1 >= window.y0)
            )
            near = np.flatnonzero(meets)
            if len(near):
                moved = shapely.transform(
                    shapes[near], lambda points, by=by: self.snapped(points + np.array([by, 0.0]))
                )
                yield moved, near
