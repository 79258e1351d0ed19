"""A world without any raster keeps the laws: level 0 is drawn like every other level, told nothing."""

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
from drawings import UNCACHED, cold, cost, exchanged

from geoinfinite import World
from geoinfinite.engine import generate, read, resolve
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import LevelSettings, Numerics
from geoinfinite.recipe.root import Root
from geoinfinite.samplers.presets import EarlySync, IndependentTiles
from geoinfinite.samplers.tiled import TiledSampler

PLANE = Grid("EPSG:32633", (412_300.0, 5_207_700.0), 300.0, (70, 101), factor=4, levels=3)
ROUND = Grid("EPSG:4326", (-180.0, 90.0), 3.75, (48, 96), factor=4, levels=2, periodic=True)
PLANETS = "analytic:planet", "analytic:latent-planet"


def planet(grid: Grid = PLANE, ref: str = "analytic:planet", sampler: TiledSampler | None = None) -> World:
    chosen = replace(sampler or preset_cases.PRESET_CASES["earlysync"], consistency="none")
    return World(
        grid=grid,
        root=Root("generated"),
        model=ModelReference("analytic:gaussian"),
        sampler=IndependentTiles(**preset_cases.SMALL),
        numerics=Numerics(micro_batch=2),
        name="planet",
        seed=3,
        levels=(LevelSettings(0, chosen, ModelReference(ref)),),
    )


@pytest.mark.parametrize("ref", PLANETS)
@pytest.mark.parametrize("preset", preset_cases.PLAIN_CASES)
@pytest.mark.parametrize("grid", [PLANE, ROUND])
def test_any_window_is_the_crop_of_a_larger_one(grid: Grid, preset: str, ref: str) -> None:
    world = planet(grid, ref, preset_cases.PRESET_CASES[preset])
    region = world.grid.full(0) if grid is PLANE else Window(0, 48, -37, 59)
    assert windows.differing(world, 0, region, windows.probes(region, 24)[::2]) == []
    assert (
        windows.differing(world, 1, Window(0, 60, 10, 70), [Window(3, 9, 20, 66), Window(0, 1, 10, 11)]) == []
    )


def test_levels_above_meet_level_zero() -> None:
    world = planet()
    zero = generate(world, 0, world.grid.full(0), resources=UNCACHED)
    assert zero.std((1, 2)).min() > 10
    one = generate(world, 1, Window(0, 80, 200, 404), resources=UNCACHED)
    means = one.reshape(3, 20, 4, 51, 4).mean((2, 4))
    assert (means == zero[:, :20, 50:]).all()


@pytest.mark.parametrize("ref", PLANETS)
@pytest.mark.parametrize("preset", preset_cases.PLAIN_CASES)
def test_evaluations_equal_the_prediction(monkeypatch: pytest.MonkeyPatch, preset: str, ref: str) -> None:
    calls = count_calls(monkeypatch)
    world = planet(ROUND, ref, preset_cases.PRESET_CASES[preset]).replace(numerics=Numerics(micro_batch=1))
    for window in (Window(3, 30, -20, 11), Window(0, 48, 0, 96)):
        calls.batches.clear()
        generate(world, 0, window, resources=UNCACHED)
        assert calls.calls == cost(world, 0, window).evaluations > 0
    calls.batches.clear()
    generate(world, 1, Window(100, 130, -9, 9), resources=UNCACHED)
    assert calls.calls == cold(world, 1, Window(100, 130, -9, 9)).evaluations


def test_level_zero_is_early_synced_unless_told_otherwise(tmp_path: Path) -> None:
    text = small_worlds.GENERATED + "[sampler]\ntile = 32\nstride = 24\nsteps = 4\n"
    (tmp_path / "nowhere.toml").write_text(text)
    world = World.load(tmp_path / "nowhere.toml")
    assert isinstance(world.sampler_at(0), EarlySync)
    assert world.sampler_at(1) == world.sampler == IndependentTiles(tile=32, stride=24, steps=4)
    assert world.bands == 3
    drawn = world.array(level=1).isel(y=slice(9, 40), x=slice(70, 100))
    assert (drawn.values == generate(world, 1, Window(9, 40, 70, 100), resources=UNCACHED)).all()
    world.save(tmp_path / "again.toml")
    again = World.load(tmp_path / "again.toml")
    assert (again, again.token) == (world, world.token)


@pytest.mark.parametrize("change", [lambda w: w.replace(seed=4), lambda w: w.replace(name="other")])
def test_seeds_and_names_make_other_planets(change: Callable[[World], World]) -> None:
    one, other = (
        generate(w, 0, Window(0, 40, 0, 40), resources=UNCACHED) for w in (planet(), change(planet()))
    )
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] < 0.6


def test_noise_that_knows_the_window_is_caught() -> None:
    level, region = exchanged(resolve(planet(), 0), noise=by_order(3, seed=1)), PLANE.full(0)
    whole, part = read(level, region, UNCACHED), windows.probes(region, 24)[0]
    assert (read(level, part, UNCACHED) != whole[:, *part.slices(region)]).any()
