"""Whether a store's metadata are as written, what does not belong to it, and how both are mended."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping

from geoinfinite.errors import StoreError
from geoinfinite.stores import layout, sheet_files
from geoinfinite.stores.cuts import IMAGE, LEDGER, PARENTS, Cut, level_of
from geoinfinite.stores.identity import Header, check_same_job
from geoinfinite.stores.ledger import State
from geoinfinite.stores.metadata import rendered, sealed_files
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.planning import Plan

_GROUP = rf"((?:{PARENTS}/)?\d+)"
_PIXELS = re.compile(rf"{_GROUP}/{IMAGE}/(?:c/)?0/(\d+)/(\d+)")
_RECORD = re.compile(rf"{LEDGER}/{_GROUP}/(?:c/)?(\d+)/(\d+)/0")
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
            if objects.create(plan.preset.root, rendered(plan, ours)[plan.preset.root]):
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
    root_name = header.preset.root
    root = objects.get(root_name)
    files = sealed_files(root, header.preset)
    if files is None:
        yield root_name, State.MISSING if root is None else State.DAMAGED
        made = {} if plan is None else rendered(plan, header)
        made.pop(root_name, None)
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
    root, cuts = header.preset.root, {cut.group: cut for cut in header.cuts}
    known = {root, *(sealed_files(objects.get(root), header.preset) or ())}
    complete = len(known) > 1
    for name in objects.names():
        if name in known or _belongs(name, cuts):
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


def _belongs(name: str, cuts: Mapping[str, Cut]) -> bool:
    """Say whether a name is that of an object of pixels, a record or a sheet of the store."""
    if found := _PIXELS.fullmatch(name):
        place, cut = (int(found[2]), int(found[3])), cuts.get(found[1])
        return cut is not None and cut.has_object(*place) and name == cut.object_name(*place)
    if found := _RECORD.fullmatch(name):
        place, cut = (int(found[2]), int(found[3])), cuts.get(found[1])
        return cut is not None and cut.has_shard(*place) and name == cut.record(*place)
    sheet = _SHEET.fullmatch(name)
    return sheet is not None and any(int(sheet[1]) == level_of(group) for group in cuts)


def _looks_ours(name: str) -> bool:
    return any(pattern.fullmatch(name) for pattern in (_PIXELS, _RECORD, _SHEET))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
