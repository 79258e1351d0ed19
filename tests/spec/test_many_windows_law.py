"""Many windows at once: each has the bits that it has alone, and the tiles that they share are drawn once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import preset_cases
import pytest
import small_worlds
from counting import count_calls
from drawings import caching
from steered_worlds import KINDS, LATENTS, PIXELS, TOGETHER
from steered_worlds import world as steered_world

import geoinfinite as gi
from geoinfinite.engine import cold_cost, cold_cost_of_many, resolve
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Numerics, Recipe
from geoinfinite.tiling import MemoryTileCache

MAKERS = {"patch": small_worlds.patch_world, "ring": small_worlds.ring_world}
ASKED = {
    "patch": [
        Window(261, 290, 385, 448),
        Window(3, 4, 440, 448),
        Window(280, 320, 380, 401),
        Window(261, 290, 385, 448),
        Window(7, 7, 3, 9),
        Window(300, 301, 400, 401),
    ],
    "ring": [
        Window(3, 40, -31, 32),
        Window(10, 21, 350, 390),
        Window(180, 192, 0, 3),
        Window(10, 21, 350 - 384, 390 - 384),
        Window(0, 5, 380, 384),
    ],
}
"""Of level 2: overlaps and duplicates, one that is empty, and the same pixels a turn of the Earth away."""


def alone(world: Recipe, level: int, windows: list[Window]) -> list[np.ndarray]:
    return [gi.generate(world, level, window, resources=caching(None)) for window in windows]


def assert_equal(pixels: list[np.ndarray], wanted: list[np.ndarray]) -> None:
    for one, other in zip(pixels, wanted, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


PIXELS_OF, LATENTS_OF = preset_cases.MODELS


@pytest.mark.parametrize("preset", preset_cases.PLAIN_CASES)
@pytest.mark.parametrize(("place", "model"), [("patch", LATENTS_OF), ("ring", PIXELS_OF)])
def test_each_window_has_the_bits_that_it_has_alone(
    tmp_path: Path, place: str, preset: str, model: str
) -> None:
    sampler = preset_cases.PRESET_CASES[preset]
    world = MAKERS[place](tmp_path, sampler=sampler, model=ModelReference(model))
    together = gi.generate_many(world, 2, ASKED[place], resources=caching(None))
    assert_equal(together, alone(world, 2, ASKED[place]))


@pytest.mark.parametrize("preset", preset_cases.PLAIN_CASES)
@pytest.mark.parametrize("place", MAKERS)
def test_every_tile_is_drawn_once(
    tmp_path: Path, place: str, preset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sampler, one_by_one = preset_cases.PRESET_CASES[preset], Numerics(micro_batch=1)
    world = MAKERS[place](tmp_path, sampler=sampler, numerics=one_by_one)
    level, calls = resolve(world, 2), count_calls(monkeypatch)
    gi.generate_many(world, 2, ASKED[place], resources=caching(None))
    separately = sum(cold_cost(level, window).evaluations for window in ASKED[place])
    assert calls.calls == cold_cost_of_many(level, ASKED[place]).evaluations < separately


def test_batches_are_filled_across_windows(patch: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    world = patch.replace(numerics=Numerics(micro_batch=4))
    calls = count_calls(monkeypatch)
    apart = [Window(y, y + 2, x, x + 2) for y in (9, 60) for x in (9, 35, 60, 90)]
    gi.generate_many(world, 1, apart, resources=caching(None))
    tiles = cold_cost_of_many(resolve(world, 1), apart).tiles
    assert len(apart) <= tiles <= calls.calls // world.sampler.steps * 4 < tiles + 4


STEERED = [Window(9, 30, 21, 40), Window(2, 3, 60, 61), Window(9, 20, 30, 52)]


@pytest.mark.parametrize("kinds", [TOGETHER, ("known", "text by region")], ids=["told", "known"])
@pytest.mark.parametrize(("place", "model"), [("ring", PIXELS), ("utm", LATENTS)])
@pytest.mark.parametrize("preset", ["independent", "earlysync"])
def test_steered_windows(
    tmp_path: Path, place: str, model: str, preset: str, kinds: tuple[str, ...], monkeypatch
) -> None:
    conditions = tuple(KINDS[kind](tmp_path, place) for kind in kinds)
    sampler, one_by_one = preset_cases.PRESET_CASES[preset], Numerics(micro_batch=1)
    world = steered_world(place, conditions, sampler, model=model, guidance=2.5, numerics=one_by_one)
    calls = count_calls(monkeypatch)
    together = gi.generate_many(world, 0, STEERED, resources=caching(None))
    assert calls.calls == cold_cost_of_many(resolve(world, 0), STEERED).evaluations
    assert_equal(together, alone(world, 0, STEERED))


def test_groups_share_what_the_cache_holds(ring: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    world, level = ring.replace(numerics=Numerics(micro_batch=1)), resolve(ring, 2)
    wanted, once = alone(world, 2, ASKED["ring"]), cold_cost_of_many(level, ASKED["ring"]).evaluations
    calls = count_calls(monkeypatch)
    for group_bytes in (1, 700_000):
        for cache, most in ((None, 10 * once), (MemoryTileCache(2**24), once)):
            calls.batches.clear()
            grouped = gi.generate_many(
                world, 2, ASKED["ring"], resources=caching(cache), group_bytes=group_bytes
            )
            assert_equal(grouped, wanted)
            assert once <= calls.calls <= most
