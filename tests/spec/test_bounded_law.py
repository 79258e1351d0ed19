"""Bounded law, for stores: evaluations are the plan's number exactly; no level is computed twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import counting
import dask
import pytest
import store_jobs

from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores import shards
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
    plan = plan_window(patch, 3, Window(100, 180, 1500, 1610), shard=48)
    drawn: list[tuple[int, Window]] = []
    plain = shards.draw

    def draw(world: Recipe, level: int, window: Window, *rest: object, **more: object) -> object:
        drawn.append((level, window))
        return plain(world, level, window, *rest, **more)

    monkeypatch.setattr(shards, "draw", draw)
    with dask.config.set(scheduler="synchronous"):
        write_zarr(plan, tmp_path / "a.zarr")
    assert len(set(drawn)) == len(drawn) == plan.shards
    assert [level for level, _ in drawn] == sorted(level for level, _ in drawn)
    for stage in plan.stages:
        assert sum(w.size for level, w in drawn if level == stage.level) == stage.pixels
