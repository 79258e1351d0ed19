"""Encodes shards in memory: the bytes of an object from nothing but its pixels."""

from __future__ import annotations

from typing import Any

import zarr
from numpy.typing import NDArray
from zarr.storage import MemoryStore

from geoinfinite.stores.layout import pixel_array
from geoinfinite.stores.planning import Plan
from geoinfinite.stores.stages import Stage


class ShardEncoder:
    """Encodes the shards of one level; serves several threads.

    Zarr would write the shards at an array's edge into what their objects held before; encoded in memory,
    nothing of a damaged or foreign object can survive, and every object is written once.
    """

    def __init__(self, plan: Plan, stage: Stage) -> None:
        self._encoded: dict[str, Any] = {}
        self._cut = stage.cut(plan.preset)
        self._alike: Any = zarr.create_array(MemoryStore(self._encoded), **pixel_array(plan, stage))

    def encode(self, row: int, column: int, pixels: NDArray[Any]) -> list[bytes]:
        """Return the bytes of a shard's objects in row-major order, given all its pixels ``(band, y, x)``."""
        y, x = row * self._cut.shard, column * self._cut.shard
        self._alike[:, y : y + pixels.shape[1], x : x + pixels.shape[2]] = pixels
        keys = (
            self._alike.metadata.encode_chunk_key((0, *place)) for place in self._cut.objects(row, column)
        )
        return [self._encoded.pop(key).to_bytes() for key in keys]
