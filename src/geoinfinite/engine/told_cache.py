"""What conditions have said of tiles lately."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

from geoinfinite.engine.steering import ToldTile
from geoinfinite.told import Told


class ToldCache:
    """What tiles were told lately, up to a number of bytes; thread-safe."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._held = 0
        self._told: OrderedDict[Hashable, ToldTile] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> ToldTile | None:
        """Return what a tile was told, if that is still kept."""
        with self._lock:
            if key in self._told:
                self._told.move_to_end(key)
            return self._told.get(key)

    def keep(self, key: Hashable, told: ToldTile) -> None:
        """Keep what a tile is told, and forget what was used longest ago."""
        with self._lock:
            if key not in self._told:
                self._told[key] = told
                self._held += _nbytes(told)
            while self._held > self.limit and self._told:
                self._held -= _nbytes(self._told.popitem(last=False)[1])


def _nbytes(told: ToldTile) -> int:
    return sum(map(_bytes_of, told.values())) + 256


def _bytes_of(told: Told) -> int:
    return 0 if told is None else len(told) if isinstance(told, str) else int(told.nbytes)
