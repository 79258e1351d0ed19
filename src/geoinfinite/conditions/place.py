"""``Place``: the pixels of a level that a tile is told about, and where on the Earth they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoinfinite.plane.crs import transformer
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.ground import ground_m, sides_m
from geoinfinite.plane.window import Window

Coordinates = NDArray[np.float64]
LONLAT = "EPSG:4326"


@dataclass(frozen=True, slots=True)
class Place:
    """The pixels of a level that a tile is told about; for a latent model already pixels of the image.

    >>> grid = Grid("EPSG:32632", (400_000.0, 5_200_000.0), 30.0, (100, 200), factor=4, levels=3)
    >>> place = Place(grid, 1, Window(0, 64, 64, 128))
    >>> rows, columns = place.cells()
    >>> rows[:2], columns[:2]
    (array([0.5, 1.5]), array([64.5, 65.5]))
    >>> place.coordinates(rows, columns)[0][:2]
    array([400483.75, 400491.25])
    """

    grid: Grid
    level: int
    window: Window

    def cells(self, pixels: int = 1, parts: int = 1) -> tuple[Coordinates, Coordinates]:
        """Return rows and columns of cell centres along each axis, counted from the grid's origin.

        A cell has ``pixels`` pixels a side and is divided into ``parts`` along each axis. Columns are wrapped
        round the Earth, and beyond the edges of the level the nearest pixel stands in: places that share a
        pixel have the same numbers for it.
        """
        rows, columns = self.grid.shape_at(self.level)
        y = np.arange(self.window.y0 // pixels, -(-self.window.y1 // pixels))
        x = np.arange(self.window.x0 // pixels, -(-self.window.x1 // pixels))
        y = y.clip(0, -(-rows // pixels) - 1)
        x = x % (columns // pixels) if self.grid.periodic else x.clip(0, -(-columns // pixels) - 1)
        part = (np.arange(parts) + 0.5) / parts
        return (y[:, None] + part).ravel(), (x[:, None] + part).ravel()

    def parts(self, count: int) -> tuple[Coordinates, Coordinates]:
        """Return rows and columns of the middles of ``count`` x ``count`` equal parts of the window.

        They are within the level, and columns are wrapped round the Earth.

        >>> grid = Grid("EPSG:32632", (400_000.0, 5_200_000.0), 30.0, (100, 200))
        >>> Place(grid, 0, Window(0, 64, 64, 128)).parts(2)
        (array([16., 48.]), array([ 80., 112.]))
        """
        rows, columns = self.grid.shape_at(self.level)
        middles = (np.arange(count) + 0.5) / count
        y = (self.window.y0 + middles * self.window.height).clip(0.5, rows - 0.5)
        x = self.window.x0 + middles * self.window.width
        return y, x % columns if self.grid.periodic else x.clip(0.5, columns - 0.5)

    def coordinates(
        self, rows: Coordinates, columns: Coordinates, pixels: int = 1
    ) -> tuple[Coordinates, Coordinates]:
        """Return x of columns and y of rows in the grid's CRS, given in cells of ``pixels`` pixels."""
        step, (left, top) = self.grid.resolution_at(self.level) * pixels, self.grid.origin
        return left + columns * step, top - rows * step

    def centre(self) -> tuple[float, float]:
        """Return row and column of the window's centre, within the level and wrapped round the Earth."""
        rows, columns = self.grid.shape_at(self.level)
        y = min(max((self.window.y0 + self.window.y1) / 2, 0.5), rows - 0.5)
        x = (self.window.x0 + self.window.x1) / 2
        x = x % columns if self.grid.periodic else min(max(x, 0.5), columns - 0.5)
        return y, x

    def lonlat(self) -> tuple[float, float]:
        """Return longitude in [-180, 180) and latitude of the window's centre, in degrees."""
        row, column = self.centre()
        x, y = self.coordinates(np.array([row]), np.array([column]))
        lon, lat = transformer(self.grid.crs, LONLAT).transform(x[0], y[0])
        return (float(lon) + 180) % 360 - 180, float(lat)

    def ground_m(self) -> float:
        """Return the true side of a pixel at the window's centre in metres, on the ellipsoid."""
        row, column = self.centre()
        x, y = self.coordinates(np.array([row]), np.array([column]))
        return ground_m(self.grid.crs, (float(x[0]), float(y[0])), self.grid.resolution_at(self.level))

    def aspect(self) -> float:
        """Return the true height over the true width of a pixel at the window's centre.

        >>> grid = Grid("EPSG:4326", (-180.0, 90.0), 1.0, (180, 360))
        >>> round(Place(grid, 0, Window(29, 30, 0, 1)).aspect(), 1)
        2.0
        """
        row, column = self.centre()
        x, y = self.coordinates(np.array([row]), np.array([column]))
        step = self.grid.resolution_at(self.level)
        across, along = sides_m(self.grid.crs, (float(x[0]), float(y[0])), step)
        return along / across
