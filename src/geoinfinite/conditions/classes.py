"""Classes of a raster and the values that stand for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.settings import checked_numbers, said
from geoinfinite.errors import WorldError

Table: TypeAlias = tuple[tuple[int, tuple[float, ...]], ...]
"""Classes, and the values of every band that stand for each."""


def checked_table(name: str, colours: Any) -> Table:
    """Return a table of classes given as a mapping or as pairs."""
    pairs = tuple(colours.items()) if isinstance(colours, Mapping) else colours
    if not isinstance(pairs, tuple | list) or not all(
        isinstance(p, tuple | list) and len(p) == 2 for p in pairs
    ):
        raise WorldError(f"{said(name, 'colours', colours)} must name a list of values for every class")
    table = tuple((key, checked_numbers(name, "colours", values)) for key, values in pairs)
    if any(type(key) is not int for key, _ in table) or len({len(values) for _, values in table}) > 1:
        raise WorldError(
            f"{said(name, 'colours', colours)}: classes are integers, and all have equally many values"
        )
    return table


def coloured(classes: NDArray[Any], table: Table, named: str) -> NDArray[np.float32]:
    """Return the values ``(band, y, x)`` of classes ``(1, y, x)``; raise `WorldError` for one without."""
    keys = np.array([key for key, _ in table])
    order = np.argsort(keys)
    values = np.array([values for _, values in table], np.float32)[order]
    at = np.searchsorted(keys[order], classes[0]).clip(0, len(keys) - 1)
    strange = keys[order][at] != classes[0]
    if strange.any():
        raise WorldError(
            f"{named} holds the class {classes[0][strange][0]}, for which colours has no values; add it there"
        )
    return np.moveaxis(values[at], -1, 0)
