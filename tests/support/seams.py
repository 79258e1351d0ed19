"""Traces of a tiling in a picture: what tiles did where they blend, beside one tile drawn over the whole.

The same noise and parent drawn as a single tile make nearly the same picture without any edge, so
coasts and plains weigh alike on both sides of every ratio.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from drawings import UNCACHED

from geoinfinite.engine import generate
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Numerics, Recipe

SIDE = 480
EDGE = 24


def drawn_as_one(world: Recipe, window: Window) -> np.ndarray:
    """Return level 1 of a window that is exactly one tile of `SIDE` px."""
    assert window.shape == (SIDE, SIDE)
    assert window.y0 % SIDE == window.x0 % SIDE == 0
    whole = replace(world.sampler, tile=SIDE, stride=SIDE)
    return generate(
        world.replace(sampler=whole, numerics=Numerics(micro_batch=1)), 1, window, resources=UNCACHED
    )


def traces(tiled: np.ndarray, whole: np.ndarray, world: Recipe, window: Window) -> dict[str, float]:
    """Return steps and variance of detail where tiles blend over those elsewhere, each over the whole's."""
    parent = generate(world, 0, window.coarsen(4)).astype(float).repeat(4, 1).repeat(4, 2)
    ours, theirs = tiled - parent, whole - parent
    tile, stride = world.sampler.tile, world.sampler.stride
    found = {}
    for axis, start in ((1, window.y0), (2, window.x0)):
        phase = (start + np.arange(SIDE)) % stride
        blended, inner = phase < tile - stride, slice(EDGE, SIDE - EDGE)
        crossing = (blended | np.roll(blended, 1))[inner]
        for name, of in (("step", _steps), ("variance", _variance)):
            a, b = of(ours, axis)[inner], of(theirs, axis)[inner]
            ratio = (a[crossing].mean() / a[~crossing].mean()) / (b[crossing].mean() / b[~crossing].mean())
            found[f"{name}_{'_yx'[axis]}"] = float(ratio)
    return found


def _steps(x: np.ndarray, axis: int) -> np.ndarray:
    """Mean step into every row or column."""
    steps = np.abs(np.diff(x, axis=axis, prepend=0))
    return steps.mean(tuple({0, 1, 2} - {axis}))


def _variance(x: np.ndarray, axis: int) -> np.ndarray:
    return (x**2).mean(tuple({0, 1, 2} - {axis}))
