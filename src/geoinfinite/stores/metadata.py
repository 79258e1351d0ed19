"""The metadata of a store, every object of them, sealed by digests in the root."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import zarr
from zarr.storage import MemoryStore

from geoinfinite.ignored_warnings import ignored
from geoinfinite.stores.cuts import LEDGER, PARENTS
from geoinfinite.stores.groups import write_groups
from geoinfinite.stores.identity import Header
from geoinfinite.stores.layout import ATTRIBUTE
from geoinfinite.stores.planning import Plan
from geoinfinite.stores.presets import StorePreset

CONSOLIDATED = ".zmetadata"
"""The object in which version 2 of Zarr repeats all metadata; version 3 has it in the root."""
FILES = "files"
"""Key of the digests of all other metadata, in the root's header."""
SEAL = "seal"
"""Key of the digest of the root itself, taken with zeros in its place."""
_UNSEALED = "0" * 64


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """A plan and a header, equal to others by what the header says: the plan follows from it."""

    plan: Plan
    header: Header
    said: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Job) and self.said == other.said

    def __hash__(self) -> int:
        return hash(self.said)


def rendered(plan: Plan, header: Header) -> dict[str, bytes]:
    """Return every object of a store but its shards, records and sheets, by name; the root is the last.

    The bytes follow from the plan, the header and the versions of Zarr and its codecs. The root holds a
    sha256 of each of the others, and a seal: its own sha256, taken with zeros in place of the seal.
    """
    return dict(_rendered(_Job(plan, header, json.dumps(header.to_attributes(), sort_keys=True))))


@lru_cache(maxsize=2)
def _rendered(job: _Job) -> dict[str, bytes]:
    """Return what `rendered` does: a job asks for it when it begins, and again to mend what is harmed."""
    plan, preset = job.plan, job.plan.preset
    memory: dict[str, Any] = {}
    store = MemoryStore(memory)
    write_groups(store, plan, job.header.to_attributes())
    # The specification of Zarr 3 does not have it yet; without it xarray warns at every opening.
    with ignored(UserWarning, "Consolidated metadata"):
        zarr.consolidate_metadata(store)
    made = {name: data.to_bytes() for name, data in sorted(memory.items())}
    root = json.loads(made.pop(preset.root))
    if preset.zarr_format == 3:
        _list_levels_only(root["consolidated_metadata"])
    else:
        made[CONSOLIDATED] = _listing_levels_only(made[CONSOLIDATED])
    preset.attributes_in(root)[ATTRIBUTE] |= {
        FILES: {name: hashlib.sha256(data).hexdigest() for name, data in made.items()},
        SEAL: _UNSEALED,
    }
    text = json.dumps(root, indent=2)
    unsealed = f'"{SEAL}": "{_UNSEALED}"'
    made[preset.root] = text.replace(unsealed, unsealed.replace(_UNSEALED, _sha256(text)), 1).encode()
    return made


def _list_levels_only(consolidated: dict[str, Any]) -> None:
    """Take the ledger and the parents out of what readers see of a store before they look for more."""
    listed = consolidated["metadata"]
    for name in [name for name in listed if name.split("/")[0] in (LEDGER, PARENTS)]:
        del listed[name]


def _listing_levels_only(data: bytes) -> bytes:
    consolidated = json.loads(data)
    _list_levels_only(consolidated)
    return json.dumps(consolidated, indent=2).encode()


def sealed_files(root: bytes | None, preset: StorePreset) -> dict[str, str] | None:
    """Return the digests that a root holds, by name; ``None`` if a byte of it is not as written."""
    try:
        header = preset.attributes_in(json.loads(root or b""))[ATTRIBUTE]
        files, seal = header[FILES], header[SEAL]
        text = (root or b"").decode()
        text = text.replace(f'"{SEAL}": "{seal}"', f'"{SEAL}": "{_UNSEALED}"', 1)
        return dict(files) if _sha256(text) == seal else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
