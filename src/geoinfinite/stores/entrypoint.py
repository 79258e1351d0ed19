"""``xr.open_dataset("s3://bucket/alps.zarr", engine="geoinfinite")``: the engine, with URLs of stores."""

from __future__ import annotations

from typing import Any

from geoinfinite.arrays.entrypoint import GeoInfiniteEntrypoint
from geoinfinite.arrays.opening import Location
from geoinfinite.stores.objects import open_objects


class StoreEntrypoint(GeoInfiniteEntrypoint):
    """Opens worlds, and stores wherever geoinfinite writes them: folders, buckets, memory."""

    def location(self, filename_or_obj: Any, storage_options: dict[str, Any] | None) -> Location | None:
        """Return where a store is, as zarr takes it; ``None`` for what is no store."""
        if storage_options or (isinstance(filename_or_obj, str) and "://" in filename_or_obj):
            return open_objects(filename_or_obj, storage_options).zarr_store()
        return super().location(filename_or_obj, storage_options)
