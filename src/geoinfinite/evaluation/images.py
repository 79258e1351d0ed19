"""What every metric accepts: one picture ``(band, y, x)`` or several ``(image, band, y, x)``, any units."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geoinfinite.errors import GeoInfiniteError

Images: TypeAlias = NDArray[Any]
Values: TypeAlias = NDArray[np.float64]


class EvaluationError(GeoInfiniteError, ValueError):
    """Pictures that a metric cannot compare."""


def as_stack(images: Images, name: str) -> Values:
    """Return pictures as float64 ``(image, band, y, x)``; raise `EvaluationError` for other shapes.

    >>> as_stack(np.zeros((3, 8, 9), np.uint8), "drawn").shape
    (1, 3, 8, 9)
    """
    values = np.asarray(images, np.float64)
    if values.ndim == 3:
        values = values[None]
    if values.ndim != 4 or 0 in values.shape:
        raise EvaluationError(
            f"{name} has shape {np.shape(images)}, but must be (band, y, x) or (image, band, y, x); "
            "add or drop axes"
        )
    if not np.isfinite(values).all():
        raise EvaluationError(f"{name} has values that are not finite; fill or cut them off first")
    return values


def as_pair(drawn: Images, real: Images) -> tuple[Values, Values]:
    """Return two stacks of one shape; raise `EvaluationError` where they differ."""
    ours, theirs = as_stack(drawn, "drawn"), as_stack(real, "real")
    if ours.shape != theirs.shape:
        raise EvaluationError(
            f"drawn has shape {ours.shape} and real {theirs.shape}; cut both to the same number and size"
        )
    return ours, theirs


def at_least(size: int, images: Values, name: str) -> None:
    """Raise `EvaluationError` for pictures with a side below `size` pixels."""
    if min(images.shape[-2:]) < size:
        height, width = images.shape[-2:]
        raise EvaluationError(
            f"{name} is {height} x {width} px, but at least {size} x {size} are needed; take a larger window"
        )


def box_mean(images: Values, side: int) -> Values:
    """Return the means over boxes of `side` px, ``(image, band, y - side + 1, x - side + 1)``.

    >>> box_mean(np.arange(12.0).reshape(1, 1, 3, 4), 3)
    array([[[[5., 6.]]]])
    """
    total = np.pad(images, ((0, 0), (0, 0), (1, 0), (1, 0))).cumsum(2).cumsum(3)
    lower = total[..., side:, side:] - total[..., :-side, side:]
    return np.asarray((lower - total[..., side:, :-side] + total[..., :-side, :-side]) / side**2)
