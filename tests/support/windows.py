"""Windows that would show it if pixels depended on the window that asks, and what they show."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from drawings import caching

from geoinfinite.engine import generate
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.tiling import TileCache

FIRST = 3


def probes(region: Window, stride: int) -> list[Window]:
    """Return windows of a region: single pixels at phases of a stride and at corners, lines, odd parts."""
    y0, y1, x0, x1 = region.y0, region.y1, region.x0, region.x1
    pixels = [(y0, x0), (y0, x1 - 1), (y1 - 1, x0), (y1 - 1, x1 - 1)]
    pixels += [(y0 + FIRST + i, x0 + FIRST + stride - i) for i in range(0, stride, 5)]
    return [
        *(Window(y, y + 1, x, x + 1) for y, x in pixels),
        Window(y0 + 17, y0 + 18, x0, x1),
        Window(y0, y1, x0 + 31, x0 + 32),
        Window(y0 + 7, y0 + 7 + stride, x0 + 23, x0 + 23 + stride),
        Window(y0 + 1, y1 - 2, x1 - 13, x1),
        Window(y1 - 11, y1, x0 + 5, x1 - 6),
    ]


def differing(
    world: Recipe, level: int, region: Window, windows: list[Window], cache: TileCache | None = None
) -> list[Window]:
    """Return the windows that are not the crop of the region, bit for bit."""
    reference = generate(world, level, region, resources=caching(None))
    drawn = [(w, generate(world, level, w, resources=caching(cache))) for w in windows]
    return [w for w, pixels in drawn if not (pixels == reference[:, *w.slices(region)]).all()]


def assembled(region: Window, side: int, read: Callable[[Window], np.ndarray]) -> np.ndarray:
    """Return a region put together from the pieces of a lattice, read last to first."""
    out: np.ndarray | None = None
    for piece in [*region.split(side)][::-1]:
        pixels = read(piece)
        if out is None:
            out = np.zeros((len(pixels), *region.shape), pixels.dtype)
        out[:, *piece.slices(region)] = pixels
    assert out is not None
    return out
