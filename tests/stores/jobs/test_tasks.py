"""Tasks refuse to draw with other files than the job was begun with, wherever they run."""

from __future__ import annotations

import pickle
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask
import pytest
import small_worlds
import store_jobs
from faulty_objects import FaultyObjects

from geoinfinite.errors import StoreError, WorldError
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.jobs.job import OpenJobs
from geoinfinite.stores.jobs.outcomes import Drawn, Failed, Kept, Task
from geoinfinite.stores.jobs.tasks import attempt, find_committed
from geoinfinite.stores.jobs.tile_counts import Ticks
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.writing import write_zarr


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    with dask.config.set(scheduler="synchronous"):
        yield


def repaint(recipe: Recipe, change: int) -> None:
    """Write the root raster anew, with one pixel changed."""
    values = small_worlds.revealing(12, 24)
    values[1, 5, 17] += change
    small_worlds.write_root(Path(recipe.root.source), values, "EPSG:4326", (-180.0, 90.0), 15.0)


def test_a_job_travels_and_is_refused_where_other_files_are(ring: Recipe, tmp_path: Path) -> None:
    job = store_jobs.begun(store_jobs.crossing(ring), tmp_path / "a.zarr")
    travelling = pickle.dumps(job)
    assert len(travelling) < 8_000
    assert pickle.loads(travelling) == job
    repaint(ring, 1)
    with pytest.raises(WorldError, match=r"has other content here .* copy the files of that machine"):
        pickle.loads(travelling)
    # A process that opened the job before the change.
    outcome = attempt(job, Task(0, 0, 0, 0), Ticks())
    assert isinstance(outcome, Failed)
    assert "give every worker the same files" in outcome.reason
    assert store_jobs.records(tmp_path / "a.zarr") == []


def test_a_root_that_is_gone_is_named(ring: Recipe, tmp_path: Path) -> None:
    job = store_jobs.begun(store_jobs.crossing(ring), tmp_path / "a.zarr")
    Path(ring.root.source).unlink()
    outcome = attempt(job, Task(0, 0, 0, 0), Ticks())
    assert isinstance(outcome, Failed)
    assert re.search(r"cannot be drawn by this process: .*ring.tif", outcome.reason)


def test_a_root_replaced_during_a_job_and_put_back_leaves_no_wrong_pixel(
    ring: Recipe, tmp_path: Path
) -> None:
    plan, path = store_jobs.crossing(ring), tmp_path / "a.zarr"
    write_zarr(plan, tmp_path / "clean.zarr")

    def swap(operation: str, name: str) -> None:
        # The first thing that a task asks for is its record.
        if (operation, name) == ("get", "ledger/2/c/1/1/0"):
            repaint(ring, 1)
        if (operation, name) == ("get", "ledger/2/c/2/0/0"):
            repaint(ring, 0)

    with pytest.raises(StoreError, match=r"make it \w+: root.source or the weights of a model differ"):
        write_zarr(plan, FaultyObjects(open_objects(path), swap))
    assert 0 < len(store_jobs.records(path)) < plan.shards
    clean = store_jobs.contents(tmp_path / "clean.zarr")
    assert all(clean[name] == data for name, data in store_jobs.contents(path).items() if "/c/" in name)
    write_zarr(plan, path)
    assert store_jobs.contents(path) == clean


def test_a_process_opens_a_job_once(ring: Recipe, tmp_path: Path) -> None:
    job, jobs, asked = store_jobs.begun(store_jobs.crossing(ring), tmp_path / "a.zarr"), OpenJobs(), []
    job = replace(job, objects=FaultyObjects(job.objects, lambda operation, name: asked.append(name)))
    parent = Task(0, 0, 0, 0)
    for task in (parent, Task(0, 0, 0, 1), Task(1, 0, 0, 0), Task(1, 0, 0, 1)):
        assert isinstance(attempt(job, task, Ticks(), jobs), Drawn)
    assert len([name for name in asked if name == "parents/1/image/zarr.json"]) == 1
    # An equal job that arrives in another process's words is the same.
    again = replace(job, plan=pickle.loads(pickle.dumps(job.plan)))
    assert jobs.open(again) is jobs.open(job)
    assert isinstance(attempt(again, parent, Ticks(), jobs), Kept)
    assert find_committed(job, (parent, Task(1, 0, 2, 4)), jobs) == [True, False]


def test_a_process_keeps_few_jobs_open(ring: Recipe, tmp_path: Path) -> None:
    jobs = OpenJobs(most=2)
    plan = store_jobs.crossing(ring)
    first, *others = (store_jobs.begun(plan, tmp_path / f"{i}.zarr") for i in range(4))
    opened = jobs.open(first)
    assert jobs.open(first) is opened
    for job in others:
        jobs.open(job)
    assert jobs.open(first) is not opened
