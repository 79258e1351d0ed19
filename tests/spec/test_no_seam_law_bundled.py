"""No-seam law for the bundled network, at the tile and stride that its world ships."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from seams import evened, traces

from geoinfinite import worldfile
from geoinfinite.cascade import generate
from geoinfinite.noise import NoiseField
from geoinfinite.recipe import Recipe
from geoinfinite.window import Window

WINDOW = Window(2760, 3240, 11_280, 11_760)
"""480 x 480 px of level 1: France, the Alps and the sea."""
TOLERANCE = 0.06


def found(world: Recipe) -> dict[str, float]:
    child, parent = generate(world, 1, WINDOW, cache=None), generate(world, 0, WINDOW.coarsen(4))
    return traces(evened(child, parent), WINDOW, world.sampler.tile, world.sampler.stride)


def breaches(world: Recipe) -> dict[str, float]:
    return {name: ratio for name, ratio in found(world).items() if abs(ratio - 1) > TOLERANCE}


@pytest.mark.slow
def test_the_shipped_tiles_leave_no_trace() -> None:
    assert breaches(worldfile.load("earth", Recipe)) == {}


@pytest.mark.slow
def test_per_tile_noise_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def per_tile(field: NoiseField, window: Window, draw: int = 0) -> np.ndarray:
        rng = np.random.default_rng([window.y0 + 4096, window.x0 + 4096])
        return rng.standard_normal((field.channels, *window.shape), np.float32)

    monkeypatch.setattr(NoiseField, "__call__", per_tile)
    earth = worldfile.load("earth", Recipe)
    assert breaches(earth.replace(sampler=replace(earth.sampler, steps=2)))
