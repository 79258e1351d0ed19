"""Plans: counts against a walk over every shard, sizes, refusals."""

from __future__ import annotations

import pickle
import tracemalloc
from pathlib import Path

import grounds
import numpy as np
import pytest
import store_jobs
from affine import Affine
from drawings import cold, cost, on_parent

from geoinfinite import World
from geoinfinite.conditions import Known, Text
from geoinfinite.errors import StoreError, WindowError
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.samplers import IndependentTiles
from geoinfinite.stores.planning import LARGEST_SHARD, TASK_BYTES, plan_window

WINDOWS = [Window(10, 171, -37, 280), Window(0, 192, 0, 384), Window(0, 192, -5, 379), Window(7, 8, 300, 301)]


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("shard", [None, 24, 48, 72, 480])
def test_counts_are_those_of_a_walk_over_every_shard(ring: Recipe, window: Window, shard: int | None) -> None:
    plan = plan_window(ring, 2, window, shard=shard)
    assert [s.level for s in plan.stages] == [1, 2]
    for stage in plan.stages:
        cells = [stage.shard_window(r, c) for r in range(stage.rows) for c in range(stage.columns)]
        assert stage.tiles == sum(cost(ring, stage.level, w).tiles for w in cells)
        assert stage.evaluations == sum(cost(ring, stage.level, w).evaluations for w in cells)
        canvas = np.zeros(stage.window.shape, int)
        for cell in cells:
            canvas[cell.slices(stage.window)] += 1
        assert (canvas == 1).all()


@pytest.mark.parametrize(("tile", "stride"), [(64, 56), (64, 20), (48, 48)])
def test_shards_whose_tiles_cost_differently_are_summed_as_by_a_walk(
    tmp_path: Path, tile: int, stride: int
) -> None:
    mask = np.ones((300, 280), bool)
    mask[90:150, 110:180] = False
    place = Affine(20, 0, 500_000 + 20 * 31, 0, -20, 5_200_000 - 20 * 22)
    known = grounds.write(tmp_path / "k.tif", grounds.noise((3, 300, 280)), "EPSG:32632", place, mask=mask)
    text = Text("prompt", "sea", source=grounds.regions(tmp_path), column="text")
    bounds = 500_000, 5_192_400, 507_000, 5_200_000
    world = World.for_model("analytic:conditional", crs="EPSG:32632", bounds=bounds, resolution=20.0)
    sampler = IndependentTiles(solver="euler", steps=10, tile=tile, stride=stride, consistency="none")
    for conditions in ([Known(known)], [text], [text, Known(known)]):
        steered = world.replace(sampler=sampler, conditions=conditions)
        for window in (Window(0, 380, 0, 350), Window(37, 311, 5, 349), Window(100, 101, 120, 340)):
            for strides in (2, 5):
                (stage,) = plan_window(steered, 0, window, shard=strides * stride).stages
                cells = [stage.shard_window(r, c) for r in range(stage.rows) for c in range(stage.columns)]
                assert stage.evaluations == sum(stage.source.cost(cell).evaluations for cell in cells)
        assert len({stage.source.cost(cell).evaluations for cell in cells}) > 1 or len(cells) == 1


def test_one_shard_costs_what_the_window_costs(patch: Recipe) -> None:
    window = Window(3, 150, 40, 401)
    plan = plan_window(patch, 3, window, shard=24 * 100)
    assert plan.shards == 3
    assert plan.redundancy == 1.0
    assert plan.evaluations == cold(patch, 3, window).evaluations


def test_a_window_once_round_is_kept_once_on_every_level(ring: Recipe) -> None:
    plan = plan_window(ring, 3, Window(0, 100, -300, 1236))
    assert [s.window.width for s in plan.stages] == [96, 384, 1536]
    assert [s.window.x0 for s in plan.stages] == [0, 0, -300]


def test_the_whole_earth_is_planned_in_closed_form() -> None:
    world = worldfile.load("analytic", Recipe)
    plan = plan_window(world, 7, world.grid.full(7))
    assert plan.stages[-1].pixels == 2700 * 5400 * 4**14
    assert plan.shards > 10**8
    assert 1 < plan.redundancy < 1.1
    assert "evaluations" in str(plan)
    assert len(pickle.dumps(plan)) < 5000


def test_shards_follow_from_the_window() -> None:
    world = worldfile.load("analytic", Recipe)
    sides = []
    for size in (10, 100, 1000, 4000, 10_000, 100_000):
        stage = plan_window(world, 4, Window(1000, 1000 + size, 7, 7 + size)).stages[-1]
        assert stage.shard % world.sampler.stride == 0
        assert stage.shard % stage.chunk == 0
        assert stage.shard <= LARGEST_SHARD
        sides.append((stage.shard, stage.shards))
    assert sides == sorted(sides)
    assert sides[0][1] == sides[1][1] == 1
    assert all(shards >= 4 for _, shards in sides[2:])


def test_memory_is_bounded_and_what_drawing_takes() -> None:
    world = worldfile.load("analytic", Recipe)
    assert plan_window(world, 7, world.grid.full(7)).peak_memory_bytes < 1.2 * TASK_BYTES
    plan = plan_window(world, 1, Window(2000, 2700, 9000, 9700), shard=480)
    shard = plan.stages[0].shard_window(0, 0)
    on_parent(world, 1, Window(2000, 2001, 9000, 9001), world.root.read)
    tracemalloc.start()
    on_parent(world, 1, shard, world.root.read)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.4 * plan.peak_memory_bytes < peak < plan.peak_memory_bytes


def test_an_estimate_is_evaluations_times_their_time(patch: Recipe) -> None:
    plan = store_jobs.corner(patch)
    assert plan.estimate(0.5) == 0.5 * plan.evaluations
    assert plan.estimate(0.5, devices=2) == 0.25 * plan.evaluations
    assert 0 < plan.measure() < 1


def test_the_root_alone_is_one_stage_without_evaluations(patch: Recipe) -> None:
    plan = plan_window(patch, 0, Window(1, 9, 2, 28))
    assert [s.level for s in plan.stages] == [0]
    assert (plan.evaluations, plan.redundancy, plan.bytes) == (0, 1.0, 8 * 26 * 3)


def test_prints_every_level_and_the_totals(ring: Recipe) -> None:
    plan = store_jobs.crossing(ring)
    lines = str(plan).splitlines()
    assert lines[0].startswith("world 'ring'")
    assert lines[2].split()[:4] == ["1", "48", "x", "90"]
    assert f"{plan.evaluations:,}" in lines[4]
    assert "redundancy" in lines[-1]
    assert "world &#x27;ring&#x27;" in plan._repr_html_()


def test_refuses_what_cannot_be_cut(ring: Recipe) -> None:
    with pytest.raises(StoreError, match=r"shard=100 must be a multiple of sampler.stride=24; take 96"):
        plan_window(ring, 2, Window(0, 10, 0, 10), shard=100)
    with pytest.raises(WindowError, match="has no pixels"):
        plan_window(ring, 2, Window(5, 5, 0, 10))
    with pytest.raises(WindowError, match="reaches outside the grid"):
        plan_window(ring, 2, Window(0, 193, 0, 10))
    with pytest.raises(WindowError, match="level=9 does not exist"):
        plan_window(ring, 9, Window(0, 1, 0, 1))
