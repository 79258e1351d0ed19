"""Slots as a sidecar lists them: for networks of which configurations do not say what they are told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any

from geoinfinite.errors import ModelError
from geoinfinite.models.files import SIDECAR
from geoinfinite.models.schema import (
    FLAG,
    ListOf,
    Number,
    OneOf,
    Rule,
    Text,
    Whole,
    check_values,
    optional,
    shortened,
)
from geoinfinite.told import Slot
from geoinfinite.told.sentinel import SENTINEL2

KINDS = "text", "raster", "metadata", "embedding", "location", "boxes", "frames"
_NAMES = ListOf(Text(), 0, 4096)
_RULES: dict[str, Rule] = {
    "name": Text(60),
    "kind": OneOf(KINDS),
    "bands": _NAMES,
    "channels": optional(Whole(1, 65_536)),
    "span": optional(ListOf(Number(-1e9, 1e9), 2, 2)),
    "pixels": Whole(1, 1024),
    "cells": Whole(0, 1024),
    "cell_m": Number(0, 1e8),
    "most": Whole(0, 4096),
    "classes": _NAMES,
    "frames": Whole(0, 1024),
    "encoding": OneOf((None, SENTINEL2)),
    "dropped": FLAG,
    "required": FLAG,
}
_LISTS = "bands", "span", "classes"
LARGEST = 64
"""Slots of one model."""


def slot_table(slots: Iterable[Slot]) -> list[dict[str, Any]]:
    """Return slots as a sidecar lists them; what is usual is left out.

    >>> slot_table([Slot("prompt", "text", dropped=True)])
    [{'name': 'prompt', 'kind': 'text', 'dropped': True}]
    """
    usual = {field.name: field.default for field in fields(Slot)}
    return [
        {key: value for key, value in asdict(slot).items() if key in ("name", "kind") or value != usual[key]}
        for slot in slots
    ]


def read_slots(entries: Any) -> tuple[Slot, ...]:
    """Return the slots that a sidecar lists; raise `ModelError` for what is none, or is there twice.

    >>> read_slots([{"name": "hint", "kind": "raster", "channels": 3, "span": [0, 1]}])[0].span
    (0, 1)
    """
    if not isinstance(entries, list) or len(entries) > LARGEST:
        raise ModelError(f"{SIDECAR}: slots={shortened(entries)} must be a list of at most {LARGEST} slots")
    slots = tuple(_slot(number, entry) for number, entry in enumerate(entries))
    names = [slot.name for slot in slots]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ModelError(f"{SIDECAR}: slots has two with the name {shortened(twice[0])}; remove one of them")
    return slots


def _slot(number: int, entry: Any) -> Slot:
    where = f"{SIDECAR}: slots[{number}]"
    if not isinstance(entry, Mapping) or (unknown := sorted(set(entry) - _RULES.keys())):
        said = shortened(unknown[0]) if isinstance(entry, Mapping) else shortened(entry)
        raise ModelError(f"{where}: {said} is none of the keys {', '.join(_RULES)}; convert the model again")
    found: dict[str, Any] = check_values(where, entry, _RULES, needed=("name", "kind"))
    for key in _LISTS:
        if found.get(key) is not None:
            found[key] = tuple(found[key])
    return Slot(**found)
