"""Encodes shards in memory: the bytes of an object from nothing but its pixels."""

from __future__ import annotations

from typing import Any

import zarr
from numpy.typing import NDArray
from zarr.storage import MemoryStore

from geoinfinite.stores.layout import pixel_array
from geoinfinite.stores.planning import Plan, Stage


class ShardEncoder:
    """Encodes the shards of one level; serves several threads.

    Zarr would write the shards at an array's edge into what their objects held before; encoded in memory,
    nothing of a damaged or foreign object can survive, and every object is written once.
    """

    def __init__(self, plan: Plan, stage: Stage) -> None:
        self._encoded: dict[str, Any] = {}
        self._side = stage.shard
        self._alike: Any = zarr.create_array(MemoryStore(self._encoded), **pixel_array(plan, stage))

    def encode(self, row: int, column: int, pixels: NDArray[Any]) -> bytes:
        """Return the bytes of a shard's object, given all its pixels ``(band, y, x)``."""
        y, x = row * self._side, column * self._side
        self._alike[:, y : y + pixels.shape[1], x : x + pixels.shape[2]] = pixels
        whole: bytes = self._encoded.pop(f"c/0/{row}/{column}").to_bytes()
        return whole
