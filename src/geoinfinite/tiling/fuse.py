"""Overlapping tiles become one window, the same sum in the same order whichever window is asked for."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from geoinfinite.window import Window

Array = NDArray[np.float32]


def fuse(tiles: Iterable[tuple[Window, Array]], weights: Array, window: Window, bands: int) -> Array:
    """Return the ``(band, y, x)`` float32 window that weighted tiles add up to.

    ``tiles`` are ``(window, (band, y, x))`` in row-major order of the lattice: float32 addition is
    not associative, and this order makes every pixel's sum a function of its position alone.
    """
    out = np.zeros((bands, *window.shape), np.float32)
    for where, tile in tiles:
        part = where.intersect(window)
        ty, tx = part.slices(where)
        oy, ox = part.slices(window)
        out[:, oy, ox] += tile[:, ty, tx] * weights[ty, tx]
    return out
