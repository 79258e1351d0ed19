"""Finished tiles kept for the next window: in memory, on disk, or not at all."""

from __future__ import annotations

import hashlib
import os
import threading
import uuid
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
DrawTiles = Callable[[list[Any]], dict[Any, Array]]
"""Draws the tiles of some keys."""


class TileCache(ABC):
    """A thread-safe store of tiles by key; it changes cost, never pixels."""

    def __init__(self) -> None:
        self._in_flight: dict[Hashable, Future[Array | None]] = {}
        self._claims = threading.Lock()

    @abstractmethod
    def get(self, key: Hashable) -> Array | None:
        """Return a tile, or ``None`` if it is not held."""

    @abstractmethod
    def put(self, key: Hashable, tile: Array) -> None:
        """Hold a tile, as long as there is room."""

    @abstractmethod
    def clear(self) -> None:
        """Let go of every tile."""

    def obtain(self, keys: Iterable[Hashable], draw: DrawTiles) -> dict[Hashable, Array]:
        """Return the tiles of all keys, drawing those that are neither held nor drawn by another thread.

        A thread waits for another one only after it has drawn its own share, so two threads never wait
        for each other. If the other thread fails, this one draws the tile itself.
        """
        found: dict[Hashable, Array] = {}
        wanted = list(dict.fromkeys(keys))
        while wanted:
            mine, others = self._claim(wanted, found)
            if mine:
                found.update(self._draw(mine, draw))
            for key, other in others.items():
                tile = other.result()
                if tile is not None:
                    found[key] = tile
            wanted = [key for key in wanted if key not in found]
        return found

    def _claim(
        self, keys: list[Hashable], found: dict[Hashable, Array]
    ) -> tuple[list[Hashable], dict[Hashable, Future[Array | None]]]:
        """Return the keys that this thread has to draw, and those that another one is drawing."""
        mine, others = [], {}
        with self._claims:
            for key in keys:
                tile = self.get(key)
                if tile is not None:
                    found[key] = tile
                elif key in self._in_flight:
                    others[key] = self._in_flight[key]
                else:
                    self._in_flight[key] = Future()
                    mine.append(key)
        return mine, others

    def _draw(self, keys: list[Hashable], draw: DrawTiles) -> dict[Hashable, Array]:
        drawn: dict[Hashable, Array] = {}
        try:
            drawn = draw(keys)
            for key, tile in drawn.items():
                self.put(key, tile)
        finally:
            with self._claims:
                claims = [(key, self._in_flight.pop(key)) for key in keys]
            for key, claim in claims:
                claim.set_result(drawn.get(key))
        return drawn


class NoTileCache(TileCache):
    """Keeps nothing: every tile is drawn whenever it is asked for."""

    def get(self, key: Hashable) -> None:
        """Return ``None``."""

    def put(self, key: Hashable, tile: Array) -> None:
        """Do nothing."""

    def clear(self) -> None:
        """Do nothing."""

    def obtain(self, keys: Iterable[Hashable], draw: DrawTiles) -> dict[Hashable, Array]:
        """Return the tiles of all keys, all of them drawn."""
        return draw(list(dict.fromkeys(keys)))


class MemoryTileCache(TileCache):
    """Tiles in memory up to a number of bytes; those that were used longest ago go first.

    >>> cache = MemoryTileCache(max_bytes=100)
    >>> cache.put("a", np.zeros(20, np.float32)); cache.put("b", np.zeros(20, np.float32))
    >>> cache.get("a") is None, cache.get("b") is None
    (True, False)
    """

    def __init__(self, max_bytes: int) -> None:
        super().__init__()
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


class DiskTileCache(TileCache):
    """Tiles as files of a folder that is its own, up to a number of bytes; the oldest files go first.

    Several processes may share the folder: a tile is written whole or not at all, and a file that cannot
    be read counts as not there.
    """

    def __init__(self, folder: str | Path, max_bytes: int) -> None:
        super().__init__()
        self.folder, self.max_bytes = Path(folder), max_bytes
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Array | None:
        """Return a tile, or ``None`` if it is not held."""
        try:
            file = self._file(key)
            tile: Array = np.load(file)
            os.utime(file)
        except (OSError, ValueError, EOFError):
            return None
        return tile

    def put(self, key: Hashable, tile: Array) -> None:
        """Hold a tile, and let go of those that were used longest ago."""
        file = self._file(key)
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(f".{uuid.uuid4().hex}.partial")
        try:
            with unfinished.open("wb") as stream:
                np.save(stream, tile)
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)
        with self._lock:
            self._make_room()

    def clear(self) -> None:
        """Let go of every tile."""
        for file in self.folder.glob("*/*.npy"):
            file.unlink(missing_ok=True)

    def _file(self, key: Hashable) -> Path:
        name = hashlib.sha256(repr(key).encode()).hexdigest()
        return self.folder / name[:2] / f"{name[2:]}.npy"

    def _make_room(self) -> None:
        held = []
        for file in self.folder.glob("*/*.npy"):
            try:
                stat = file.stat()
            except FileNotFoundError:
                continue
            held.append((stat.st_mtime_ns, stat.st_size, file))
        excess = sum(size for _, size, _ in held) - self.max_bytes
        for _, size, file in sorted(held):
            if excess <= 0:
                return
            file.unlink(missing_ok=True)
            excess -= size
