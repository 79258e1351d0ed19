"""``Cells``: a raster divided into squares of ground, each of which gets a vector."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from affine import Affine
from numpy.typing import NDArray

from geoinfinite.conditions.place import Place
from geoinfinite.conditions.raster_values import RasterValues
from geoinfinite.conditions.saving import save_raster
from geoinfinite.conditions.source_raster import SourceRaster, source_raster
from geoinfinite.errors import WorldError, shorten
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.told import Slot

Picture = NDArray[np.float32]
"""Values ``(band, y, x)`` of a cell."""
_ROUNDED = 1e-6
"""Part of a pixel that a raster may lack of its last cell: sizes of pixels are rounded."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Squares of ``cell`` x ``cell`` pixels of a grid that lies over a raster."""

    grid: Grid
    cell: int
    values: RasterValues
    picture: Slot
    """What a cell is told of the raster."""

    @property
    def shape(self) -> tuple[int, int]:
        """``(rows, columns)`` of cells."""
        return self.grid.shape[0] // self.cell, self.grid.shape[1] // self.cell

    @property
    def transform(self) -> Affine:
        """Where the cells lie, as pixels of a raster."""
        side, (left, top) = self.grid.resolution * self.cell, self.grid.origin
        return Affine(side, 0, left, 0, -side, top)

    def known(self, block: Window) -> Iterator[tuple[tuple[int, int], Picture]]:
        """Yield those cells of a block of cells that are known wholly: row and column in it, and picture."""
        for row in range(block.height):
            pixels = Window(block.y0 + row, block.y0 + row + 1, block.x0, block.x1).refine(self.cell)
            values, known = self.values.known(Place(self.grid, 0, pixels), self.picture)
            whole = np.logical_and.reduce(known.reshape(self.cell, -1, self.cell), axis=(0, 2))
            for column in np.flatnonzero(whole).tolist():
                yield (row, column), values[:, :, column * self.cell : (column + 1) * self.cell]

    def around(self, row: int, column: int) -> str:
        """Return where a cell is, for errors: longitude and latitude."""
        pixels = Window(row, row + 1, column, column + 1).refine(self.cell)
        return "{:.5f}, {:.5f}".format(*Place(self.grid, 0, pixels).lonlat())


@contextmanager
def raster_file(argument: str, data: Any, folder: Path) -> Iterator[SourceRaster]:
    """Yield a raster that is given by its path, or as a DataArray that is kept in a folder meanwhile."""
    if isinstance(data, str | Path):
        yield source_raster(Path(data).expanduser().absolute(), f"{argument}={str(data)!r})")
        return
    if not isinstance(data, xr.DataArray):
        raise WorldError(
            f"{argument}={shorten(repr(data))}) must be the path of a raster, or a DataArray; open it first: "
            "rioxarray.open_rasterio(path)"
        )
    with tempfile.TemporaryDirectory(dir=folder, prefix=".field-") as kept:
        path = Path(kept) / "raster.tif"
        save_raster(data, path, argument)
        yield source_raster(path, f"{argument})")


def cells_over(source: SourceRaster, cell: int, resolution: float | None, picture: Slot) -> Cells:
    """Return the cells of a raster from its upper left corner; ``None``: of its own pixels.

    Pixels of a raster that lie on those of the grid are taken as they are; others are interpolated.
    """
    step = source.side() if resolution is None else resolution
    corners = np.array([(0, 0), (0, 1), (1, 0), (1, 1)]) * source.shape
    x, y = np.array([Affine(*source.transform) * (column, row) for row, column in corners]).T
    counts = [math.floor(length / step + _ROUNDED) // cell for length in (np.ptp(y), np.ptp(x))]
    if min(counts) < 1:
        rows, columns = source.shape
        raise WorldError(
            f"cell={cell}: {source.named} has {rows} x {columns} pixels of {source.side():g}, less than one "
            f"cell of {cell} x {cell} pixels of {step:g}; choose fewer pixels, or a finer resolution"
        )
    grid = Grid(source.crs, (float(x.min()), float(y.max())), step, (counts[0] * cell, counts[1] * cell))
    a, b, _, d, e, _ = source.transform
    upright = not b and not d and math.isclose(abs(a), abs(e), rel_tol=1e-9)
    as_they_are = picture.span is None or (resolution is None and upright)
    resampling = "nearest" if as_they_are else "bilinear"
    values = RasterValues("field", source.named, str(source.path), resampling=resampling)
    return Cells(grid, cell, values, picture)


def checked_count(argument: str, value: Any) -> int:
    """Return a whole number of at least 1."""
    if type(value) is not int or value < 1:
        raise WorldError(f"{argument}={shorten(repr(value))}) must be a whole number of at least 1")
    return value


def checked_side(argument: str, value: Any) -> float | None:
    """Return a positive number, or ``None``."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise WorldError(
            f"{argument}={shorten(repr(value))}) must be a positive number of CRS units; leave it out for "
            "the pixels of the raster"
        )
    return float(value)
