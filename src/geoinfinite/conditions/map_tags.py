"""Tags of features: columns of their own, or one column of keys and values as GDAL writes OpenStreetMap."""

from __future__ import annotations

import json
import re
from typing import Any

from geoinfinite.conditions.vectors import Features

IN_ONE = "other_tags", "tags", "all_tags"
"""Columns that hold tags that have no column: as hstore, ``"key"=>"value"``, or as a JSON object."""
_PAIR = re.compile(r'"((?:[^"\\]|\\.)*)"\s*=>\s*"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")


def tags_of(features: Features, keys: tuple[str, ...]) -> list[dict[str, str]]:
    r"""Return what features say of keys; a column of its own goes before a column of many.

    >>> packed('"surface"=>"asphalt","name"=>"The \\"Mall\\""')["name"]
    'The "Mall"'
    """
    found: list[dict[str, str]] = [{} for _ in features.ids]
    for column in IN_ONE:
        for said, value in zip(found, features.attributes.get(column, ()), strict=False):
            if isinstance(value, str) and value:
                said.update({key: text for key, text in packed(value).items() if key in keys})
    for key in keys:
        for said, value in zip(found, features.attributes.get(key, ()), strict=False):
            text = text_of(value)
            if text is not None:
                said[key] = text
    return found


def packed(value: str) -> dict[str, str]:
    """Return the tags in a text: hstore, or a JSON object; what is neither holds none."""
    if value.lstrip().startswith("{"):
        try:
            said = json.loads(value)
        except (ValueError, RecursionError):
            return {}
        return {key: text for key, raw in said.items() if (text := text_of(raw)) is not None}
    return {_plain(key): _plain(text) for key, text in _PAIR.findall(value)}


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def text_of(value: Any) -> str | None:
    """Return the value of an attribute as text; ``None``: it has none.

    Files without a type for whole numbers that may be missing hold them as floats.
    """
    if value is None or value != value or value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
