"""Numbers as callers give them: checked, and named in the error as they were typed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from geoinfinite.errors import WindowError, WorldError, shorten
from geoinfinite.plane.crs import Bounds

T = TypeVar("T")


def four(name: str, bounds: Sequence[float]) -> Bounds:
    """Return west, south, east, north as floats; raise `WindowError` for what is not four numbers."""
    try:
        left, bottom, right, top = (float(v) for v in bounds)
    except (TypeError, ValueError, OverflowError) as error:
        raise WindowError(
            f"{name}={shorten(repr(bounds))} is not four numbers; give west south east north"
        ) from error
    return left, bottom, right, top


def finite(name: str, value: Any) -> float:
    """Return a setting of a grid as a float; raise `WorldError` unless it is a finite number."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or abs(number) > 1e15:
        raise WorldError(
            f"grid.{name}={shorten(repr(value))} must be a finite number up to 1e15; write one such as 30.0"
        )
    return number


def integer(name: str, value: Any) -> int:
    """Return a setting of a grid as an integer; raise `WorldError` for anything that has to be rounded."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise WorldError(f"grid.{name}={shorten(repr(value))} must be an integer; write one such as 4")
    return int(value.__index__())


def pair(name: str, value: Any, one: Callable[[str, Any], T]) -> tuple[T, T]:
    """Return a setting of a grid as two numbers, each read by ``one``; raise `WorldError` otherwise."""
    known = {"origin": "[left, top]", "shape": "[rows, columns]"}
    if isinstance(value, str | bytes) or not isinstance(value, Sequence) or len(value) != 2:
        raise WorldError(f"grid.{name}={shorten(repr(value))} must be {known[name]}; write two numbers")
    return one(name, value[0]), one(name, value[1])
