"""Cascade law: a level coarsened by the factor is its parent, everywhere, also where values clip."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import small_worlds
from drawings import UNCACHED, on_parent

from geoinfinite.engine import generate
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe


def coarsen(x: np.ndarray, factor: int = 4) -> np.ndarray:
    bands, rows, columns = x.shape
    return x.reshape(bands, rows // factor, factor, columns // factor, factor).mean((2, 4))


@pytest.mark.parametrize("make", [small_worlds.patch_world, small_worlds.ring_world])
@pytest.mark.parametrize("level", [1, 2])
def test_every_level_coarsens_to_its_parent(tmp_path: Path, make, level: int) -> None:
    world = make(tmp_path)
    child = generate(world, level, world.grid.full(level))
    parent = generate(world, level - 1, world.grid.full(level - 1))
    assert (parent == 0).any()
    assert (parent == 255).any()
    assert (coarsen(child) == parent).all()


def test_the_root_is_what_four_levels_coarsen_to(patch: Recipe) -> None:
    deep = generate(patch, 3, Window(0, 256, 128, 576))
    root = patch.root.read(Window(0, 4, 2, 9))
    assert (coarsen(deep, 64) == root).all()


def test_without_consistency_the_parent_is_not_met(patch: Recipe) -> None:
    loose = patch.replace(sampler=replace(patch.sampler, consistency="none"))
    child = generate(loose, 1, loose.grid.full(1))
    assert (coarsen(child) != loose.root.read(loose.grid.full(0))).mean() > 0.1


def test_a_stored_parent_and_a_computed_parent_are_the_same_parent(patch: Recipe) -> None:
    stored = generate(patch, 1, patch.grid.full(1))
    window = Window(101, 203, 77, 230)

    def read(w: Window) -> np.ndarray:
        return stored[:, w.y0 : w.y1, w.x0 : w.x1].copy()

    assert (on_parent(patch, 2, window, read) == generate(patch, 2, window, resources=UNCACHED)).all()
