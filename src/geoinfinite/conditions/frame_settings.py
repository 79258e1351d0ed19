"""Settings of frames, most of which stand once for every source, and which sources are told."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from typing import Any

from geoinfinite.conditions.settings import (
    checked_bands,
    checked_choice,
    checked_date,
    checked_number,
    checked_path,
    said,
)
from geoinfinite.errors import WorldError
from geoinfinite.told import Slot

UNKNOWN = "unknown"
"""Stands in a list for what is not known of one source."""
CHOICES = "all", "nearest", "before", "after"
LIMITS = {"resolutions": (1e-3, 1e6), "cloud_cover": (0.0, 1.0)}

Dates = Sequence[datetime.date | str]


def checked_sources(name: str, sources: Any) -> tuple[str, ...]:
    """Return the paths of files; at least one."""
    found = (sources,) if isinstance(sources, str | os.PathLike) else sources
    if not isinstance(found, tuple | list) or not found:
        raise WorldError(f"{said(name, 'sources', sources)} is no list of files; name at least one")
    return tuple(checked_path(name, source, f"sources[{i}]") for i, source in enumerate(found))


def checked_dates(name: str, dates: Any, count: int) -> tuple[datetime.date | str, ...]:
    """Return the day of every source."""
    found = _one_each(name, "dates", dates, count)
    return tuple(
        UNKNOWN if _is_unknown(date) else checked_date(name, f"dates[{i}]", date)
        for i, date in enumerate(found)
    )


def checked_numbers_each(name: str, key: str, values: Any, count: int) -> tuple[float | str, ...]:
    """Return a number for every source; one may be given for all."""
    alone = isinstance(values, int | float)
    found = (values,) * count if alone else _one_each(name, key, values, count)
    may_be_unknown, limits = key in LIMITS, LIMITS.get(key, ())
    return tuple(
        UNKNOWN
        if may_be_unknown and _is_unknown(value)
        else checked_number(name, key if alone else f"{key}[{i}]", value, *limits)
        for i, value in enumerate(found)
    )


def checked_bands_each(name: str, bands: Any, count: int) -> tuple[Any, ...]:
    """Return bands, or bands for every source."""
    if isinstance(bands, tuple | list) and any(isinstance(part, tuple | list) for part in bands):
        return tuple(
            checked_bands(name, part, f"bands[{i}]")
            for i, part in enumerate(_one_each(name, "bands", bands, count))
        )
    return checked_bands(name, bands)


def of_frame(value: Any, i: int) -> Any:
    """Return the part of a setting that concerns one source.

    >>> of_frame(((1, 2), (4, 3)), 1), of_frame((1, 2), 1), of_frame((0.5, 2.0), 1)
    ((4, 3), (1, 2), 2.0)
    """
    each = isinstance(value, tuple) and bool(value) and isinstance(value[0], tuple | float)
    return value[i] if each else value


def check_choice_of_frames(name: str, select: Any, date: Any, dates: Dates) -> None:
    """Raise `WorldError` for a choice among sources by dates that are not stated."""
    checked_choice(name, "select", select, CHOICES)
    if select == "all":
        if date is not None:
            raise WorldError(
                f"{said(name, 'date', str(date))} is used to choose among sources only; write "
                'select = "nearest", or remove it'
            )
        return
    if date is None:
        raise WorldError(f"{said(name, 'select', select)} refers to a day; write date = 2017-02-11")
    if not dates or UNKNOWN in dates:
        raise WorldError(
            f"{said(name, 'select', select)} needs the day of every source; write dates = [2016-09-11, ...]"
        )


def chosen_frames(name: str, select: str, date: Any, dates: Dates, slot: Slot) -> tuple[int, ...]:
    """Return the numbers of the sources that a slot is told, in the order given.

    Of two days that are equally near, the earlier one is nearer. Raises `WorldError` unless there are as many
    sources as the slot asks for.
    """
    days = [0 if isinstance(day, str) or date is None else (day - date).days for day in dates]
    sides = {"before": (-1,), "after": (1,)}.get(select, (-1, 0, 1))
    numbers = [i for i, day in enumerate(days) if (day > 0) - (day < 0) in sides]
    wanted = slot.frames or max(len(numbers), 1)
    if len(numbers) < wanted or (select == "all" and len(numbers) > wanted):
        chosen = "" if select == "all" else f" {select} {date}"
        other = "as many, in order" if select == "all" else 'more, or write select = "nearest"'
        raise WorldError(
            f"condition.{name}.sources names {len(numbers)} files{chosen}, and the slot {slot.name!r} is "
            f"told {wanted} frames; name {other}"
        )
    nearest = sorted(numbers, key=lambda i: (abs(days[i]), days[i], i))
    return tuple(sorted(nearest[:wanted]))


def _one_each(name: str, key: str, values: Any, count: int) -> Sequence[Any]:
    if not isinstance(values, tuple | list) or len(values) not in (0, count):
        raise WorldError(
            f"{said(name, key, values)} must be a list with one for each of {count} sources, or be left out"
        )
    return values


def _is_unknown(value: Any) -> bool:
    return value is None or value == UNKNOWN
