"""Commit records: the only proof that a shard is done, written after it, bound to bytes and position."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import Enum

from geoinfinite.errors import StoreError
from geoinfinite.stores.cuts import DIGEST_BYTES, Cut, Place
from geoinfinite.stores.layout import open_image
from geoinfinite.stores.objects import Objects


class State(Enum):
    """The states in which a shard is found."""

    SOUND = "sound"
    MISSING = "missing"
    """An object of it or its record is not there."""
    DAMAGED = "damaged"
    """Its bytes cannot be decoded."""
    FOREIGN = "foreign"
    """Its bytes are whole, and not those of its record: another job's, or the record is."""
    STRAY = "stray"
    """It is no object of the store."""


Unsound = tuple[str, State]
"""Name of an object, and the state in which it is found."""


def digest(job: str, group: str, place: Place, encoded: bytes) -> bytes:
    """Return the digest of an object: a sha256 that no other job, position or content shares."""
    hashed = hashlib.sha256(f"{job}/{group}/{place[0]}/{place[1]}\n".encode())
    hashed.update(encoded)
    return hashed.digest()


def inspect(objects: Objects, cut: Cut, shard: Place, *, job: str) -> tuple[Unsound, ...]:
    """Return what is not sound of a shard, having read all of it; nothing if it is sound.

    Where its record alone is missing or harmed, its first object is named.
    """
    places, record = list(cut.objects(*shard)), objects.get(cut.record(*shard))
    first = cut.object_name(*places[0])
    if record is None:
        return ((first, State.MISSING),)
    unsound: list[Unsound] = []
    for index, place in enumerate(places):
        name, told = cut.object_name(*place), record[index * DIGEST_BYTES :][:DIGEST_BYTES]
        encoded = objects.get(name)
        if encoded is None:
            unsound.append((name, State.MISSING))
        elif told != digest(job, cut.group, place, encoded):
            # Zarr reads an empty object as if it were not there, without a word.
            whole = encoded and _decodes(objects, cut, place)
            unsound.append((name, State.FOREIGN if whole else State.DAMAGED))
    if not unsound and record[len(places) * DIGEST_BYTES :] != _padding(cut, len(places)):
        unsound.append((first, State.FOREIGN))
    return tuple(unsound)


def present(objects: Objects, cut: Cut, shard: Place) -> bool:
    """Say whether a shard and its record are there, without reading them."""
    names = cut.record(*shard), *cut.names(*shard)
    return all(objects.size(name) is not None for name in names)


def commit(objects: Objects, cut: Cut, shard: Place, *, job: str, encoded: Sequence[bytes]) -> None:
    """Write a shard's objects, read them back, then write its record.

    Raises `StoreError` if one does not read back as it was written.
    """
    record, places = b"", list(cut.objects(*shard))
    for place, data in zip(places, encoded, strict=True):
        told, name = digest(job, cut.group, place, data), cut.object_name(*place)
        objects.put(name, data)
        if digest(job, cut.group, place, objects.get(name) or b"") != told:
            raise StoreError(f"{objects.url}/{name} does not read back as it was written; check the disk")
        record += told
    objects.put(cut.record(*shard), record + _padding(cut, len(places)))


def _padding(cut: Cut, objects: int) -> bytes:
    """Return what follows the digests of a shard at an edge, which has fewer objects than the others."""
    return bytes((cut.digests - objects) * DIGEST_BYTES)


def _decodes(objects: Objects, cut: Cut, place: Place) -> bool:
    try:
        image, side, chunk = open_image(objects, cut.group), cut.object_side, cut.chunk
        (y0, x0), (height, width) = (index * side for index in place), cut.shape
        # One chunk at a time: zarr abandons its other reads when one fails, and complains of them at exit.
        for y in range(y0, min(y0 + side, height), chunk):
            for x in range(x0, min(x0 + side, width), chunk):
                image[:, y : y + chunk, x : x + chunk]
    except Exception:  # Every codec has its own way to say that bytes are damaged.
        return False
    return True
