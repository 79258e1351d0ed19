"""Bounded law, for stores: evaluations are the plan's number exactly; no level is computed twice."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import counting
import dask
import numpy as np
import pytest
import store_jobs

from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.planning import plan_window
from geoinfinite.stores.writing import write_zarr


@pytest.mark.parametrize("shard", [None, 48, 72])
@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_a_store_costs_the_evaluations_of_its_plan(
    ring: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shard: int | None, scheduler: str
) -> None:
    # One tile per call, so that no padding is counted: the plan does not count it either.
    world = ring.replace(numerics=replace(ring.numerics, micro_batch=1))
    plan = store_jobs.crossing(world, shard)
    calls = counting.count_calls(monkeypatch)
    with dask.config.set(scheduler=scheduler):
        report = write_zarr(plan, tmp_path / "a.zarr")
    assert sum(calls.batches) == plan.evaluations == report.evaluations
    assert set(calls.batches) == {1}


def test_with_padding_whole_batches_are_called(
    ring: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = store_jobs.crossing(ring)
    calls = counting.count_calls(monkeypatch)
    with dask.config.set(scheduler="synchronous"):
        report = write_zarr(plan, tmp_path / "a.zarr")
    assert report.evaluations == plan.evaluations
    assert set(calls.batches) == {2}
    assert plan.evaluations <= sum(calls.batches) < plan.evaluations + 3 * 2 * plan.shards


def test_every_pixel_of_every_level_is_drawn_once(
    patch: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = patch.replace(numerics=replace(patch.numerics, micro_batch=1))
    plan = plan_window(alone, 3, Window(100, 180, 1500, 1610), shard=48)
    calls = counting.count_calls(monkeypatch)
    with dask.config.set(scheduler="synchronous"):
        write_zarr(plan, tmp_path / "a.zarr")
    assert calls.batches == [1] * plan.evaluations
    for stage in plan.stages:
        places = itertools.product(range(stage.rows), range(stage.columns))
        drawn = np.zeros(stage.window.shape, int)
        for place in places:
            drawn[stage.shard_window(*place).slices(stage.window)] += 1
        assert (drawn == 1).all()
