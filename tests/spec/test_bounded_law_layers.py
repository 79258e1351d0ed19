"""Bounded law, for levels fused between layers: every tile of every layer is drawn once in a job."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import counting
import dask
import numpy as np
import pytest
import small_worlds
import store_jobs
from faulty_objects import FaultyObjects

from geoinfinite.engine import generate
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.recipe.root import Root
from geoinfinite.samplers.presets import MultiDiffusion
from geoinfinite.samplers.tiled import TiledSampler
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.planning import plan_window
from geoinfinite.stores.writing import write_zarr

STEPS, TILE, STRIDE, SHARD = 20, 16, 12, 24
SHAPE = 47, 45
"""Of the root: level 1 has 188 x 180 px, 8 x 8 shards whose last ones are smaller."""


@pytest.fixture
def world(ring: Recipe, tmp_path: Path) -> Recipe:
    source = small_worlds.write_root(
        tmp_path / "wide.tif", small_worlds.revealing(*SHAPE), "EPSG:32633", (412_300.0, 5_207_700.0), 300.0
    )
    grid = Grid("EPSG:32633", (412_300.0, 5_207_700.0), 300.0, SHAPE, factor=4, levels=2)
    sampler = MultiDiffusion(steps=STEPS, tile=TILE, stride=STRIDE)
    return store_jobs.layered(ring).replace(grid=grid, root=Root(str(source)), sampler=sampler)


def tiles_along(size: int) -> int:
    """Tiles of the lattice at pixel 0 that have a pixel of an axis."""
    return sum(1 for k in range(-99, 99) if k * STRIDE < size and k * STRIDE + TILE > 0)


@pytest.mark.slow
def test_every_tile_of_every_step_once_over_8_x_8_shards(
    world: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counting.count_calls(monkeypatch)
    whole = world.grid.full(1)
    plan = plan_window(world, 1, whole, shard=SHARD)
    assert (plan.stages[0].rows, plan.stages[0].columns) == (8, 8)
    with dask.config.set(scheduler="threads", num_workers=2):
        report = write_zarr(plan, tmp_path / "a.zarr")
    tiles = tiles_along(whole.height) * tiles_along(whole.width)
    assert calls.batches == [1] * (STEPS * tiles)
    assert STEPS * tiles == plan.evaluations == report.evaluations == plan.tiles == report.tiles
    monkeypatch.undo()
    part = Window(60, 85, 101, 140)
    y, x = part.slices(whole)
    assert (store_jobs.pixels(tmp_path / "a.zarr", 1)[:, y, x] == generate(world, 1, part)).all()


@pytest.mark.parametrize("shard", [36, 100])
@pytest.mark.parametrize("case", ["spotdiffusion", "earlysync", "infinitediffusion cuts", "charted"])
def test_every_preset_costs_the_evaluations_of_its_plan(
    ring: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str, shard: int
) -> None:
    plan = store_jobs.strip(store_jobs.layered(ring, case), shard)
    calls = counting.count_calls(monkeypatch)
    with dask.config.set(scheduler="synchronous"):
        report = write_zarr(plan, tmp_path / "a.zarr")
    assert sum(calls.batches) == plan.evaluations == report.evaluations
    assert plan.evaluations == store_jobs.strip(plan.recipe, 4096).evaluations


def test_where_a_window_lies_does_not_change_what_it_costs(ring: Recipe) -> None:
    world = store_jobs.layered(ring)
    costs = {
        plan_window(world, 3, Window(240, 336, x0, x0 + 96), shard=48).stages[-1].evaluations
        for x0 in (-768, -48, 0, 24, 720, 1536 - 48)
    }
    assert len(costs) == 1


def test_a_solver_of_two_evaluations_is_counted_as_such(
    ring: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = store_jobs.layered(ring, "infinitediffusion")
    sampler: TiledSampler = replace(world.sampler, solver="heun")
    plan = store_jobs.strip(world.replace(sampler=sampler))
    calls = counting.count_calls(monkeypatch)
    with dask.config.set(scheduler="synchronous"):
        report = write_zarr(plan, tmp_path / "a.zarr")
    # Two phases of two steps; the very last step takes one evaluation: 4 and 3 of a tile.
    assert sum(calls.batches) == plan.evaluations == report.evaluations
    assert 3 * plan.tiles < plan.evaluations < 4 * plan.tiles


def test_a_resumed_job_reads_every_shard_once_and_drawn_ones_twice(ring: Recipe, tmp_path: Path) -> None:
    plan, path = store_jobs.strip(store_jobs.layered(ring)), tmp_path / "a.zarr"
    looked = Counter[str]()

    def look(operation: str, name: str) -> None:
        if operation == "get" and re.fullmatch(r"(parents/)?\d/image/c/0/\d+/\d+", name):
            looked[name] += 1

    with dask.config.set(scheduler="synchronous"):
        write_zarr(plan, path)
        for lost in store_jobs.records(path)[5::6]:
            lost.unlink()
        write_zarr(plan, FaultyObjects(open_objects(path), look))
    checked = {name: count for name, count in looked.items() if name.startswith("2/")}
    # Of a level that nothing is drawn on: once to check it, or once to check what was written.
    assert set(checked.values()) == {1}
    assert len(looked) == plan.shards


def test_sheets_on_disk_are_bounded_by_a_row_of_shards(world: Recipe, tmp_path: Path) -> None:
    """Bytes under ``layers`` at their most, for 2, 4 and 8 rows of shards."""
    sampler = MultiDiffusion(steps=3, tile=TILE, stride=STRIDE)
    most = {}
    for rows in (2, 4, 8):
        path, peaks = tmp_path / f"{rows}.zarr", [0]

        def weigh(operation: str, name: str, path: Path = path, peaks: list[int] = peaks) -> None:
            if operation == "put" and store_jobs.is_sheet(name):
                peaks.append(sum(f.stat().st_size for f in store_jobs.files_of_layers(path)))

        plan = plan_window(world.replace(sampler=sampler), 1, Window(0, 24 * rows - 4, 0, 96), shard=SHARD)
        # One task at a time: what is handed out ahead counts too.
        with dask.config.set(scheduler="synchronous"):
            write_zarr(plan, FaultyObjects(open_objects(path), after=weigh))
        most[rows] = max(peaks)
    assert np.ptp(list(most.values())) <= 0.35 * most[8]
    assert most[8] <= 1.05 * most[4]
