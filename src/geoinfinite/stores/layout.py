"""How a store's header is found, how its shards are encoded, and how its arrays are opened."""

from __future__ import annotations

import json
from typing import Any

import zarr
from zarr.codecs import ZstdCodec

from geoinfinite.errors import StoreError
from geoinfinite.stores.cuts import IMAGE, LEDGER
from geoinfinite.stores.identity import Header
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.planning import Plan
from geoinfinite.stores.presets import PRESETS, StorePreset
from geoinfinite.stores.stages import Stage

ATTRIBUTE = "geoinfinite"
"""Key of the header in the root group's attributes."""
ZSTD_LEVEL = 3


def read_header(objects: Objects) -> Header:
    """Read the header of a store; raise `StoreError` for a store that geoinfinite did not write.

    The root says it, and the ledger's group says it again, should a byte of the root be damaged.
    """
    refusal: StoreError | None = None
    for preset in PRESETS.values():
        for name in (preset.root, copy_name(preset)):
            try:
                attributes = preset.attributes_in(json.loads(objects.get(name) or b""))
                return Header.from_attributes(objects.url, attributes[ATTRIBUTE])
            except StoreError as error:
                refusal = refusal or error
            except (ValueError, KeyError, TypeError, RecursionError):
                pass  # Not there, or not what we write: if nothing else is found, it is not a store of ours.
    if refusal is None and next(objects.names(), None) is None:
        raise StoreError(f"{objects.url} does not exist; name a store that geoinfinite wrote")
    raise refusal or StoreError(f"{objects.url} is not a store of geoinfinite; name another path")


def is_begun(objects: Objects) -> bool:
    """Say whether the root of a store is there, whatever it says."""
    return any(objects.size(preset.root) is not None for preset in PRESETS.values())


def copy_name(preset: StorePreset) -> str:
    """Return the name of the object that holds the header once more."""
    return preset.attributes_of(LEDGER)


def open_image(objects: Objects, group: str | int) -> Any:
    """Open the pixels ``(band, y, x)`` of a group, to read them; a listed level's group is its number."""
    return zarr.open_array(objects.zarr_store(), path=f"{group}/{IMAGE}", mode="r")


def open_ledger(objects: Objects, group: str | int) -> Any:
    """Open the commit records ``(shard row, shard column, byte)`` of a group, to read them."""
    return zarr.open_array(objects.zarr_store(), path=f"{LEDGER}/{group}", mode="r")


def pixel_array(plan: Plan, stage: Stage) -> dict[str, Any]:
    """Return how zarr is told of a group's pixels."""
    bands, cut = plan.recipe.bands, stage.cut(plan.preset)
    told: dict[str, Any] = {
        "shape": (bands, *stage.window.shape),
        "chunks": (bands, stage.chunk, stage.chunk),
        "dtype": plan.recipe.dtype,
        "config": {"write_empty_chunks": True},
    }
    if cut.preset.sharded:
        told["shards"] = bands, stage.shard, stage.shard
    return told | array_format(cut.preset, fill_value=0)


def array_format(preset: StorePreset, *, fill_value: float) -> dict[str, Any]:
    """Return what zarr is told of every array with a codec, as the preset's version of Zarr has it.

    In version 2 a fill value means pixels without data, so there is none.
    """
    if preset.zarr_format == 3:
        return {"compressors": ZstdCodec(level=ZSTD_LEVEL, checksum=True), "fill_value": fill_value}
    separated = {"name": "v2", "separator": "/"}
    return {
        "zarr_format": 2,
        "compressors": {"id": "zstd", "level": ZSTD_LEVEL},
        "fill_value": None,
        "chunk_key_encoding": separated,
    }
