"""Nothing-lost law: kill anything at any moment; resume gives byte-identical stores and repeats little."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import dask
import pytest
import store_jobs
from faulty_objects import FaultyObjects, Nth, PowerCut

from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.jobs.outcomes import Kept, Task
from geoinfinite.stores.jobs.tasks import attempt
from geoinfinite.stores.jobs.tile_counts import Ticks
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.verification import verify
from geoinfinite.stores.writing import resume_store, write_zarr

DRAW_SLOWLY = """
import sys
sys.path[:0] = {path!r}
import dask
from pathlib import Path
import small_worlds, store_jobs
from geoinfinite.stores.writing import write_zarr

world = small_worlds.ring_world(Path({folder!r}))
with dask.config.set(scheduler={scheduler!r}, num_workers=2):
    write_zarr(store_jobs.crossing(world), store_jobs.Slow(0.05).at(Path({store!r})))
"""


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.mark.parametrize(("scheduler", "done"), [("synchronous", 10), ("threads", 3)])
def test_sigkill_then_resume(tmp_path: Path, ring: Recipe, scheduler: str, done: int) -> None:
    plan, store = store_jobs.crossing(ring), tmp_path / "killed.zarr"
    write_zarr(plan, tmp_path / "clean.zarr")
    script = DRAW_SLOWLY.format(path=sys.path, folder=str(tmp_path), scheduler=scheduler, store=str(store))
    child = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 60
    while len(store_jobs.records(store)) < done and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    committed = len(store_jobs.records(store))
    assert done <= committed < plan.shards
    assert not verify(store).ok
    report = resume_store(store)
    assert report.kept == committed
    # Whatever was drawn but not committed was in flight: at most one shard of each worker.
    assert report.drawn == plan.shards - committed
    assert store_jobs.contents(store) == store_jobs.contents(tmp_path / "clean.zarr")
    assert verify(store).ok
    again = resume_store(store)
    assert (again.drawn, again.tiles) == (0, 0)


def test_a_cut_at_every_write_then_resume(patch: Recipe, tmp_path: Path) -> None:
    plan = store_jobs.corner(patch)
    write_zarr(plan, tmp_path / "clean.zarr")
    clean = store_jobs.contents(tmp_path / "clean.zarr")
    for n in range(len(clean)):
        for moment in ("before", "within"):
            store = tmp_path / f"{n}-{moment}.zarr"
            power = Nth(n, PowerCut("dark"))

            def tear(operation: str, name: str, power: Nth = power, store: Path = store) -> None:
                try:
                    power(operation, name)
                except PowerCut:
                    (store / name).parent.mkdir(parents=True, exist_ok=True)
                    (store / f"{name}.{'0f' * 16}.partial").write_bytes(b"half")
                    raise

            faulty = FaultyObjects(open_objects(store), tear if moment == "within" else power)
            with pytest.raises(PowerCut, match="dark"):
                write_zarr(plan, faulty)
            committed = len(store_jobs.records(store))
            report = resume_store(store) if (store / "zarr.json").exists() else write_zarr(plan, store)
            assert report.kept == committed
            assert store_jobs.contents(store) == clean
            assert list(store.rglob("*.partial")) == []


def test_a_shard_drawn_twice_is_kept_once(patch: Recipe, tmp_path: Path) -> None:
    # A cluster runs a task again when a worker dies after it committed.
    plan, store = store_jobs.corner(patch), tmp_path / "a.zarr"
    write_zarr(plan, store)
    job = store_jobs.begun(plan, store)
    before = store_jobs.contents(store)
    outcome = attempt(job, Task(1, 0, 0, 0), Ticks())
    assert isinstance(outcome, Kept)
    assert store_jobs.contents(store) == before
