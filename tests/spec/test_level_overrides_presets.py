"""Levels of their own: ``[level.N.sampler]`` and ``[level.N.model]`` change their level and those above."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import preset_cases
import pytest
import small_worlds
from drawings import UNCACHED, on_parent

from geoinfinite.engine import generate
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import LevelSettings, Recipe
from geoinfinite.samplers.presets import InfiniteDiffusion, MultiDiffusion

LATENT = ModelReference("analytic:latent")
TEXT = """
    [root]
    source = "ring.tif"
    [grid]
    levels = 4
    [model]
    ref = "analytic:gaussian"
    [sampler]
    preset = "multidiffusion"
    solver = "dpmpp_2m"
    steps = 4
    tile = 32
    stride = 24
    [level.1.sampler]
    steps = 2
    [level.2.sampler]
    preset = "infinitediffusion"
    steps = 4
    tile = 48
    stride = 32
    cuts = [1, 3]
    [level.3.model]
    ref = "analytic:latent"
"""


def parse(text: str, folder: Path) -> Recipe:
    return Recipe(**worldfile.parse(text, where="w.toml", folder=folder))


def read_back(world: Recipe, folder: Path) -> Recipe:
    return parse(worldfile.dump(world), folder)


def test_a_level_says_what_is_its_own(tmp_path: Path) -> None:
    small_worlds.ring_world(tmp_path)
    world = parse(TEXT, tmp_path)
    multi = MultiDiffusion(solver="dpmpp_2m", steps=4, tile=32, stride=24)
    assert world.sampler_at(3) == world.sampler == multi
    assert world.sampler_at(1) == replace(multi, steps=2)
    # Another preset starts from its own defaults.
    assert world.sampler_at(2) == InfiniteDiffusion(steps=4, tile=48, stride=32, cuts=(1, 3))
    assert world.model_at(2) == world.model == ModelReference("analytic:gaussian")
    assert world.model_at(3) == LATENT


def test_files_with_levels_of_their_own_survive(tmp_path: Path) -> None:
    small_worlds.ring_world(tmp_path)
    world = parse(TEXT, tmp_path)
    again = read_back(world, tmp_path)
    assert (again, again.token) == (world, world.token)
    assert worldfile.dump(again) == worldfile.dump(world)


@pytest.mark.parametrize("preset", preset_cases.PRESET_CASES)
def test_every_preset_survives_its_file_for_the_world_and_for_a_level(tmp_path: Path, preset: str) -> None:
    sampler = preset_cases.PRESET_CASES[preset]
    ring = small_worlds.ring_world(tmp_path)
    for world in (ring.replace(sampler=sampler), ring.replace(levels=(LevelSettings(2, sampler, LATENT),))):
        again = read_back(world, tmp_path)
        assert (again, again.token) == (world, world.token)


def test_every_override_is_another_token(ring: Recipe) -> None:
    multi = preset_cases.PRESET_CASES["multidiffusion"]
    worlds = [
        ring,
        ring.replace(levels=(LevelSettings(1, multi),)),
        ring.replace(levels=(LevelSettings(2, multi),)),
        ring.replace(levels=(LevelSettings(2, replace(multi, steps=5)),)),
        ring.replace(levels=(LevelSettings(2, multi, LATENT),)),
        ring.replace(levels=(LevelSettings(2, None, LATENT),)),
        ring.replace(levels=(LevelSettings(1, multi), LevelSettings(2, multi))),
        *(ring.replace(sampler=sampler) for sampler in preset_cases.PRESET_CASES.values()),
    ]
    assert len({world.token for world in worlds}) == len(worlds)


def test_the_order_of_levels_is_no_part_of_a_world(ring: Recipe) -> None:
    settings = [LevelSettings(n, preset_cases.PRESET_CASES["multidiffusion"]) for n in (1, 2, 3)]
    tokens = {ring.replace(levels=tuple(order)).token for order in (settings, settings[::-1])}
    assert len(tokens) == 1


@pytest.mark.parametrize("make", [small_worlds.patch_world, small_worlds.ring_world])
@pytest.mark.parametrize(
    "settings",
    [
        LevelSettings(2, preset_cases.PRESET_CASES["multidiffusion"]),
        LevelSettings(2, None, LATENT),
        LevelSettings(2, preset_cases.PRESET_CASES["earlysync"], LATENT),
    ],
)
def test_a_level_of_its_own_leaves_those_below_as_they_are(
    tmp_path: Path, make: Callable[..., Recipe], settings: LevelSettings
) -> None:
    plain = make(tmp_path)
    own = plain.replace(levels=(settings,))
    below = plain.grid.full(1)
    assert (
        generate(plain, 1, below, resources=UNCACHED) == generate(own, 1, below, resources=UNCACHED)
    ).all()
    window = Window(70, 110, 130, 190)
    drawn, other = (generate(w, 2, window, resources=UNCACHED) for w in (own, plain))
    assert (drawn != other).mean() > 0.05

    # Above it, only what lies under is another: told the same parent, both draw the same.
    def parent(w: Window) -> object:
        return generate(plain, 2, w, resources=UNCACHED)

    above = Window(300, 310, 300, 310)
    assert (on_parent(own, 3, above, parent) == on_parent(plain, 3, above, parent)).all()
