"""Nothing-lost law where objects live elsewhere: in a bucket of a server that speaks S3, and in memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import dask
import pytest
import store_jobs
from faulty_objects import FaultyObjects, Nth, PowerCut
from s3_server import S3Server

from geoinfinite.errors import StoreError
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.objects import Objects, open_objects
from geoinfinite.stores.planning import plan_window
from geoinfinite.stores.verification import verify
from geoinfinite.stores.writing import resume_store, write_zarr

WRITE_SLOWLY = """
import sys, time
sys.path[:0] = {path!r}
import dask
from pathlib import Path
import small_worlds, store_jobs
from faulty_objects import FaultyObjects
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.planning import plan_window
from geoinfinite.stores.writing import write_zarr

def slowly(operation, name):
    if "/c/" in name and operation == "put":
        time.sleep(0.1)

world = small_worlds.ring_world(Path({folder!r}))
objects = FaultyObjects(open_objects({url!r}, {options!r}), before=slowly)
with dask.config.set(scheduler={scheduler!r}, num_workers=2):
    write_zarr(store_jobs.crossing(world), objects)
"""


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture(params=["memory", "s3"])
def place(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """A URL where there is nothing, and its storage options."""
    if request.param == "memory":
        return f"memory://{uuid.uuid4()}", {}
    server: S3Server = request.getfixturevalue("s3")
    return f"{server.bucket(f'b{uuid.uuid4()}')}/some/a.zarr", server.options


def stored(objects: Objects) -> dict[str, bytes]:
    return {name: objects.get(name) or b"" for name in sorted(objects.names())}


def committed(objects: Objects) -> int:
    return sum("/c/" in name for name in objects.names("ledger/"))


@pytest.mark.parametrize(("scheduler", "done"), [("synchronous", 10), ("threads", 3)])
def test_sigkill_then_resume(tmp_path: Path, ring: Recipe, s3: S3Server, scheduler: str, done: int) -> None:
    plan, url = store_jobs.crossing(ring), f"{s3.bucket(f'b{uuid.uuid4()}')}/killed.zarr"
    write_zarr(plan, tmp_path / "clean.zarr")
    script = WRITE_SLOWLY.format(
        path=sys.path, folder=str(tmp_path), url=url, options=s3.options, scheduler=scheduler
    )
    child = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "OMP_NUM_THREADS": "1"})
    objects, give_up = open_objects(url, s3.options), time.monotonic() + 120
    while committed(objects) < done and child.poll() is None and time.monotonic() < give_up:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    before = committed(objects)
    assert done <= before < plan.shards
    assert not verify(url, storage_options=s3.options)
    report = resume_store(url, storage_options=s3.options)
    assert (report.kept, report.drawn) == (before, plan.shards - before)
    assert stored(objects) == store_jobs.contents(tmp_path / "clean.zarr")
    assert verify(url, storage_options=s3.options)
    assert resume_store(url, storage_options=s3.options).drawn == 0


def test_a_cut_at_every_write_then_resume(patch: Recipe, tmp_path: Path) -> None:
    plan = store_jobs.corner(patch)
    write_zarr(plan, tmp_path / "clean.zarr")
    clean = store_jobs.contents(tmp_path / "clean.zarr")
    for n in range(len(clean)):
        objects = open_objects(f"memory://{uuid.uuid4()}")
        with pytest.raises(PowerCut, match="dark"):
            write_zarr(plan, FaultyObjects(objects, Nth(n, PowerCut("dark"))))
        before = committed(objects)
        report = write_zarr(plan, objects)
        assert report.kept == before
        assert stored(objects) == clean


def test_damage_is_named_and_mended(ring: Recipe, place: tuple[str, dict[str, Any]]) -> None:
    url, options = place
    objects = open_objects(url, options)
    write_zarr(store_jobs.crossing(ring), url, storage_options=options)
    before = stored(objects)
    for name in ("zarr.json", "2/x/c/0", "2/image/c/0/2/4", "ledger/2/c/0/1/0", "ledger/zarr.json"):
        if name == "ledger/zarr.json":
            # Of the two that hold the header one must be sound.
            objects.put("zarr.json", before["zarr.json"])
        data = bytearray(before[name])
        data[len(data) // 2] ^= 8
        objects.put(name, bytes(data))
        report = verify(url, storage_options=options)
        assert not report
        assert str(report).endswith(f"repair: geoinfinite resume {url}")
    objects.delete("parents/1/image/c/0/0/1")
    assert resume_store(url, storage_options=options).drawn == 3
    assert stored(objects) == before
    objects.put("2/notes.txt", b"mine")
    assert [p.file for p in verify(url, storage_options=options).strays] == [f"{url}/2/notes.txt"]


def test_another_job_is_refused(ring: Recipe, place: tuple[str, dict[str, Any]]) -> None:
    url, options = place
    write_zarr(store_jobs.crossing(ring), url, storage_options=options)
    before = stored(open_objects(url, options))
    with pytest.raises(StoreError, match=rf"{url} holds another job: world.seed=11 there, 12 here"):
        write_zarr(store_jobs.crossing(ring.replace(seed=12)), url, storage_options=options)
    assert stored(open_objects(url, options)) == before


def test_a_store_that_is_not_there_is_said(place: tuple[str, dict[str, Any]]) -> None:
    url, options = place
    for touch in (verify, resume_store):
        with pytest.raises(StoreError, match=rf"{url} does not exist; name a store that geoinfinite wrote"):
            touch(url, storage_options=options)


def test_layers_are_kept_there_and_gone_in_the_end(
    ring: Recipe, tmp_path: Path, place: tuple[str, dict[str, Any]]
) -> None:
    url, options = place
    plan = plan_window(store_jobs.layered(ring), 1, Window(7, 40, -17, 30), shard=36)
    write_zarr(plan, tmp_path / "clean.zarr")
    objects = open_objects(url, options)
    cut = Nth(5, PowerCut("dark"), lambda name: name.startswith("layers/"))
    with pytest.raises(PowerCut, match="dark"):
        write_zarr(plan, FaultyObjects(objects, cut))
    assert list(objects.names("layers/"))
    report = resume_store(url, storage_options=options)
    assert report.tiles < plan.tiles
    assert stored(objects) == store_jobs.contents(tmp_path / "clean.zarr")
