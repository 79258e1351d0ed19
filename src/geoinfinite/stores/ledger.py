"""Commit records: the only proof that a shard is done, written after it, bound to bytes and position."""

from __future__ import annotations

import hashlib
from enum import Enum

from geoinfinite.errors import StoreError
from geoinfinite.stores.layout import open_image, record_name, shard_name
from geoinfinite.stores.objects import Objects


class State(Enum):
    """The states in which a shard is found."""

    SOUND = "sound"
    MISSING = "missing"
    """Its object or its record is not there."""
    DAMAGED = "damaged"
    """Its bytes cannot be decoded."""
    FOREIGN = "foreign"
    """Its bytes are whole, and not those of its record: another job's, or the record is."""
    STRAY = "stray"
    """It is no object of the store."""


def digest(job: str, level: int, row: int, column: int, encoded: bytes) -> bytes:
    """Return the record of a shard: a sha256 that no other job, position or content shares."""
    hashed = hashlib.sha256(f"{job}/{level}/{row}/{column}\n".encode())
    hashed.update(encoded)
    return hashed.digest()


def inspect(objects: Objects, level: int, row: int, column: int, *, job: str) -> State:
    """Return what a shard is found to be, having read all of it."""
    record = objects.get(record_name(level, row, column))
    encoded = None if record is None else objects.get(shard_name(level, row, column))
    if encoded is None:
        return State.MISSING
    if record == digest(job, level, row, column, encoded):
        return State.SOUND
    # Zarr reads an empty object as if it were not there, without a word.
    return State.FOREIGN if encoded and _decodes(objects, level, row, column) else State.DAMAGED


def present(objects: Objects, level: int, row: int, column: int) -> bool:
    """Say whether a shard and its record are there, without reading them."""
    names = record_name(level, row, column), shard_name(level, row, column)
    return all(objects.size(name) is not None for name in names)


def commit(objects: Objects, level: int, row: int, column: int, *, job: str, encoded: bytes) -> None:
    """Write a shard, read it back, then write its record; raise `StoreError` if it does not read back."""
    record, name = digest(job, level, row, column, encoded), shard_name(level, row, column)
    objects.put(name, encoded)
    if digest(job, level, row, column, objects.get(name) or b"") != record:
        raise StoreError(f"{objects.url}/{name} does not read back as it was written; check the disk")
    objects.put(record_name(level, row, column), record)


def _decodes(objects: Objects, level: int, row: int, column: int) -> bool:
    try:
        image = open_image(objects, level)
        (_, height, width), side, chunk = image.shape, image.shards[-1], image.chunks[-1]
        # One chunk at a time: zarr abandons its other reads when one fails, and complains of them at exit.
        for y in range(row * side, min((row + 1) * side, height), chunk):
            for x in range(column * side, min((column + 1) * side, width), chunk):
                image[:, y : y + chunk, x : x + chunk]
    except Exception:  # Every codec has its own way to say that bytes are damaged.
        return False
    return True
