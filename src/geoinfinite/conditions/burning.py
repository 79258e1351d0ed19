"""Shapes burnt on the parts of pixels of a level, by middles, and levels seen beyond their edges."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import rasterio.features
from affine import Affine
from numpy.typing import NDArray

from geoinfinite.plane.window import Window
from geoinfinite.rasters.quiet import placeless

Numbers = NDArray[np.uint16]
"""``(y, x)``: the number of the shape that lies on each part of a pixel; 0 where there is none."""


def burnt(shapes: Iterable[tuple[Any, int]], shape: tuple[int, int]) -> Numbers:
    """Return the numbers of shapes on ``(rows, columns)`` of parts of pixels; the later shape counts.

    Shapes are in ``(column, row)`` of parts, and a part is in a shape if its middle is.
    """
    fine, found = np.zeros(shape, np.uint16), list(shapes)
    if found:
        with placeless():
            rasterio.features.rasterize(found, out=fine, transform=Affine.identity())
    return fine


def seen_beyond(
    window: Window, level: tuple[int, int], period: int | None, piece: Callable[[Window], NDArray[Any]]
) -> NDArray[Any]:
    """Return values ``(y, x, ...)`` of a window that may reach beyond a level of ``(rows, columns)``.

    ``piece`` gives those of a window within the level. Columns are wrapped round the Earth if the level has
    a period; elsewhere the nearest pixel stands in.

    >>> seen_beyond(Window(-1, 1, 3, 6), (2, 5), 5, lambda part: np.indices(part.shape)[1] + part.x0)
    array([[3, 4, 0],
           [3, 4, 0]])
    """
    rows = np.arange(window.y0, window.y1).clip(0, level[0] - 1)
    columns = np.arange(window.x0, window.x1)
    if period is None:
        columns = columns.clip(0, level[1] - 1)
        pieces = [(int(columns[0]), int(columns[-1]) + 1)]
    else:
        columns = columns % period
        starts = [0, *(np.flatnonzero(columns == 0)), len(columns)]
        pieces = [(int(columns[a]), int(columns[b - 1]) + 1) for a, b in pairwise(starts) if a < b]
    y0, y1 = int(rows[0]), int(rows[-1]) + 1
    values = np.concatenate([piece(Window(y0, y1, x0, x1)) for x0, x1 in pieces], axis=1)
    taken = values[rows - y0]
    return np.asarray(taken if period is not None else taken[:, columns - columns[0]])
