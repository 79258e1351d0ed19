"""What drawing may use in a process: tiles drawn earlier, loaded models, open rasters, and when to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from geoinfinite.engine.open_rasters import OpenRasters
from geoinfinite.engine.told_cache import ToldCache
from geoinfinite.errors import Cancelled
from geoinfinite.models.loaded import LoadedModels
from geoinfinite.tiling import MemoryTileCache, TileCache

TILE_BYTES = 256 * 2**20
"""Memory for tiles that neighbouring windows share, unless a caller brings a cache of its own."""
MODEL_BYTES = 8 * 2**30
"""Memory for loaded models beyond which those that were used longest ago are unloaded."""
TOLD_BYTES = 64 * 2**20
"""Memory for what conditions have said of tiles: layers of one level are told the same."""
OPEN_RASTERS = 16
"""Raster files that stay open."""

_models = LoadedModels(MODEL_BYTES)
_rasters = OpenRasters(OPEN_RASTERS)
_told = ToldCache(TOLD_BYTES)


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True, eq=False)
class Resources:
    """What drawing may use; it changes the cost of pixels and never the pixels.

    ``Resources(tiles=NoTileCache())`` draws every tile anew. Models and open rasters are those of the process
    unless others are given. In another process it stands for that process's own.
    """

    tiles: TileCache = field(default_factory=lambda: MemoryTileCache(TILE_BYTES))
    """Finished tiles."""
    models: LoadedModels = _models
    """Loaded models."""
    rasters: OpenRasters = _rasters
    """Open raster files."""
    told: ToldCache = _told
    """What conditions have said of tiles."""
    is_cancelled: Callable[[], bool] = _never
    """Asked before every batch of tiles; True ends the work with `Cancelled`."""

    def check_cancelled(self) -> None:
        """Raise `Cancelled` if whoever asked for the pixels does not want them any more."""
        if self.is_cancelled():
            raise Cancelled("drawing was cancelled; ask again for the pixels that are still wanted")

    def __reduce__(self) -> tuple[Callable[[], Resources], tuple[()]]:
        return process_resources, ()


_of_process = Resources()


def process_resources() -> Resources:
    """Return the resources that every call of this process shares unless it brings its own."""
    return _of_process
