"""Cascade law for every preset and every consistency, of pixels and of latents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import oracles
import preset_cases
import pytest
import small_worlds
from drawings import UNCACHED

from geoinfinite.engine import generate, read, resolve
from geoinfinite.models import reference
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe

LOOSE = 5e-3
"""In units of the float32 world's range: what a parent that is not met misses by, and much more."""


def coarsen(x: np.ndarray) -> np.ndarray:
    bands, rows, columns = x.shape
    return x.astype(float).reshape(bands, rows // 4, 4, columns // 4, 4).mean((2, 4))


@pytest.mark.parametrize("model", preset_cases.MODELS)
@pytest.mark.parametrize("consistency", ["mean", "project", "guide"])
@pytest.mark.parametrize("preset", preset_cases.PLAIN_CASES)
@pytest.mark.parametrize("make", [small_worlds.patch_world, small_worlds.ring_world])
def test_a_level_coarsens_to_its_parent(
    tmp_path: Path, make: Callable[..., Recipe], preset: str, consistency: str, model: str
) -> None:
    sampler = replace(preset_cases.PRESET_CASES[preset], consistency=consistency)
    world = make(tmp_path, sampler=sampler, model=ModelReference(model))
    # Blocks of black, of white, at the grid's edge and where nothing clips.
    window = Window(0, 32, 0, 40)
    parent = world.root.read(window.coarsen(4))
    assert (parent == 0).any()
    assert (coarsen(generate(world, 1, window, resources=UNCACHED)) == parent).all()


def test_a_level_drawn_on_a_drawn_one_does_too(tmp_path: Path) -> None:
    for preset, sampler in preset_cases.PLAIN_CASES.items():
        world = small_worlds.ring_world(tmp_path, sampler=sampler)
        window = Window(80, 120, -20, 24)
        parent = generate(world, 1, window.coarsen(4), resources=UNCACHED)
        assert (coarsen(generate(world, 2, window, resources=UNCACHED)) == parent).all(), preset


@pytest.mark.parametrize("preset", preset_cases.PLAIN_CASES)
def test_without_consistency_the_parent_is_not_met(tmp_path: Path, preset: str) -> None:
    sampler = replace(preset_cases.PRESET_CASES[preset], consistency="none")
    world = small_worlds.patch_world(tmp_path, sampler=sampler)
    child = generate(world, 1, Window(16, 56, 16, 60), resources=UNCACHED)
    assert (coarsen(child) != world.root.read(Window(4, 14, 4, 15))).mean() > 0.1


@pytest.fixture
def missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], float]:
    """Return by how much the exact denoiser's level misses its parent with no projection at the end."""
    monkeypatch.setitem(reference.ANALYTIC, "analytic:oracle", "oracles:OracleModel")
    values = (small_worlds.revealing(12, 24) / 1020 + 0.375).astype("f4")

    def run(preset: str, consistency: str) -> float:
        sampler = preset_cases.PRESET_CASES[preset]
        world = small_worlds.ring_world(tmp_path)
        small_worlds.write_root(Path(world.root.source), values, "EPSG:4326", (-180.0, 90.0), 15.0)
        world = world.replace(dtype="float32", model=ModelReference("analytic:oracle"), sampler=sampler)
        level = resolve(world, 1)
        steps_only = replace(
            level.drawn, keeps_means=False, guided=None if consistency == "none" else consistency
        )
        drawn = read(replace(level, source=steps_only), Window(0, 48, 0, 96), UNCACHED)
        assert drawn.min() > 0
        assert drawn.max() < 1
        return float(np.sqrt(((coarsen(drawn) - values) ** 2).mean()))

    return run


@pytest.mark.parametrize("preset", preset_cases.PLAIN_CASES)
def test_projection_meets_the_parent_before_the_last_one(
    missed: Callable[[str, str], float], preset: str
) -> None:
    none, guide, project = (missed(preset, how) for how in ("none", "guide", "project"))
    # Every tile meets it; weights that vary within a block make a blend of tiles miss a little.
    assert project < (1e-6 if preset in ("metaearth", "spotdiffusion") else none / 3)
    assert guide < none
    assert none > 1e-3


def test_the_oracle_s_own_mean_is_not_the_parent() -> None:
    gain, _, _ = oracles.posterior()
    means = gain.reshape(8, 4, 8, 4, 64).mean((1, 3)).reshape(64, 64)
    assert np.abs(means - np.eye(64)).max() > LOOSE
