"""Commit records: the only proof that a shard is done, written after it, bound to its bytes and its place."""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from geoinfinite.errors import StoreError
from geoinfinite.stores.layout import open_image, record_path, shard_path

try:
    import fcntl
except ImportError:  # Windows has no advisory locks: there two writers must be kept apart by hand.
    fcntl = None  # type: ignore[assignment]


class State(Enum):
    """What a shard is found to be."""

    SOUND = "sound"
    MISSING = "missing"
    """Its object or its record is not there."""
    DAMAGED = "damaged"
    """Its bytes cannot be decoded."""
    FOREIGN = "foreign"
    """Its bytes are whole, and not those of its record: another job's, or the record is."""


def digest(job: str, level: int, row: int, column: int, encoded: bytes) -> bytes:
    """Return the record of a shard: a sha256 that no other job, place or content shares."""
    hashed = hashlib.sha256(f"{job}/{level}/{row}/{column}\n".encode())
    hashed.update(encoded)
    return hashed.digest()


def inspect(path: Path, level: int, row: int, column: int, *, job: str) -> State:
    """Return what a shard is found to be, having read all of it."""
    try:
        record = record_path(path, level, row, column).read_bytes()
        encoded = shard_path(path, level, row, column).read_bytes()
    except FileNotFoundError:
        return State.MISSING
    if record == digest(job, level, row, column, encoded):
        return State.SOUND
    # Zarr reads an empty object as if it were not there, without a word.
    return State.FOREIGN if encoded and _decodes(path, level, row, column) else State.DAMAGED


def present(path: Path, level: int, row: int, column: int) -> bool:
    """Say whether a shard and its record are there, without reading them."""
    return record_path(path, level, row, column).exists() and shard_path(path, level, row, column).exists()


def commit(path: Path, level: int, row: int, column: int, *, job: str, encoded: bytes) -> None:
    """Write a shard, read it back, then write its record; raise `StoreError` if it does not read back."""
    record = digest(job, level, row, column, encoded)
    place = shard_path(path, level, row, column)
    write_whole(place, encoded)
    if digest(job, level, row, column, place.read_bytes()) != record:
        raise StoreError(f"{place} does not read back as it was written; check the disk")
    write_whole(record_path(path, level, row, column), record)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that others see whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{uuid.uuid4().hex}.partial")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _decodes(path: Path, level: int, row: int, column: int) -> bool:
    image = open_image(path, level)
    side = image.shards[-1]
    try:
        image[:, row * side : (row + 1) * side, column * side : (column + 1) * side]
    except Exception:  # Every codec has its own way to say that bytes are damaged.
        return False
    return True


def sweep(path: Path) -> int:
    """Remove what killed writers left of unfinished objects; return how many there were."""
    swept = 0
    for folder, _, names in os.walk(path):
        for name in names:
            if name.endswith(".partial"):
                Path(folder, name).unlink(missing_ok=True)
                swept += 1
    return swept


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold a store for one writing job, until it ends or dies; raise `StoreError` if another one does."""
    with (path / "zarr.json").open("rb") as stream:
        if fcntl is not None:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StoreError(
                    f"{path} is being written by another process; wait for it, or end it"
                ) from error
            except OSError:
                pass  # Some network file systems have no locks; shards are still written whole, one by one.
        yield
