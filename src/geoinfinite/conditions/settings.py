"""Settings of conditions as users give them: checked, and named in the error as they were typed."""

from __future__ import annotations

import datetime
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from geoinfinite.errors import WorldError, in_full, shorten
from geoinfinite.told import Slot

MOST_LEVELS = 64


def said(name: str, key: str, value: Any) -> str:
    """Return a setting as an error names it.

    >>> said("hint", "source", "osm.tif")
    "condition.hint.source='osm.tif'"
    """
    shown = in_full(repr(value)) if isinstance(value, str) and os.sep in value else shorten(repr(value))
    return f"condition.{shorten(str(name), 40)}.{key}={shown}"


def check_name(name: Any) -> None:
    """Raise `WorldError` unless a name can be that of a slot."""
    if not isinstance(name, str) or not 0 < len(name) <= 64 or not name.isprintable():
        raise WorldError(
            f"condition.name={shorten(repr(name))} is not the name of a slot; geoinfinite models inspect REF "
            "lists those of a model"
        )


def check_kind(name: str, kind: str, slot: Slot, fills: str | None = None) -> None:
    """Raise `WorldError` for a condition that cannot fill a slot, as the slot is of another kind.

    ``fills`` is the kind of slots that it fills; ``None``: its own.
    """
    if slot.kind != (fills or kind):
        raise WorldError(
            f"condition.{name}.kind={kind!r} cannot fill the slot {slot.name!r}, which is told "
            f'{slot.kind}; write kind = "{slot.kind}"'
        )


def checked_levels(name: str, levels: Any) -> tuple[int, ...]:
    """Return the levels of a condition; one may be given as a number."""
    found = (levels,) if isinstance(levels, int) else levels
    if not _is_list(found) or not all(type(n) is int and 0 <= n < MOST_LEVELS for n in found):
        raise WorldError(f"{said(name, 'levels', levels)} is no list of levels; write [] for all, or [0, 2]")
    return tuple(found)


def absolute(path: str) -> Path:
    """Return where a file is, whatever the folder in which the process runs later."""
    return Path(os.path.abspath(os.path.expanduser(path)))


def checked_path(name: str, source: Any, key: str = "source") -> str:
    """Return the path of a file."""
    if not isinstance(source, str | os.PathLike) or "\0" in os.fspath(source) or not os.fspath(source):
        raise WorldError(f"{said(name, key, source)} is not the path of a file; name one")
    return os.fspath(source)


def checked_number(name: str, key: str, value: Any, low: float = -math.inf, high: float = math.inf) -> float:
    """Return a finite number from ``low`` to ``high``."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise WorldError(f"{said(name, key, value)} must be a finite number")
    if not low <= value <= high:
        raise WorldError(f"{said(name, key, value)} must be at least {low:g} and at most {high:g}")
    return float(value)


def checked_numbers(name: str, key: str, value: Any) -> tuple[float, ...]:
    """Return finite numbers; one may be given as such."""
    found = (value,) if isinstance(value, int | float) else value
    if not _is_list(found):
        raise WorldError(f"{said(name, key, value)} must be a number, or a list with one for every band")
    return tuple(checked_number(name, key, number) for number in found)


def checked_choice(name: str, key: str, value: Any, known: Sequence[str]) -> str:
    """Return one of some names."""
    if value not in known:
        raise WorldError(f"{said(name, key, value)} is not one of {', '.join(known)}")
    return str(value)


def checked_guidance(name: str, value: Any) -> float | None:
    """Return a scale of guidance; ``None``: the sampler's."""
    return None if value is None else checked_number(name, "guidance", value, 0, 1000)


def checked_bands(name: str, bands: Any, key: str = "bands") -> tuple[int | str, ...]:
    """Return bands by number, from 1, or by name; one may be given as such."""
    found = (bands,) if isinstance(bands, int | str) else bands
    if not isinstance(found, tuple | list) or not all(
        (type(band) is int and band > 0) or (isinstance(band, str) and band) for band in found
    ):
        raise WorldError(f"{said(name, key, bands)} must be numbers from 1, or names, of bands")
    return tuple(found)


def checked_date(name: str, key: str, date: Any) -> datetime.date:
    """Return a day, which may be given as text."""
    if isinstance(date, datetime.datetime):
        return date.date()
    if isinstance(date, datetime.date):
        return date
    try:
        return datetime.date.fromisoformat(date)
    except (TypeError, ValueError) as error:
        raise WorldError(f"{said(name, key, date)} is no day; write one such as 2017-02-11") from error


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
