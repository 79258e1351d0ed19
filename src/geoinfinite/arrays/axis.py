"""The rows or the columns of a level: integers, and the labels that follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS

from geoinfinite.plane.crs import parse_crs
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.labels import fractional_indices, labels
from geoinfinite.plane.window import Window

SNAP = 1e-6
"""Coordinates within this part of a pixel from an edge or a centre lie on it, as in `Grid.window`."""


@dataclass(frozen=True, slots=True)
class GridAxis:
    """One axis of a level of a grid.

    >>> axis = GridAxis(Grid("EPSG:4326", (-180, 90), 1.0, (180, 360), levels=2, periodic=True), 1, "x")
    >>> axis.labels([0, 1440]).tolist(), axis.size, axis.period
    ([-179.875, 180.125], 1440, 1440)
    """

    grid: Grid
    level: int
    which: Literal["y", "x"]

    @property
    def origin(self) -> float:
        """Coordinate of the outer edge of pixel 0."""
        return self.grid.origin[0 if self.which == "x" else 1]

    @property
    def step(self) -> float:
        """Coordinate units from a pixel to the next one; negative along y."""
        step = self.grid.resolution_at(self.level)
        return step if self.which == "x" else -step

    @property
    def size(self) -> int:
        """Pixels of the whole level."""
        return self.grid.shape_at(self.level)[1 if self.which == "x" else 0]

    @property
    def period(self) -> int | None:
        """Pixels after which the axis repeats, if it does."""
        return self.grid.period(self.level) if self.which == "x" else None

    @property
    def crs(self) -> CRS:
        """The grid's coordinate reference system."""
        return crs_of(self.grid)

    @property
    def directions(self) -> tuple[str, str]:
        """The compass directions of its first and its last pixel."""
        return ("west", "east") if self.which == "x" else ("north", "south")

    def labels(self, positions: range | ArrayLike) -> NDArray[np.float64]:
        """Return the coordinates of pixel centres; see `geoinfinite.plane.labels.labels`."""
        if isinstance(positions, range):
            positions = np.arange(positions.start, positions.stop, positions.step, dtype=np.float64)
        return labels(self.origin, self.step, positions)

    def fractional(self, coordinates: ArrayLike) -> NDArray[np.float64]:
        """Return coordinates as positions; whole numbers are centres of pixels."""
        return fractional_indices(self.origin, self.step, coordinates)

    def edge(self, coordinate: float) -> float:
        """Return a coordinate as a position; whole numbers are edges of pixels, infinities stay."""
        return float((coordinate - self.origin) / self.step)

    def same_as(self, other: GridAxis) -> bool:
        """Say whether every position has the same label, period and CRS on both axes."""
        if self == other:
            return True
        mine, theirs = ((a.which, a.origin, a.step, a.size, a.period) for a in (self, other))
        return mine == theirs and (self.grid.crs == other.grid.crs or self.grid.same_crs(other.grid))

    def coarser(self, pixels: int) -> GridAxis | None:
        """Return the axis whose pixels are ``pixels`` of this one's, if it is a level of the grid."""
        for up in range(1, self.level + 1):
            if self.grid.factor**up == pixels:
                return GridAxis(self.grid, self.level - up, self.which)
        return None

    def attributes(self) -> dict[str, str]:
        """Return the CF attributes of the coordinate.

        They are written here, not asked of PROJ, which calls both axes of EPSG:2048 "Y".
        """
        unit = self.crs.axis_info[0].unit_name if self.crs.axis_info else "metre"
        if self.crs.is_geographic:
            name, degrees = ("longitude", "east") if self.which == "x" else ("latitude", "north")
            units = f"degrees_{degrees}" if unit == "degree" else unit
            return {
                "axis": self.which.upper(),
                "long_name": f"{name} coordinate",
                "standard_name": name,
                "units": units,
            }
        return {
            "axis": self.which.upper(),
            "long_name": f"{self.which} coordinate of projection",
            "standard_name": f"projection_{self.which}_coordinate",
            "units": unit,
        }


def crs_of(grid: Grid) -> CRS:
    """Return the coordinate reference system of a grid."""
    return parse_crs(grid.crs)


def geo_transform(grid: Grid, level: int, window: Window) -> str:
    """Return GDAL's ``GeoTransform`` of a window, for files whose pixels stay where they are."""
    return " ".join(repr(float(v)) for v in grid.transform(level, window).to_gdal())


def shifts(low: int, high: int, other_low: int, other_high: int, period: int) -> range:
    """Return the numbers of turns by which ``[other_low, other_high)`` may be moved to meet ``[low, high)``.

    >>> list(shifts(0, 360, 350, 370, 360))
    [-1, 0]
    """
    return range(math.floor((low - other_high) / period) + 1, math.ceil((high - other_low) / period))
