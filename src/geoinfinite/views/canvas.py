"""A rectangle of pixels on any CRS, such as a map tile, and where its pixels lie on another CRS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from geoinfinite.plane.crs import Bounds, parse_crs, transformer

Places = NDArray[np.float64]
_EVERY = 8
"""Pixels from one that is carried there and back again to the next."""
_BACK_PX = 0.5
"""Pixels by which a place may miss itself when it is carried there and back again."""


class TileAddress(Protocol):
    """The attributes of morecantile's ``Tile`` that are read."""

    @property
    def x(self) -> int:
        """Column."""

    @property
    def y(self) -> int:
        """Row."""

    @property
    def z(self) -> int:
        """Zoom."""


class TileMatrices(Protocol):
    """What is read of morecantile's ``TileMatrixSet``."""

    crs: Any

    def xy_bounds(self, *tile: Any) -> Any:
        """Return left, bottom, right and top of a tile."""

    def matrix(self, zoom: int) -> Any:
        """Return the tile matrix of a zoom."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """North-up pixels that cover bounds of a CRS.

    >>> Canvas("EPSG:3857", (0.0, 0.0, 512.0, 256.0), (128, 256)).pixel
    (2.0, 2.0)
    """

    crs: str
    """Anything PROJ reads."""
    bounds: Bounds
    """``(left, bottom, right, top)``."""
    shape: tuple[int, int]
    """``(rows, columns)``."""

    @classmethod
    def of_tile(cls, tms: TileMatrices, tile: TileAddress, size: int | None = None) -> Canvas:
        """Return the canvas of a map tile, ``size`` pixels along each side.

        Without a size it is the matrix set's own. ``tms`` is a morecantile ``TileMatrixSet``.
        """
        matrix = tms.matrix(tile.z)
        shape = (matrix.tileHeight, matrix.tileWidth) if size is None else (size, size)
        left, bottom, right, top = tms.xy_bounds(tile.x, tile.y, tile.z)
        return cls(crs_of_tiles(tms), (left, bottom, right, top), shape)

    @property
    def pixel(self) -> tuple[float, float]:
        """Width and height of a pixel in CRS units."""
        left, bottom, right, top = self.bounds
        return (right - left) / self.shape[1], (top - bottom) / self.shape[0]

    def centres(self) -> tuple[Places, Places]:
        """Return x and y of the centre of every pixel, ``(row, column)`` each."""
        across, down = self.pixel
        x = self.bounds[0] + (np.arange(self.shape[1]) + 0.5) * across
        y = self.bounds[3] - (np.arange(self.shape[0]) + 0.5) * down
        grid = np.meshgrid(x, y)
        return grid[0], grid[1]

    def centres_on(self, crs: str) -> tuple[Places, Places]:
        """Return the centre of every pixel on another CRS, NaN where it has no place there."""
        x, y = self.centres()
        if crs == self.crs:
            return x, y
        there = transformer(self.crs, crs).transform(x, y)
        across, down = (np.where(np.isfinite(there[0] + there[1]), v, np.nan) for v in there)
        if parse_crs(crs).is_projected:
            lost = ~self._comes_back(crs, across, down)
            across[lost], down[lost] = np.nan, np.nan
        return across, down

    def _comes_back(self, crs: str, across: Places, down: Places) -> NDArray[np.bool_]:
        """Say which pixels are carried back to where they were: projections fold what is far away."""
        some = np.s_[::_EVERY, ::_EVERY]
        x, y = self.centres()
        back = transformer(crs, self.crs).transform(across[some], down[some])
        with np.errstate(invalid="ignore"):
            near = (np.abs(back[0] - x[some]) < _BACK_PX * self.pixel[0]) & (
                np.abs(back[1] - y[some]) < _BACK_PX * self.pixel[1]
            )
        spread = np.repeat(np.repeat(near, _EVERY, axis=0), _EVERY, axis=1)
        kept: NDArray[np.bool_] = spread[: self.shape[0], : self.shape[1]]
        return kept


def crs_of_tiles(tms: TileMatrices) -> str:
    """Return the CRS of a tile matrix set as a text that PROJ reads."""
    code = tms.crs.to_epsg()
    return str(tms.crs.to_wkt()) if code is None else f"EPSG:{code}"
