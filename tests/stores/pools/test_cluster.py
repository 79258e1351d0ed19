"""Jobs on a cluster that misbehaves: each ends with a word, and what is drawn is kept."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import dask
import pytest
import store_jobs

import geoinfinite as gi
from geoinfinite.errors import BudgetError, RunWarning, StoreError
from geoinfinite.progress import Silent
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.identity import numerics_profile
from geoinfinite.stores.pools.cluster import check_memory
from geoinfinite.stores.pools.settings import RunSettings
from geoinfinite.stores.writing import resume_store, write_zarr

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")


@pytest.fixture(autouse=True)
def no_current_client() -> Iterator[None]:
    with dask.config.set(scheduler="synchronous"):
        yield


def cluster(**settings: Any) -> Any:
    return distributed.LocalCluster(threads_per_worker=1, dashboard_address=":0", **settings)


def client_of(cluster: Any) -> Any:
    return distributed.Client(cluster, set_as_default=False)


def keys_seen(dask_scheduler: Any) -> list[str]:
    """Every key that the scheduler was given; run there."""
    return [str(entry[0]) for entry in dask_scheduler.transition_log]


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with cluster(n_workers=1, processes=False) as running, client_of(running) as client:
        yield client


def test_a_dashboard_shows_level_and_shard(ring: Recipe, tmp_path: Path, client: Any) -> None:
    plan = store_jobs.crossing(ring)
    write_zarr(plan, tmp_path / "a.zarr", settings=RunSettings(client=client, priority=3))
    names = {key.rpartition("-")[0] for key in client.run_on_scheduler(keys_seen)}
    assert {"draw-level-1-shard-0-0", "draw-level-2-shard-1-4"} <= names
    assert sum(name.startswith("draw-") for name in names) == plan.shards
    again = RunSettings(client=client)
    assert write_zarr(plan, tmp_path / "a.zarr", settings=again).kept == plan.shards


def test_a_worker_that_hangs_is_named_with_its_task(ring: Recipe, tmp_path: Path) -> None:
    plan, path = store_jobs.crossing(ring), tmp_path / "a.zarr"
    with cluster(n_workers=1) as running, client_of(running) as client:
        [(address, pid)] = client.run(os.getpid).items()
        # What takes long here is not the first import.
        client.submit(numerics_profile, plan.recipe).result()

        def stop_and_go_on() -> None:
            wait_for(lambda: store_jobs.records(path))
            os.kill(pid, signal.SIGSTOP)
            time.sleep(4)
            os.kill(pid, signal.SIGCONT)

        thread = threading.Thread(target=stop_and_go_on)
        thread.start()
        said = rf"no task has ended for [1-9] s: waiting for draw-level-[12]-shard-\d-\d-?\S* on {address}"
        with pytest.warns(RunWarning, match=said):
            write_zarr(plan, store_jobs.Slow(0.05).at(path), settings=RunSettings(client=client, stall_s=1.5))
        thread.join()
    assert len(store_jobs.records(path)) == plan.shards


def test_the_limit_of_a_task_also_holds_for_the_questions_before_the_first(
    ring: Recipe, tmp_path: Path
) -> None:
    plan = store_jobs.crossing(ring)
    with cluster(n_workers=1) as running, client_of(running) as client:
        [pid] = client.run(os.getpid).values()
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(StoreError, match=r"cannot say what it computes with: took longer than task"):
                write_zarr(plan, tmp_path / "a.zarr", settings=RunSettings(client=client, task_limit_s=1.0))
        finally:
            os.kill(pid, signal.SIGCONT)


def test_workers_with_too_little_memory_are_refused_before_anything_is_written(
    ring: Recipe, tmp_path: Path
) -> None:
    plan, path = store_jobs.crossing(ring), tmp_path / "a.zarr"
    with (
        cluster(n_workers=1, processes=False, memory_limit=1_000_000) as running,
        client_of(running) as client,
        pytest.raises(BudgetError, match=r"drawing one shard takes up to .* and may take 1 MB; start"),
    ):
        write_zarr(plan, path, settings=RunSettings(client=client))
    assert not path.exists()


def test_workers_with_memory_for_some_of_their_threads_are_warned_of(ring: Recipe) -> None:
    plan = store_jobs.crossing(ring)
    need, held = plan.peak_memory_bytes, 200_000_000

    class Described:
        """A client of one worker that has room for two shards, and three threads."""

        def scheduler_info(self, n_workers: int) -> dict[str, Any]:
            worker = {
                "memory_limit": held + 2 * need + need // 2,
                "nthreads": 3,
                "metrics": {"memory": held},
            }
            return {"workers": {"tcp://10.0.0.7:4000": worker}}

    said = r"worker tcp://10.0.0.7:4000 holds 200 MB and may take .* for 3 threads; start workers with "
    with pytest.warns(RunWarning, match=rf"{said}threads_per_worker=2, or pass a smaller shard="):
        check_memory(Described(), plan)


def test_a_client_whose_scheduler_is_gone_is_refused(ring: Recipe, tmp_path: Path) -> None:
    plan, path = store_jobs.crossing(ring), tmp_path / "a.zarr"
    running = cluster(n_workers=1, processes=False)
    client = distributed.Client(running.scheduler_address, set_as_default=False)
    running.close()
    wait_for(lambda: client.status != "running")
    with pytest.raises(StoreError, match=r"the Dask scheduler .* cannot be reached .*; connect a client"):
        write_zarr(plan, path, settings=RunSettings(client=client))
    client.close()
    assert not path.exists()


def test_the_death_of_the_scheduler_ends_the_job_with_the_way_to_go_on(ring: Recipe, tmp_path: Path) -> None:
    plan, path = store_jobs.crossing(ring), tmp_path / "a.zarr"
    running = cluster(n_workers=1, processes=False)
    # A client looks for a lost scheduler for as long as this, by default 30 s.
    client = distributed.Client(running.scheduler_address, set_as_default=False, timeout=2)

    def close() -> None:
        wait_for(lambda: store_jobs.records(path))
        running.close()

    thread = threading.Thread(target=close)
    thread.start()
    said = r"cannot be reached.*; what is drawn is kept: geoinfinite resume .*a.zarr"
    with pytest.raises(StoreError, match=said):
        write_zarr(plan, store_jobs.Slow(0.05).at(path), settings=RunSettings(client=client))
    thread.join()
    client.close()
    assert 0 < len(store_jobs.records(path)) < plan.shards
    assert resume_store(path).shards == plan.shards


def test_workers_that_lack_a_resource_are_waited_for_aloud(ring: Recipe, tmp_path: Path, client: Any) -> None:
    settings = RunSettings(client=client, resources={"GPU": 1}, stall_s=0.5)
    said = r"no task has ended for \d s: no worker has numerics-profile, or the scheduler does not answer"
    with pytest.raises(RunWarning, match=said):
        write_zarr(store_jobs.crossing(ring), tmp_path / "a.zarr", settings=settings)


@pytest.mark.parametrize("where", ["threads", "processes", "cluster"])
def test_an_interrupted_job_ends_in_seconds_and_goes_on(
    ring: Recipe, tmp_path: Path, client: Any, where: str
) -> None:
    plan, path = store_jobs.crossing(ring), tmp_path / "a.zarr"

    class Interrupting(Silent):
        def advance(self, tiles: int, pixels: int) -> None:
            is_main = threading.current_thread() is threading.main_thread()
            if is_main and len(store_jobs.records(path)) > 2:
                raise KeyboardInterrupt

    settings = RunSettings(client=client if where == "cluster" else None)
    with (
        dask.config.set(scheduler="threads" if where == "cluster" else where, num_workers=2),
        pytest.raises(KeyboardInterrupt),
    ):
        write_zarr(plan, store_jobs.Slow(0.1).at(path), progress=Interrupting(), settings=settings)
    assert list(path.rglob("*.partial")) == []
    assert 2 < len(store_jobs.records(path)) < plan.shards
    assert resume_store(path).shards == plan.shards
    write_zarr(plan, tmp_path / "clean.zarr")
    assert store_jobs.contents(path) == store_jobs.contents(tmp_path / "clean.zarr")


def test_arrays_and_stores_take_a_client_and_what_it_is_told(
    ring: Recipe, tmp_path: Path, client: Any
) -> None:
    world = gi.World(**{field.name: getattr(ring, field.name) for field in fields(ring)})
    array = world.array(level=2).isel(x=slice(10, 90), y=slice(20, 70))
    for i in (1, 2):
        array.geoinfinite.to_zarr(tmp_path / "a.zarr", part=(i, 2), client=client, priority=2, progress=False)
    assert gi.verify(tmp_path / "a.zarr").ok
    assert gi.resume(tmp_path / "a.zarr", client=client, stall_s=60.0, progress=False).drawn == 0
    with pytest.raises(StoreError, match="retry=3 is not an option: remove it; those that say"):
        gi.resume(tmp_path / "a.zarr", retry=3, progress=False)  # type: ignore[call-arg]
