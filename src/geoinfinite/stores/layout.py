"""What the objects of a store are called, how a shard is encoded, and how the others are opened."""

from __future__ import annotations

import json
from typing import Any

import zarr
from zarr.codecs import ZstdCodec

from geoinfinite.errors import StoreError
from geoinfinite.stores.identity import Header
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.planning import Plan, Stage

ATTRIBUTE = "geoinfinite"
"""Key of the header in the root group's attributes."""
ROOT = "zarr.json"
IMAGE = "image"
LEDGER = "ledger"
COPY = f"{LEDGER}/{ROOT}"
"""The object that holds the header once more."""


def read_header(objects: Objects) -> Header:
    """Read the header of a store; raise `StoreError` for a store that geoinfinite did not write.

    The root says it, and the ledger's group says it again, should a byte of the root be damaged.
    """
    refusal: StoreError | None = None
    for data in (objects.get(name) for name in (ROOT, COPY)):
        try:
            return Header.from_attributes(objects.url, json.loads(data or b"")["attributes"][ATTRIBUTE])
        except StoreError as error:
            refusal = refusal or error
        except (ValueError, KeyError, TypeError, RecursionError):
            pass  # Not there, or not what we write: if nothing else is found, it is not a store of ours.
    if refusal is None and next(objects.names(), None) is None:
        raise StoreError(f"{objects.url} does not exist; name a store that geoinfinite wrote")
    raise refusal or StoreError(f"{objects.url} is not a store of geoinfinite; name another path")


def open_image(objects: Objects, level: int) -> Any:
    """Open the pixels ``(band, y, x)`` of a level, to read them."""
    return zarr.open_array(objects.zarr_store(), path=f"{level}/{IMAGE}", mode="r")


def open_ledger(objects: Objects, level: int) -> Any:
    """Open the commit records ``(shard row, shard column, byte)`` of a level, to read them."""
    return zarr.open_array(objects.zarr_store(), path=f"{LEDGER}/{level}", mode="r")


def shard_name(level: int, row: int, column: int) -> str:
    """Return the name of a shard's object."""
    return f"{level}/{IMAGE}/c/0/{row}/{column}"


def record_name(level: int, row: int, column: int) -> str:
    """Return the name of a shard's commit record."""
    return f"{LEDGER}/{level}/c/{row}/{column}/0"


def pixel_array(plan: Plan, stage: Stage) -> dict[str, Any]:
    """Return how zarr is told of a level's pixels."""
    bands = plan.recipe.bands
    return {
        "shape": (bands, *stage.window.shape),
        "shards": (bands, stage.shard, stage.shard),
        "chunks": (bands, stage.chunk, stage.chunk),
        "dtype": plan.recipe.dtype,
        "compressors": ZstdCodec(level=3, checksum=True),
        "fill_value": 0,
        "config": {"write_empty_chunks": True},
    }
