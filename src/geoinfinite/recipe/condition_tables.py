"""The ``[[condition]]`` tables of a world file, read into conditions and written from them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from geoinfinite.conditions.protocol import Condition
from geoinfinite.errors import WorldError, shorten
from geoinfinite.rasters.bundled import is_bundled
from geoinfinite.recipe.tables import check_keys, shown

KEY = "condition"
MOST = 256
"""Conditions of a world."""
LARGEST = 4096
"""Members of a list in a condition, all lists in it counted: colours of classes."""
_DEEPEST = 4


def read(tables: Any, kinds: Mapping[str, type], folder: Path) -> tuple[Condition, ...]:
    """Return the conditions that tables describe; relative paths in them start at a folder.

    Raises `WorldError` for tables, kinds and keys that have no meaning; conditions check their own values.
    """
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise WorldError(f"{KEY} = {shown(tables)} is no list of tables; conditions are written [[{KEY}]]")
    if len(tables) > MOST:
        raise WorldError(f"{KEY} stands {len(tables)} times; a world has at most {MOST} conditions")
    return tuple(_condition(table, kinds, folder) for table in tables)


def _condition(table: Mapping[str, Any], kinds: Mapping[str, type], folder: Path) -> Condition:
    name, kind = table.get("name"), table.get("kind")
    where = f"{KEY}.{shorten(str(name), 40)}" if name is not None else KEY
    if not isinstance(kind, str) or kind not in kinds:
        raise WorldError(f"{where}.kind={shown(kind)} is not one of {', '.join(sorted(kinds))}")
    made = kinds[kind]
    fields = {field.name: field for field in dataclasses.fields(made)}
    check_keys(table, ("kind", *fields), f"{where}.")
    for field in fields.values():
        if field.name not in table and field.default is dataclasses.MISSING:
            raise WorldError(f'{where}.{field.name} is missing; add it under [[{KEY}]] with kind = "{kind}"')
    paths = getattr(made, "PATHS", ())
    said = {
        key: _anchored(value, folder) if key in paths else _frozen(value, f"{where}.{key}")
        for key, value in table.items()
        if key != "kind"
    }
    condition: Condition = made(**said)
    return condition


def _anchored(value: Any, folder: Path) -> Any:
    """Return a path as one that does not depend on where the process runs; other values as they are."""
    if isinstance(value, list):
        return tuple(_anchored(member, folder) for member in value)
    if not isinstance(value, str) or not value or "\0" in value or is_bundled(value):
        return value
    return os.path.abspath(folder / os.path.expanduser(value))


def _frozen(value: Any, where: str, depth: int = 0) -> Any:
    """Return a value with lists as tuples, and tables as tuples of pairs."""
    if isinstance(value, dict):
        value = [[int(key) if key.isdecimal() and len(key) < 20 else key, v] for key, v in value.items()]
    if not isinstance(value, list):
        return value
    if len(value) > LARGEST or depth == _DEEPEST:
        raise WorldError(
            f"{where}={shown(value)} has more than {LARGEST} members, or is nested deeper than {_DEEPEST}"
        )
    return tuple(_frozen(member, where, depth + 1) for member in value)


def written(conditions: Sequence[Condition], relative_to: Path | None) -> list[dict[str, Any]]:
    """Return the tables that describe conditions; values that are a kind's default are left out."""
    return [_written(condition, relative_to) for condition in conditions]


def _written(condition: Condition, relative_to: Path | None) -> dict[str, Any]:
    table: dict[str, Any] = {"kind": condition.kind}
    paths = getattr(condition, "PATHS", ())
    described: Any = condition
    for field in dataclasses.fields(described):
        value = getattr(condition, field.name)
        if value is not None and (field.default is dataclasses.MISSING or value != field.default):
            table[field.name] = _shortest(value, relative_to) if field.name in paths else _listed(value)
    return table


def _listed(value: Any) -> Any:
    return [_listed(member) for member in value] if isinstance(value, tuple) else value


def _shortest(value: Any, relative_to: Path | None) -> Any:
    if isinstance(value, tuple):
        return [_shortest(member, relative_to) for member in value]
    if relative_to is None or not isinstance(value, str) or not os.path.isabs(value):
        return value
    return Path(os.path.relpath(value, relative_to)).as_posix()
