"""Whether a store's metadata are as written, what does not belong to it, and how both are mended."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from geoinfinite.errors import StoreError
from geoinfinite.stores import layout, sheet_files
from geoinfinite.stores.identity import Header, check_same_job
from geoinfinite.stores.ledger import State
from geoinfinite.stores.metadata import rendered, sealed_files
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.planning import Plan

_SHARD = re.compile(rf"(\d+)/{layout.IMAGE}/c/0/(\d+)/(\d+)")
_RECORD = re.compile(rf"{layout.LEDGER}/(\d+)/c/(\d+)/(\d+)/0")
_SHEET = re.compile(rf"{sheet_files.FOLDER}/(?:part-\d+-of-\d+/)?(\d+)/\d+/\d+-\d+\.npy")


def begin(objects: Objects, plan: Plan, ours: Header, *, resume: bool = True) -> Header:
    """Begin a store or find the same job begun; return the header that it has.

    The root is written first, whole, by exactly one of several jobs that begin at the same moment; the others
    find it. All other metadata follow from it: see `mend`. Raises `StoreError`, having written nothing, if
    something else is there, another job, one on other numerics, or any with ``resume=False``.
    """
    there = next(objects.names(), None) is not None
    if not there:
        try:
            if objects.create(layout.ROOT, rendered(plan, ours)[layout.ROOT]):
                return ours
        except OSError as error:
            raise StoreError(
                f"{objects.url} cannot be created: {error}; choose a path that can be written"
            ) from error
    theirs = layout.read_header(objects)
    check_same_job(objects.url, theirs, ours)
    if there and not resume:
        raise StoreError(
            f"{objects.url} exists and resume=False; pass resume=True, choose another path, or delete it"
        )
    return theirs


def harmed(objects: Objects, plan: Plan | None, header: Header) -> Iterator[tuple[str, State]]:
    """Yield the metadata that are not as written, by name.

    The digests are those of the root. If the root itself is harmed, the others are compared with what the
    plan makes of them; without a plan they are not looked at.
    """
    root = objects.get(layout.ROOT)
    files = sealed_files(root)
    if files is None:
        yield layout.ROOT, State.MISSING if root is None else State.DAMAGED
        made = {} if plan is None else rendered(plan, header)
        made.pop(layout.ROOT, None)
        files = {name: _sha256(data) for name, data in made.items()}
    for name, digest in files.items():
        data = objects.get(name)
        if data is None or _sha256(data) != digest:
            yield name, State.MISSING if data is None else State.DAMAGED


def mend(objects: Objects, plan: Plan, header: Header) -> tuple[str, ...]:
    """Write all metadata again that are not as written; return the names of those that were not.

    They follow from the recipe. If another version of Zarr would write some in other bytes, all are written.
    """
    wrong = tuple(name for name, _ in harmed(objects, plan, header))
    if wrong:
        for name, data in rendered(plan, header).items():
            if objects.get(name) != data:
                objects.put(name, data)
    return wrong


def strays(objects: Objects, header: Header) -> Iterator[str]:
    """Yield the names of the objects that do not belong to a store."""
    known = {layout.ROOT, *(sealed_files(objects.get(layout.ROOT)) or ())}
    complete = len(known) > 1
    for name in objects.names():
        if name in known or _belongs(name, header):
            continue
        # Of a damaged root it is not known which metadata belong: they are looked at by their digests.
        if complete or _looks_ours(name):
            yield name


def remove_strays(objects: Objects, header: Header) -> tuple[str, ...]:
    """Remove shards, records and sheets of places that a store does not have; return their names.

    What is no object of ours by its name is left where it is.
    """
    ours = tuple(name for name in strays(objects, header) if _looks_ours(name))
    for name in ours:
        objects.delete(name)
    return ours


def _belongs(name: str, header: Header) -> bool:
    """Say whether a name is that of a shard, record or sheet of the store."""
    if found := _SHARD.fullmatch(name) or _RECORD.fullmatch(name):
        level, row, column = found.groups()
        if level not in header.shards:
            return False
        rows, columns = header.rows_and_columns(level)
        exact = {
            layout.shard_name(int(level), int(row), int(column)),
            layout.record_name(int(level), int(row), int(column)),
        }
        return int(row) < rows and int(column) < columns and name in exact
    sheet = _SHEET.fullmatch(name)
    return sheet is not None and sheet[1] in header.shards


def _looks_ours(name: str) -> bool:
    return any(pattern.fullmatch(name) for pattern in (_SHARD, _RECORD, _SHEET))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
