"""A dimension of seeds: every seed is the world of that seed, and nothing is drawn before it is asked for."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import small_worlds
import xarray as xr
from counting import count_calls

import geoinfinite as gi
from geoinfinite.arrays import origin_of
from geoinfinite.engine import cold_cost, resolve
from geoinfinite.errors import BudgetError, CostWarning, StoreError, WorldError
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile

SEEDS = 11, 3, 2**63 - 1
PART = Window(7, 40, 30, 51)


@pytest.fixture
def world(tmp_path: Path) -> gi.World:
    return gi.World.loads(worldfile.dump(small_worlds.patch_world(tmp_path)))


def wanted(world: gi.World, window: Window = PART) -> np.ndarray:
    return np.stack([gi.generate(world.replace(seed=seed), 1, window) for seed in SEEDS])


@pytest.mark.parametrize("chunks", [None, {}, {"y": 13, "seed": 2}])
def test_every_seed_is_the_world_of_that_seed(world: gi.World, chunks) -> None:
    lazy = world.array(1, seeds=SEEDS, window=PART, chunks=chunks)
    assert (lazy.dims, lazy.seed.values.tolist()) == (("seed", "band", "y", "x"), list(SEEDS))
    own = {"y": 13} if chunks else chunks
    for seed in SEEDS:
        one, other = lazy.sel(seed=seed), world.replace(seed=seed).array(1, window=PART, chunks=own)
        assert one.drop_vars("seed").identical(other)
        assert origin_of(one).recipe.token == origin_of(other).recipe.token
    np.testing.assert_array_equal(lazy.values, wanted(world), strict=True)


def test_selections_of_all_kinds(world: gi.World) -> None:
    lazy, values = world.array(1, seeds=SEEDS, window=PART), wanted(world)
    plain = xr.DataArray(values, lazy.coords, lazy.dims)
    picks: list[dict[str, object]] = [
        {"seed": [2, 0], "band": 1, "x": slice(3, 9)},
        {"seed": slice(None, None, -1), "y": [4, 4, 1]},
        {"seed": [False, True, False], "y": 5, "x": 7},
        {"seed": slice(0, 0)},
        {"y": xr.DataArray([1, 30, 8], dims="p"), "x": xr.DataArray([20, 0, 7], dims="p")},
        {"seed": xr.DataArray([2, 1, 2], dims="p"), "y": xr.DataArray([1, 30, 8], dims="p"), "x": 3},
    ]
    for array in (lazy, lazy.chunk(), lazy.transpose("y", "seed", "x", "band")):
        for pick in picks:
            xr.testing.assert_equal(array.isel(pick).load(), plain.transpose(*array.dims).isel(pick))
    points = lazy.isel(picks[4]).isel(seed=[1], p=[2, 0]).transpose("p", "band", "seed")
    xr.testing.assert_equal(
        points.load(), plain.isel(picks[4]).isel(seed=[1], p=[2, 0]).transpose(*points.dims)
    )
    named = lazy.sel(seed=3, x=lazy.x[4], y=lazy.y[2])
    np.testing.assert_array_equal(named.values, values[1, :, 2, 4])


def test_spread_over_seeds(world: gi.World) -> None:
    lazy = world.array(1, seeds=SEEDS, window=PART)
    chunked = lazy.chunk()
    assert chunked.chunks == ((1, 1, 1), (3,), (33,), (21,))
    np.testing.assert_allclose(lazy.std("seed").values, wanted(world).std(axis=0), rtol=1e-12)
    np.testing.assert_array_equal(chunked.std("seed").values, lazy.std("seed").values)
    assert float(lazy.std("seed").min()) >= 0 < float(lazy.std("seed").max())


def test_level_zero_of_a_raster_is_the_same_for_every_seed(world: gi.World) -> None:
    lazy = world.array(0, seeds=SEEDS)
    assert float(lazy.std("seed").max()) == 0
    np.testing.assert_array_equal(lazy.isel(seed=2).values, small_worlds.revealing(20, 28))


def test_it_is_lazy_pickles_and_is_named_by_its_pixels(world: gi.World, monkeypatch) -> None:
    calls = count_calls(monkeypatch)
    lazy = world.array(1, seeds=SEEDS, window=PART)
    chunked = lazy.chunk()
    assert "[6237 values with dtype=uint8]" in repr(lazy)
    names = {
        world.array(1, seeds=seeds, window=PART).chunk().data.name for seeds in (SEEDS, SEEDS[::-1], (3,))
    }
    assert len(names | {chunked.data.name}) == 3
    copies = [pickle.loads(pickle.dumps(array)) for array in (lazy, chunked)]
    assert calls.calls == 0
    for copy in copies:
        np.testing.assert_array_equal(copy.isel(seed=1).values, wanted(world)[1])


def test_aligned_by_seed(world: gi.World) -> None:
    lazy = world.array(1, seeds=SEEDS, window=PART)
    few = world.array(1, seeds=(3, 99), window=PART)
    difference = lazy.astype(int) - few.astype(int)
    assert difference.seed.values.tolist() == [3]
    assert int(abs(difference).max()) == 0


def test_the_budget_counts_every_seed(world: gi.World, monkeypatch) -> None:
    one = cold_cost(resolve(world, 1), PART).evaluations
    calls = count_calls(monkeypatch)
    allowed = gi.ReadBudget(evaluations=3 * one)
    lazy = world.array(1, seeds=range(4), window=PART, budget=allowed)
    said = rf"33 x 21 pixels of level 1 for 4 seeds take about {4 * one} .*fewer seeds, \.sel\(seed=\[S\]\)"
    for array in (lazy, lazy.chunk()):
        with pytest.raises(BudgetError, match=said):
            array.load()
    points = {axis: xr.DataArray(np.arange(20), dims="p") for axis in ("y", "x")}
    with pytest.raises(BudgetError, match="for 4 seeds"):
        lazy.isel(points).load()
    assert calls.calls == 0
    assert lazy.sel(seed=[1, 3, 2]).values.shape == (3, 3, 33, 21)
    warned = world.array(1, seeds=range(3), window=PART, budget=gi.ReadBudget(warn_evaluations=2 * one))
    with pytest.warns(CostWarning, match="for 3 seeds take about"):
        warned.load()


def test_what_is_made_of_one_world_says_so(world: gi.World, tmp_path: Path) -> None:
    lazy = world.array(1, seeds=SEEDS, window=PART)
    said = r"has a dimension of 3 seeds, .*made of one world\. Take one: da\.sel\(seed=11\)"
    for make in (gi.plan, lambda da: da.geoinfinite.to_zarr(tmp_path / "s.zarr")):
        with pytest.raises(StoreError, match=said):
            make(lazy)
    assert gi.plan(lazy.sel(seed=11)) == gi.plan(world.array(1, window=PART))


@pytest.mark.parametrize(
    ("seeds", "said"),
    [
        (16, r"seeds=16 is no sequence of integers; take seeds=range\(16\)"),
        ("12", r"seeds='12' is no sequence"),
        ((), r"seeds=\(\) is empty; take seeds=range\(16\)"),
        ((4, 5, 4), r"seeds=\(4, 5, 4\) repeats 4; every seed is one world"),
        ((1, -1), r"seed=-1 must be an integer from 0 to 2\*\*64 - 1"),
        ((1, 2.5), r"seed=2\.5 must be an integer"),
    ],
)
def test_seeds_that_are_none(world: gi.World, seeds, said: str) -> None:
    with pytest.raises(WorldError, match=said):
        world.array(1, seeds=seeds)


def test_seeds_of_a_world_file(world: gi.World, tmp_path: Path) -> None:
    world.save(tmp_path / "w.toml")
    opened = xr.open_dataset(tmp_path / "w.toml", engine="geoinfinite", level=1, seeds=SEEDS).image
    part = {"y": slice(7, 40), "x": slice(30, 51)}
    np.testing.assert_array_equal(opened.isel(part).values, wanted(world), strict=True)
    world.array(0).geoinfinite.to_zarr(tmp_path / "w.zarr", progress=False)
    with pytest.raises(
        StoreError, match=r"seeds=range\(0, 3\): .*w\.zarr holds pixels of one seed; open a world"
    ):
        xr.open_dataset(tmp_path / "w.zarr", engine="geoinfinite", seeds=range(3))
