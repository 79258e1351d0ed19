"""Window law for every preset, of pixels and of latents: a pixel does not know which window asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import preset_cases
import pytest
import small_worlds
import windows
from bad_noise import by_order
from counting import count_calls
from drawings import UNCACHED, caching, cost, exchanged

from geoinfinite.engine import Level, generate, read, resolve
from geoinfinite.engine.tile_batch import PositionNoise
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Numerics, Recipe
from geoinfinite.samplers.presets import IndependentTiles, MultiDiffusion, SpotDiffusion
from geoinfinite.tiling import MemoryTileCache

Make = Callable[..., Recipe]

WHOLE = {"patch": Window(0, 80, 0, 112), "ring": Window(0, 48, -37, 59)}
"""Level 1, of the ring from another meridian."""
PART = {"patch": Window(261, 320, 385, 448), "ring": Window(0, 59, -31, 32)}
"""A corner of level 2, and rows from the pole on that cross the antimeridian."""
MAKERS = {"patch": small_worlds.patch_world, "ring": small_worlds.ring_world}


def made(folder: Path, place: str, preset: str, model: str) -> Recipe:
    return MAKERS[place](folder, sampler=preset_cases.PRESET_CASES[preset], model=ModelReference(model))


@pytest.mark.parametrize("model", preset_cases.MODELS)
@pytest.mark.parametrize("preset", preset_cases.PRESET_CASES)
@pytest.mark.parametrize("place", MAKERS)
def test_any_window_is_the_crop_of_the_whole_level(
    tmp_path: Path, place: str, preset: str, model: str
) -> None:
    world = made(tmp_path, place, preset, model)
    asked = windows.probes(WHOLE[place], world.sampler.stride)
    assert windows.differing(world, 1, WHOLE[place], asked, MemoryTileCache(2**17)) == []


@pytest.mark.parametrize("model", preset_cases.MODELS)
@pytest.mark.parametrize("preset", preset_cases.PLAIN_CASES)
@pytest.mark.parametrize("place", MAKERS)
def test_and_so_it_is_on_a_level_drawn_on_a_drawn_one(
    tmp_path: Path, place: str, preset: str, model: str
) -> None:
    world = made(tmp_path, place, preset, model)
    asked = windows.probes(PART[place], world.sampler.stride)[1::3]
    assert windows.differing(world, 2, PART[place], asked) == []


@pytest.mark.parametrize("model", preset_cases.MODELS)
@pytest.mark.parametrize("preset", preset_cases.PRESET_CASES)
@pytest.mark.parametrize("place", MAKERS)
def test_a_level_is_what_its_pieces_add_up_to(tmp_path: Path, place: str, preset: str, model: str) -> None:
    world = made(tmp_path, place, preset, model)
    whole = world.grid.full(1)
    reference = generate(world, 1, whole, resources=UNCACHED)
    cache = MemoryTileCache(2**24) if model == "analytic:gaussian" else None
    pieces = windows.assembled(whole, 37, lambda piece: generate(world, 1, piece, resources=caching(cache)))
    assert (pieces == reference).all()


@pytest.mark.parametrize("model", preset_cases.MODELS)
@pytest.mark.parametrize("preset", preset_cases.PRESET_CASES)
def test_the_earth_is_round(tmp_path: Path, preset: str, model: str) -> None:
    world = made(tmp_path, "ring", preset, model)
    here = generate(world, 1, Window(5, 21, -17, 30), resources=UNCACHED)
    there = generate(world, 1, Window(5, 21, -17 - 3 * 96, 30 - 3 * 96), resources=UNCACHED)
    assert (there == here).all()


@pytest.mark.parametrize("preset", preset_cases.PRESET_CASES)
def test_the_law_holds_at_any_micro_batch_and_bits_differ_at_most_between_two(
    tmp_path: Path, preset: str
) -> None:
    world, region = made(tmp_path, "patch", preset, "analytic:gaussian"), Window(40, 80, 0, 50)
    drawn = []
    for size in (1, 5):
        batched = world.replace(numerics=Numerics(micro_batch=size))
        assert windows.differing(batched, 1, region, windows.probes(region, 7)[::3]) == []
        drawn.append(generate(batched, 1, region, resources=UNCACHED).astype(int))
    assert np.abs(drawn[0] - drawn[1]).max() <= 1


SYNCED = ("multidiffusion", "infinitediffusion", "earlysync", "spotdiffusion")


Spoil = Callable[[Level, Window], Level]
"""Returns a level that breaks the law, given the window that is asked for."""


@pytest.fixture
def fails(tmp_path: Path) -> Callable[[str, Spoil], bool]:
    """Say whether windows of a spoilt level differ from the crops of a region."""

    def run(preset: str, spoil: Spoil) -> bool:
        world, region = made(tmp_path, "patch", preset, "analytic:gaussian"), Window(16, 80, 20, 112)
        level = resolve(world, 1)
        reference = read(spoil(level, region), region, UNCACHED)
        drawn = (
            (w, read(spoil(level, w), w, UNCACHED)) for w in windows.probes(region, world.sampler.stride)
        )
        return any((pixels != reference[:, *w.slices(region)]).any() for w, pixels in drawn)

    return run


@pytest.mark.parametrize("preset", ["independent", *SYNCED])
def test_noise_by_order_of_tiles_is_caught(fails: Callable[[str, Spoil], bool], preset: str) -> None:
    assert not fails(preset, lambda level, window: level)
    noise = by_order(3, seed=7)
    assert fails(preset, lambda level, window: exchanged(level, noise=noise))


@pytest.mark.parametrize("preset", ["independent", *SYNCED])
def test_a_lattice_that_begins_where_the_window_does_is_caught(
    fails: Callable[[str, Spoil], bool], preset: str
) -> None:
    def begin_at(level: Level, window: Window) -> Level:
        aligned = level.blocks(window)
        moved = tuple(
            replace(layer.shift(aligned.y0, aligned.x0), rows=None, columns=None)
            for layer in level.drawn.layers
        )
        return exchanged(level, layers=moved)

    assert fails(preset, begin_at)


@pytest.mark.parametrize("preset", SYNCED[:3])
def test_tiles_that_only_the_window_s_own_neighbours_inform_are_caught(
    fails: Callable[[str, Spoil], bool], preset: str
) -> None:
    def cut_off(level: Level, window: Window) -> Level:
        *below, last = level.drawn.layers
        need = last.need(level.blocks(window))
        kept = tuple(replace(layer, rows=need.rows, columns=need.columns) for layer in below)
        return exchanged(level, layers=(*kept, last))

    assert fails(preset, cut_off)


def test_noise_that_does_not_go_round_is_caught(tmp_path: Path) -> None:
    level = resolve(made(tmp_path, "ring", "multidiffusion", "analytic:gaussian"), 1)
    flat = PositionNoise(replace(level.recipe.noise(1, 3), period=None))
    spoilt = exchanged(level, noise=flat)
    west, east = (read(spoilt, Window(5, 21, x, x + 30), UNCACHED) for x in (-17, 79))
    assert (west != east).any()


LARGE = {
    "a cone longer than the turn": MultiDiffusion(steps=14, tile=32, stride=24),
    "spots all over": SpotDiffusion(steps=12, tile=32, stride=32),
    "a tile longer than the turn": MultiDiffusion(steps=3, tile=128, stride=96),
    "alone, and longer than the turn": IndependentTiles(steps=3, tile=128, stride=96),
    "no overlap": MultiDiffusion(steps=3, tile=32, stride=32),
}


@pytest.mark.parametrize(("place", "model"), [("patch", "analytic:gaussian"), ("ring", "analytic:latent")])
@pytest.mark.parametrize("name", LARGE)
def test_tiles_and_cones_may_be_larger_than_the_level(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, name: str, model: str
) -> None:
    world = MAKERS[place](
        tmp_path, sampler=LARGE[name], model=ModelReference(model), numerics=Numerics(micro_batch=1)
    )
    calls = count_calls(monkeypatch)
    asked = windows.probes(WHOLE[place], 24)[2::4]
    assert windows.differing(world, 1, WHOLE[place], asked) == []
    assert calls.calls == sum(cost(world, 1, w).evaluations for w in [WHOLE[place], *asked])
