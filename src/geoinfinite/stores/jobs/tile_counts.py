"""Counts the tiles of a task as they are drawn, reports them, and ends a task whose job was stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from geoinfinite.engine import Resources, process_resources
from geoinfinite.progress import Progress
from geoinfinite.tiling import NoTileCache
from geoinfinite.tiling.tile_cache import DrawTiles


class Ticks:
    """Reports tiles as they are drawn, and ends a task whose job was stopped; mute in other processes."""

    def __init__(self, progress: Progress | None = None, stop: threading.Event | None = None) -> None:
        self._progress, self._stop = progress, stop

    def __reduce__(self) -> tuple[type[Ticks], tuple[()]]:
        return Ticks, ()

    def listen(self, pixels: int, tiles: int) -> TileCounter:
        """Return what counts the tiles of one task."""
        advance = None if self._progress is None else self._progress.advance
        return TileCounter(advance, pixels // max(tiles, 1), self._stop)


class TileCounter(NoTileCache):
    """A cache that keeps nothing and counts what it is given: a task draws every tile once."""

    def __init__(
        self,
        advance: Callable[[int, int], None] | None,
        pixels_per_tile: int,
        stop: threading.Event | None = None,
    ) -> None:
        super().__init__()
        self._advance, self._pixels, self._stop = advance, pixels_per_tile, stop
        self.drawn = 0

    def obtain(self, keys: Iterable[Hashable], draw: DrawTiles) -> dict[Hashable, NDArray[np.float32]]:
        """Draw tiles, and count them."""
        found = super().obtain(keys, draw)
        self.drawn += len(found)
        if self._advance is not None:
            self._advance(len(found), len(found) * self._pixels)
        return found

    def resources(self) -> Resources:
        """Return the process's resources with this cache; they end with the job."""
        shared = replace(process_resources(), tiles=self)
        return shared if self._stop is None else replace(shared, is_cancelled=self._stop.is_set)

    @property
    def reported(self) -> tuple[int, int]:
        """Tiles and pixels that progress has been told of."""
        return (0, 0) if self._advance is None else (self.drawn, self.drawn * self._pixels)
