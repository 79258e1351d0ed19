"""Worlds that fit a model: its tile, solver and steps on a grid over some bounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import latents
import numpy as np
import pytest
import small_worlds

import geoinfinite as gi
from geoinfinite.errors import WindowError, WorldError

PLACE = {"crs": "EPSG:32632", "bounds": (400_000.0, 5_199_000.0, 403_010.0, 5_201_000.0), "resolution": 30.0}


def test_a_world_has_the_native_tile_and_an_eighth_of_overlap(tmp_path: Path) -> None:
    latents.write(tmp_path, latents.unet(4, 4, sample_size=16), vae=latents.kl())
    world = gi.World.for_model(tmp_path, **PLACE)
    sampler, facts = world.sampler_at(0), world.model.facts()
    assert (facts.latent, sampler.tile, sampler.stride) == (4, 64, 56)
    assert (sampler.preset, sampler.solver, sampler.consistency) == ("independent", "checkpoint", "none")
    assert sampler.guidance is None


def test_the_grid_begins_in_the_upper_left_corner_and_covers_the_bounds() -> None:
    world = gi.World.for_model("analytic:planet", **PLACE)
    assert world.grid.origin == (400_000.0, 5_201_000.0)
    assert world.grid.shape == (67, 101)
    assert world.array(0).shape == (3, 67, 101)


def test_bounds_may_cross_the_antimeridian() -> None:
    world = gi.World.for_model(
        "analytic:planet", crs="EPSG:4326", bounds=(179, -20, -179, -19), resolution=0.01
    )
    assert world.grid.shape == (100, 200)
    assert float(world.array(0).x[-1]) == pytest.approx(180.995)


def test_a_model_with_a_parent_draws_a_level_below_a_raster(tmp_path: Path) -> None:
    root = tmp_path / "root.tif"
    small_worlds.write_root(
        root, small_worlds.revealing(20, 28), "EPSG:32633", (412_300.0, 5_207_700.0), 300.0
    )
    world = gi.World.for_model("bundled:earth-small", root=str(root))
    assert world.grid.levels == 2
    assert world.sampler_at(1).consistency == "mean"
    # Its own tiles overlap by more than an eighth, which is enough below a parent.
    assert world.sampler_at(1) == replace(world.model.default_sampler(), stride=224)
    assert world.sampler_at(1).tile == 256
    coarse = world.array(1).astype(float).coarsen(y=4, x=4).mean()
    np.testing.assert_allclose(coarse.values, world.array(0).values, atol=0.51)


def test_what_the_remedies_say_works(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="draws without a parent; say crs, bounds, resolution, and no root"):
        gi.World.for_model("analytic:planet", crs="EPSG:32632")
    with pytest.raises(WorldError, match=r"draws on a parent; say root=RASTER, whose grid is taken"):
        gi.World.for_model("analytic:gaussian", **PLACE)
    with pytest.raises(WorldError, match=r"bounds=\(.*\) is inverted or empty; the order is W S E N"):
        gi.World.for_model("analytic:planet", **{**PLACE, "bounds": (9, 8, 7, 6)})
    with pytest.raises(WindowError, match=r"bounds=\(1, 2\) is not four numbers"):
        gi.World.for_model("analytic:planet", **{**PLACE, "bounds": (1, 2)})


def test_the_world_survives_its_file(tmp_path: Path) -> None:
    world = gi.World.for_model("analytic:planet", **PLACE)
    world.save(tmp_path / "world.toml")
    assert gi.World.load(tmp_path / "world.toml") == world
