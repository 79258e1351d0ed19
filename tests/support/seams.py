"""Traces of a tiling in a picture: statistics where tiles meet over the same statistics elsewhere."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from geoinfinite.window import Window


def evened(child: np.ndarray, parent: np.ndarray) -> np.ndarray:
    """Return what a level adds to its parent, ``(band, y, x)``, in units of its own local deviation.

    Coasts and plains then weigh alike, and a few tiles are enough to compare columns.
    """
    detail = child.astype(float) - parent.repeat(4, 1).repeat(4, 2)
    energy = ndimage.uniform_filter((detail**2).mean(0), 48)
    return detail / np.sqrt(energy + 1)


def traces(detail: np.ndarray, window: Window, tile: int, stride: int) -> dict[str, float]:
    """Return step and variance where tiles blend, over those elsewhere: 1 without seams."""
    found = {}
    for axis, start in ((1, window.y0), (2, window.x0)):
        length = detail.shape[axis]
        phase = (start + np.arange(length)) % stride
        blended = phase < tile - stride
        others = tuple({0, 1, 2} - {axis})
        steps = np.abs(np.diff(detail, axis=axis)).mean(others)
        crossing = blended[1:] | blended[:-1]
        variance = detail.var(others)
        name = "yx"[axis - 1]
        found[f"step_{name}"] = float(steps[crossing].mean() / steps[~crossing].mean())
        found[f"variance_{name}"] = float(variance[blended].mean() / variance[~blended].mean())
    return found
