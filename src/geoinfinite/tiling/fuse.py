"""Overlapping tiles become one window, the same sum in the same order whichever window is asked for."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from geoinfinite.errors import WindowError
from geoinfinite.plane.window import Window

Array = NDArray[np.float32]


def fuse(tiles: Iterable[tuple[Window, Array]], weights: Array, window: Window) -> Array:
    """Return the ``(channel, y, x)`` float32 window that weighted tiles add up to.

    ``tiles`` are ``(window, (channel, y, x))`` in row-major order of the lattice, at least one: float32
    addition is not associative, and this order makes every pixel's sum a function of its position alone.
    """
    out: Array | None = None
    for where, tile in tiles:
        if out is None:
            out = np.zeros((len(tile), *window.shape), np.float32)
        part = where.intersect(window)
        ty, tx = part.slices(where)
        oy, ox = part.slices(window)
        out[:, oy, ox] += tile[:, ty, tx] * weights[ty, tx]
    if out is None:
        raise WindowError(f"no tile meets {window}; a layer's tiles must cover what is read of it")
    return out
