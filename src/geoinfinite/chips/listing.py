"""``chips.json``: the list of the chips of a data set, written first, and once more when all are drawn."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from geoinfinite.chips.selection import ChipSet
from geoinfinite.errors import StoreError
from geoinfinite.provenance import DIGITAL_SOURCE_TYPE, SYNTHETIC, version
from geoinfinite.stores.objects import Objects
from geoinfinite.token import token

LIST = "chips.json"
FORMAT = 1
"""Version of the layout: raised by every change that older versions cannot go on with."""


def listing(chips: ChipSet, named: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of a data set before it is drawn; ``named`` says how it is written."""
    source, grid = chips.source, chips.source.grid
    rows = [
        {
            "id": name,
            "split": split,
            "window": [window.y0, window.y1, window.x0, window.x1],
            "bounds": list(grid.bounds(source.level, window)),
        }
        for name, split, window in zip(chips.ids, chips.splits, chips.windows, strict=True)
    ]
    masks = chips.content.masks
    said = {
        "format_version": FORMAT,
        "world": {"name": source.name, "seed": str(source.seed), "token": source.token},
        "crs": grid.crs,
        "resolution": grid.resolution_at(source.level),
        "content": chips.content.described(),
        "classes": list(chips.classes),
        "mask_classes": [] if masks is None else list(masks.names),
        **named,
    }
    return {
        "synthetic": SYNTHETIC,
        "digital_source_type": DIGITAL_SOURCE_TYPE,
        "geoinfinite_version": version(),
        **said,
        "geoinfinite_recipe": source.recipe,
        "job": token({**said, "windows": [row["window"] for row in rows], "splits": list(chips.splits)}),
        "complete": False,
        "chips": rows,
    }


def as_bytes(document: Mapping[str, Any]) -> bytes:
    """Return a document as the bytes of a file."""
    return json.dumps(document, indent=1, allow_nan=False).encode()


def begin(objects: Objects, said: Mapping[str, Any]) -> None:
    """Begin a data set, or find one that was begun; raise `StoreError` if something else is there."""
    found = objects.get(LIST)
    if found is not None:
        if _job(found) != said["job"]:
            raise StoreError(
                f"{objects.url} holds other chips: another world, other boxes or settings; choose another "
                "folder, or delete it"
            )
        return
    if next(objects.names(), None) is not None:
        raise StoreError(
            f"{objects.url} is not empty, and holds no chips; choose another folder, or delete what is in it"
        )
    objects.put(LIST, as_bytes(said))


def is_complete(objects: Objects) -> bool:
    """Say whether all files of a data set were written."""
    found = objects.get(LIST)
    return found is not None and bool(json.loads(found).get("complete"))


def _job(data: bytes) -> Any:
    try:
        return json.loads(data)["job"]
    except (ValueError, KeyError, TypeError):
        return None
