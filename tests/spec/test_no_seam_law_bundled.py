"""No-seam law for the bundled network, at the tile and stride that its world ships.

The picture is compared with one tile drawn over the whole window (`seams`): tiles may move steps and
variance where they blend by no more than `TOLERANCE`, which tiles with noise of their own exceed.
"""

from __future__ import annotations

import numpy as np
import pytest
from seams import drawn_as_one, traces

from geoinfinite.diffusion.noise import NoiseField
from geoinfinite.engine import drawing
from geoinfinite.engine.generate import generate
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe

WINDOW = Window(2880, 3360, 11_520, 12_000)
"""480 x 480 px of level 1: Italy, Tunisia and the sea between."""
TOLERANCE = 0.1


def breaches(world: Recipe, whole: np.ndarray) -> dict[str, float]:
    tiled = generate(world, 1, WINDOW, cache=None)
    return {n: r for n, r in traces(tiled, whole, world, WINDOW).items() if abs(r - 1) > TOLERANCE}


@pytest.mark.slow
def test_shipped_tiles_leave_no_trace_and_tiles_with_noise_of_their_own_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    earth = worldfile.load("earth", Recipe)
    whole = drawn_as_one(earth, WINDOW)
    assert breaches(earth, whole) == {}

    def per_tile(windows: list[Window], field: NoiseField, draw: int) -> np.ndarray:
        seeds = [[w.y0 + 4096, w.x0 + 4096] for w in windows]
        shape = (field.channels, *windows[0].shape)
        return np.stack([np.random.default_rng(s).standard_normal(shape, np.float32) for s in seeds])

    monkeypatch.setattr(drawing, "noise_under", per_tile)
    assert breaches(earth, whole)
