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
from counting import count_calls

from geoinfinite.diffusion.noise import NoiseField
from geoinfinite.engine import drawing
from geoinfinite.engine import generate as cascade
from geoinfinite.engine.cost import level_cost
from geoinfinite.engine.drawing import Field
from geoinfinite.engine.generate import generate
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Numerics, Recipe
from geoinfinite.samplers.presets import IndependentTiles, MultiDiffusion, SpotDiffusion
from geoinfinite.tiling import Layer, Need, TileCache, cone

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
    assert windows.differing(world, 1, WHOLE[place], asked, TileCache(2**17)) == []


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
    reference = generate(world, 1, whole, cache=None)
    cache = TileCache(2**24) if model == "analytic:gaussian" else None
    pieces = windows.assembled(whole, 37, lambda piece: generate(world, 1, piece, cache=cache))
    assert (pieces == reference).all()


@pytest.mark.parametrize("model", preset_cases.MODELS)
@pytest.mark.parametrize("preset", preset_cases.PRESET_CASES)
def test_the_earth_is_round(tmp_path: Path, preset: str, model: str) -> None:
    world = made(tmp_path, "ring", preset, model)
    here = generate(world, 1, Window(5, 21, -17, 30), cache=None)
    there = generate(world, 1, Window(5, 21, -17 - 3 * 96, 30 - 3 * 96), cache=None)
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
        drawn.append(generate(batched, 1, region, cache=None).astype(int))
    assert np.abs(drawn[0] - drawn[1]).max() <= 1


SYNCED = ("multidiffusion", "infinitediffusion", "earlysync", "spotdiffusion")


@pytest.fixture
def fails(tmp_path: Path) -> Callable[[str], bool]:
    """Say whether the check above fails for a preset."""

    def run(preset: str) -> bool:
        world, region = made(tmp_path, "patch", preset, "analytic:gaussian"), Window(16, 80, 20, 112)
        return windows.differing(world, 1, region, windows.probes(region, world.sampler.stride)) != []

    return run


@pytest.mark.parametrize("preset", ["independent", *SYNCED])
def test_noise_by_order_of_tiles_is_caught(
    fails: Callable[[str], bool], monkeypatch: pytest.MonkeyPatch, preset: str
) -> None:
    assert not fails(preset)
    rng = np.random.default_rng(7)
    monkeypatch.setattr(
        drawing,
        "noise_under",
        lambda windows, field, draw: rng.standard_normal(
            (len(windows), field.channels, *windows[0].shape), np.float32
        ),
    )
    assert fails(preset)


@pytest.mark.parametrize("preset", ["independent", *SYNCED])
def test_a_lattice_that_begins_where_the_window_does_is_caught(
    fails: Callable[[str], bool], monkeypatch: pytest.MonkeyPatch, preset: str
) -> None:
    layers = cascade.level_layers
    begun = cascade.whole_blocks

    def remembering(world: Recipe, level: int, window: Window) -> Window:
        aligned = begun(world, level, window)
        monkeypatch.setattr(
            cascade,
            "level_layers",
            lambda world, level: tuple(
                replace(layer.shift(aligned.y0, aligned.x0), rows=None, columns=None)
                for layer in layers(world, level)
            ),
        )
        return aligned

    monkeypatch.setattr(cascade, "whole_blocks", remembering)
    assert fails(preset)


@pytest.mark.parametrize("preset", SYNCED[:3])
def test_a_cone_that_is_cut_off_at_the_window_is_caught(
    fails: Callable[[str], bool], monkeypatch: pytest.MonkeyPatch, preset: str
) -> None:
    def short(layers: tuple[Layer, ...], window: Window) -> tuple[Need, ...]:
        return tuple(layer.need(window.expand(8)) for layer in layers[:-1]) + cone(layers[-1:], window)

    def cut(self: Field, window: Window) -> np.ndarray:
        inside = window.intersect(self.window)
        sides = (
            (inside.y0 - window.y0, window.y1 - inside.y1),
            (inside.x0 - window.x0, window.x1 - inside.x1),
        )
        return np.pad(self.values[:, *inside.slices(self.window)], ((0, 0), *sides), mode="edge")

    monkeypatch.setattr(drawing, "cone", short)
    monkeypatch.setattr(Field, "cut", cut)
    assert fails(preset)


def test_noise_that_does_not_go_round_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = made(tmp_path, "ring", "multidiffusion", "analytic:gaussian")
    plain = Recipe.noise

    def flat(self: Recipe, level: int, channels: int, latent: int = 1) -> NoiseField:
        return replace(plain(self, level, channels, latent), period=None)

    monkeypatch.setattr(Recipe, "noise", flat)
    west, east = (generate(world, 1, Window(5, 21, x, x + 30), cache=None) for x in (-17, 79))
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
    assert calls.calls == sum(level_cost(world, 1, w).evaluations for w in [WHOLE[place], *asked])
