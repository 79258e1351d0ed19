"""Level 0 read from a raster file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from geoinfinite.engine.open_rasters import OpenRasters
from geoinfinite.plane.window import Window
from geoinfinite.recipe.raster import Raster


@dataclass(frozen=True, slots=True)
class RasterSource:
    """The source of a level that is read from a raster."""

    raster: Raster

    @property
    def name(self) -> str:
        """The raster as the recipe names it."""
        return self.raster.source

    def read(self, window: Window, rasters: OpenRasters) -> NDArray[Any]:
        """Return pixels ``(band, y, x)``; columns wrap round the raster's width.

        Raises `WorldError` for pixels that are not known, and for a file that was changed since.
        """
        self.raster.check_unchanged()
        with rasters.lend(self.raster, self.raster.open) as dataset:
            return self.raster.read_known(dataset, window)
