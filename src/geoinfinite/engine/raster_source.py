"""Level 0 read from a raster file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from geoinfinite.engine.open_rasters import OpenRasters
from geoinfinite.plane.window import Window
from geoinfinite.recipe.root import Root


@dataclass(frozen=True, slots=True)
class RasterSource:
    """The source of a level that is read from a raster."""

    root: Root

    @property
    def name(self) -> str:
        """The raster as the recipe names it."""
        return self.root.source

    def read(self, window: Window, rasters: OpenRasters) -> NDArray[Any]:
        """Return pixels ``(band, y, x)``; columns wrap round the raster's width."""
        return self.root.read(window)
