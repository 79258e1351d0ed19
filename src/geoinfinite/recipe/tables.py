"""The tables of a world file, read into settings: every key known, every value of its type and size."""

from __future__ import annotations

import dataclasses
import difflib
import math
import reprlib
from collections.abc import Iterable, Mapping
from typing import Any

from geoinfinite.errors import WorldError, shorten

LARGEST_INTEGER = 2**64
"""No setting counts further: seeds end below it."""
LONGEST: Mapping[str, int] = {"crs": 2**16, "name": 4096, "source": 4096, "ref": 4096}
"""Characters of a text, by key: WKT takes a few thousand; other keys have short names as values."""
_SHORT = 256
LONGEST_LIST = 256
"""Members of a list: pairs, and the steps of phases."""

_PATHS = "source", "ref"
_LONGEST_PART = 255
_TYPES: Mapping[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "bool": (bool,),
    "tuple[float, float]": (list,),
    "tuple[int, int]": (list,),
    "tuple[int, ...]": (list,),
}
_brief = reprlib.Repr()
_brief.maxlevel, _brief.maxlist, _brief.maxdict = 2, 4, 4
_brief.maxstring, _brief.maxlong, _brief.maxother = 80, 40, 80


def shown(value: Any) -> str:
    """Return a value as it was written, or its beginning: a file may hold anything.

    >>> shown([1, [2, [3, [4]]]]), shown(True)
    ('[1, [2, [...]]]', 'True')
    """
    return shorten(_brief.repr(value))


def check_keys(table: Mapping[str, Any], known: Iterable[str], prefix: str) -> None:
    """Raise `WorldError` for a key that has no meaning; it names the one that was probably meant."""
    names = tuple(known)
    for key in table:
        if key not in names:
            near = difflib.get_close_matches(key[:80], names, n=1)
            hint = f"did you mean {prefix}{near[0]}?" if near else "remove it."
            raise WorldError(f"{prefix}{shorten(key)} is not a key; {hint} Keys: {', '.join(names)}")


def typed(value: Any, wanted: str, where: str) -> Any:
    """Return a value of a world file as a setting; raise `WorldError` for one of another type or size.

    ``wanted`` is the annotation of the setting's field, ``where`` its name in the file.

    >>> typed([3, 4], "tuple[float, float]", "grid.origin")
    (3.0, 4.0)
    """
    wanted = wanted.removesuffix(" | None")
    allowed = _TYPES[wanted]
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        raise WorldError(f"{where}={shown(value)} is a {type(value).__name__}; it must be {wanted}")
    if isinstance(value, list):
        return _members(value, wanted, where)
    if isinstance(value, str):
        return _text(value, where)
    if wanted == "float":
        return _number(value, where)
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        raise WorldError(f"{where}={shown(value)} is too large; no setting lies beyond 2**64")
    return value


def _text(value: str, where: str) -> str:
    key = where.rpartition(".")[2]
    longest = LONGEST.get(key, _SHORT)
    if len(value) > longest:
        raise WorldError(f"{where}={shown(value)} has {len(value)} characters; it may have {longest}")
    parts = value.encode(errors="replace").split(b"/")
    if key in _PATHS and ("\0" in value or max(map(len, parts)) > _LONGEST_PART):
        raise WorldError(
            f"{where}={shown(value)} cannot be a path: its parts may have {_LONGEST_PART} bytes, and no null"
        )
    return value


def _number(value: Any, where: str) -> float:
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        value = math.inf
    if not math.isfinite(value):
        raise WorldError(f"{where}={shown(value)} must be a finite number")
    return float(value)


def _members(values: list[Any], wanted: str, where: str) -> tuple[Any, ...]:
    """Return a list's members; ``wanted`` is ``tuple[KIND, KIND]`` or ``tuple[KIND, ...]``."""
    kind, _, rest = wanted.removeprefix("tuple[").removesuffix("]").partition(", ")
    if len(values) > LONGEST_LIST or (rest != "..." and len(values) != 2):
        expected = f"{LONGEST_LIST} members at most" if rest == "..." else "two members"
        raise WorldError(f"{where}={shown(values)} has {len(values)} members; it must have {expected}")
    return tuple(typed(value, kind, f"{where}[{i}]") for i, value in enumerate(values))


def settings(table: Mapping[str, Any], kind: type, section: str) -> dict[str, Any]:
    """Return the settings of a section by name, each of its type."""
    types = {f.name: str(f.type) for f in dataclasses.fields(kind)}
    check_keys(table, types, f"{section}.")
    return {key: typed(value, types[key], f"{section}.{key}") for key, value in table.items()}


def build(kind: type, values: Mapping[str, Any], section: str) -> Any:
    """Return a value of a kind from settings by name; raise `WorldError` for those that are missing."""
    for f in dataclasses.fields(kind):
        required = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        if required and f.name not in values:
            raise WorldError(f"{section}.{f.name} is missing; add it under [{section}]")
    return kind(**values)
