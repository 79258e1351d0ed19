"""Finished tiles kept for the next window, up to a number of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class TileCache:
    """A thread-safe least-recently-used store of tiles; it changes cost, never pixels.

    >>> cache = TileCache(max_bytes=100)
    >>> cache.put("a", np.zeros(20, np.float32)); cache.put("b", np.zeros(20, np.float32))
    >>> cache.get("a") is None, cache.get("b") is None
    (True, False)
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._tiles: OrderedDict[Hashable, Array] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Array | None:
        """Return a tile, or ``None`` if it is not held."""
        with self._lock:
            tile = self._tiles.get(key)
            if tile is not None:
                self._tiles.move_to_end(key)
            return tile

    def put(self, key: Hashable, tile: Array) -> None:
        """Hold a tile, and let go of those that were used longest ago."""
        with self._lock:
            old = self._tiles.pop(key, None)
            self._bytes += tile.nbytes - (0 if old is None else old.nbytes)
            self._tiles[key] = tile
            while self._bytes > self.max_bytes and self._tiles:
                self._bytes -= self._tiles.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        """Let go of every tile."""
        with self._lock:
            self._tiles.clear()
            self._bytes = 0
