"""Window law of worlds that conditions steer: a pixel does not know which window asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import preset_cases
import pytest
import windows
from drawings import caching
from steered_worlds import KINDS, LATENTS, MODELS, PIXELS, PLACES, REGIONS, TOGETHER, world

from geoinfinite.conditions import Condition, Place
from geoinfinite.engine import generate
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.told import Slot


def broken_at(recipe: Recipe, place: str) -> list[Window]:
    """Windows that are not the crop of the whole place: a pixel, a part within, a part at a corner."""
    region = REGIONS[place]
    asked = windows.probes(region, recipe.sampler.stride)
    return windows.differing(recipe, 0, region, [asked[5], *asked[-3:-1]])


CASES = [("ring", PIXELS), ("utm", LATENTS)]


@pytest.mark.parametrize(("place", "model"), CASES)
@pytest.mark.parametrize("preset", preset_cases.PLAIN_CASES)
def test_told_in_every_slot_and_guided(tmp_path: Path, place: str, preset: str, model: str) -> None:
    conditions = tuple(KINDS[kind](tmp_path, place) for kind in TOGETHER)
    sampler = preset_cases.PRESET_CASES[preset]
    assert broken_at(world(place, conditions, sampler, model=model, guidance=2.5), place) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", PLACES)
def test_each_kind_of_condition_on_grids_in_any_crs(tmp_path: Path, place: str, kind: str) -> None:
    steered = world(place, (KINDS[kind](tmp_path, place),), preset_cases.PRESET_CASES["multidiffusion"])
    assert broken_at(steered, place) == []
    bare = generate(steered.replace(conditions=()), 0, REGIONS[place], resources=caching(None))
    assert (generate(steered, 0, REGIONS[place], resources=caching(None)) != bare).any()


@pytest.mark.parametrize(("place", "model"), CASES)
@pytest.mark.parametrize("preset", preset_cases.PLAIN_CASES)
def test_known_pixels_by_every_preset(tmp_path: Path, place: str, preset: str, model: str) -> None:
    known, sampler = KINDS["known"](tmp_path, place), preset_cases.PRESET_CASES[preset]
    assert broken_at(world(place, (known,), sampler, model=model), place) == []


@pytest.mark.parametrize("model", MODELS)
def test_the_earth_is_round(tmp_path: Path, model: str) -> None:
    conditions = tuple(KINDS[kind](tmp_path, "ring") for kind in TOGETHER)
    steered = world("ring", conditions, preset_cases.PRESET_CASES["earlysync"], model=model)
    here = REGIONS["ring"]
    there = Window(here.y0, here.y1, here.x0 - 2 * 96, here.x1 - 2 * 96)
    one, other = (generate(steered, 0, w, resources=caching(None)) for w in (here, there))
    np.testing.assert_array_equal(one, other)


@dataclass(frozen=True, slots=True)
class Counted:
    """A condition that tells tiles apart by when they ask, as a cache that goes wrong would."""

    kind: ClassVar[str] = "counted"
    asked: ClassVar[list[int]] = []
    name: str = "hint"
    levels: tuple[int, ...] = ()
    guidance: float | None = None
    strength: float = 1.0

    def check(self, slot: Slot, grid: Grid, level: int) -> None:
        self.asked.clear()

    def told(self, place: Place, slot: Slot) -> np.ndarray:
        self.asked.append(1)
        return np.full((3, *place.window.shape), len(self.asked) / 50, np.float32)

    def described(self) -> dict[str, Any]:
        return {"kind": self.kind}

    def files(self) -> tuple[Path, ...]:
        return ()


@pytest.mark.parametrize("model", MODELS)
def test_a_condition_that_depends_on_who_asks_is_caught(model: str) -> None:
    counted: Condition = Counted()
    assert broken_at(world("utm", (counted,), model=model), "utm") != []
