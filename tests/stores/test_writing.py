"""Jobs: the same bytes whatever runs them, refusals that touch nothing, errors that lose nothing."""

from __future__ import annotations

import errno
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import small_worlds
import store_jobs
from faulty_objects import FaultyObjects, Nth
from zarr.storage import MemoryStore

from geoinfinite.engine import generate
from geoinfinite.errors import StoreError
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores import writing
from geoinfinite.stores.jobs import tasks
from geoinfinite.stores.jobs.graph import JobGraph
from geoinfinite.stores.jobs.outcomes import Failed, Task
from geoinfinite.stores.jobs.tile_counts import Ticks
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.planning import plan_window
from geoinfinite.stores.verification import verify
from geoinfinite.stores.writing import resume_store, write_zarr


class Told:
    """Progress that remembers what it heard."""

    def __init__(self) -> None:
        self.total: tuple[int, int] = (0, 0)
        self.heard: list[tuple[int, int]] = []
        self.kept: list[tuple[int, int]] = []
        self.finished = 0

    def start(self, total_tiles: int, total_pixels: int) -> None:
        self.total = total_tiles, total_pixels

    def advance(self, tiles: int, pixels: int) -> None:
        self.heard.append((tiles, pixels))

    def keep(self, tiles: int, pixels: int) -> None:
        self.kept.append((tiles, pixels))

    def finish(self) -> None:
        self.finished += 1


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_schedulers_write_the_same_bytes(ring: Recipe, tmp_path: Path, scheduler: str) -> None:
    plan = store_jobs.crossing(ring)
    write_zarr(plan, tmp_path / "one.zarr")
    with dask.config.set(scheduler=scheduler, num_workers=2):
        report = write_zarr(plan, tmp_path / "other.zarr")
    assert (report.drawn, report.tiles) == (plan.shards, plan.tiles)
    assert store_jobs.contents(tmp_path / "one.zarr") == store_jobs.contents(tmp_path / "other.zarr")


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_writes_the_same_bytes(ring: Recipe, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    plan, told = store_jobs.crossing(ring), Told()
    write_zarr(plan, tmp_path / "one.zarr")
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
    # Leaving the fixture's scheduler aside: the client sets itself.
    with dask.config.set(scheduler=None), cluster, distributed.Client(cluster):
        report = write_zarr(plan, tmp_path / "other.zarr", progress=told)
        again = write_zarr(plan, tmp_path / "other.zarr")
    assert (report.drawn, report.tiles) == (plan.shards, plan.tiles)
    assert (again.drawn, again.kept) == (0, plan.shards)
    assert len(told.heard) == plan.shards
    assert sum(t for t, _ in told.heard) == plan.tiles
    assert store_jobs.contents(tmp_path / "one.zarr") == store_jobs.contents(tmp_path / "other.zarr")


@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "processes"])
def test_progress_hears_of_every_tile_and_pixel_once(ring: Recipe, tmp_path: Path, scheduler: str) -> None:
    plan, told, again = store_jobs.crossing(ring), Told(), Told()
    with dask.config.set(scheduler=scheduler, num_workers=2):
        write_zarr(plan, tmp_path / "a.zarr", progress=told)
    write_zarr(plan, tmp_path / "a.zarr", progress=again)
    for progress in (told, again):
        assert progress.total == (plan.tiles, plan.pixels)
        assert tuple(map(sum, zip(*progress.heard, *progress.kept, strict=True))) == progress.total
        assert progress.finished == 1
    assert told.kept == again.heard == []
    # In this process every batch of tiles is told as it is drawn, elsewhere every shard.
    assert (len(told.heard) == plan.shards) == (scheduler == "processes")


def test_a_window_at_the_grid_edge_and_one_of_the_root(patch: Recipe, tmp_path: Path) -> None:
    plan = store_jobs.corner(patch)
    write_zarr(plan, tmp_path / "corner.zarr")
    assert (store_jobs.pixels(tmp_path / "corner.zarr", 2)[:] == generate(patch, 2, plan.window)).all()
    root = plan_window(patch, 0, Window(1, 9, 2, 28))
    assert write_zarr(root, tmp_path / "root.zarr").drawn == 1
    assert write_zarr(root, tmp_path / "root.zarr").kept == 1
    assert (store_jobs.pixels(tmp_path / "root.zarr", 0)[:] == patch.root.read(root.window)).all()


def test_a_parent_once_round_is_read_across_its_ends(ring: Recipe, tmp_path: Path) -> None:
    plan = plan_window(ring, 2, Window(30, 90, -200, 184), shard=72)
    assert plan.stages[0].window.width == 96
    write_zarr(plan, tmp_path / "round.zarr")
    assert (store_jobs.pixels(tmp_path / "round.zarr", 2)[:] == generate(ring, 2, plan.window)).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 12}, r"world.seed=11 there, 12 here"),
        ({"name": "moon"}, r"world.name='ring' there, 'moon' here"),
        ({"sampler": None}, r"sampler.steps=3 there, 4 here"),
    ],
)
def test_another_recipe_is_refused_by_the_key(ring: Recipe, tmp_path: Path, change: Any, said: str) -> None:
    write_zarr(store_jobs.crossing(ring), tmp_path / "a.zarr")
    before = store_jobs.contents(tmp_path / "a.zarr")
    if "sampler" in change:
        change = {"sampler": replace(ring.sampler, steps=4)}
    with pytest.raises(StoreError, match=rf"holds another job: .*{said}.*choose another path, or delete it"):
        write_zarr(store_jobs.crossing(ring.replace(**change)), tmp_path / "a.zarr")
    assert store_jobs.contents(tmp_path / "a.zarr") == before


def test_another_window_level_cut_or_root_is_refused(ring: Recipe, tmp_path: Path) -> None:
    write_zarr(store_jobs.crossing(ring), tmp_path / "a.zarr")
    w = Window(10, 171, -37, 280)
    with pytest.raises(StoreError, match=r"window=Window\(y0=10, .*x1=280\) there, Window\(.*x1=279\) here"):
        write_zarr(plan_window(ring, 2, Window(10, 171, -37, 279), shard=72), tmp_path / "a.zarr")
    with pytest.raises(StoreError, match=r"level=2 there, 3 here"):
        write_zarr(plan_window(ring, 3, w, shard=72), tmp_path / "a.zarr")
    with pytest.raises(StoreError, match=r"shard=72 there, 48 here"):
        write_zarr(plan_window(ring, 2, w, shard=48), tmp_path / "a.zarr")
    changed = small_worlds.revealing(12, 24)
    changed[0, 0, 0] += 1
    small_worlds.write_root(Path(ring.root.source), changed, "EPSG:4326", (-180.0, 90.0), 15.0)
    with pytest.raises(StoreError, match=r"the content of the root raster or of the weights"):
        write_zarr(store_jobs.crossing(ring), tmp_path / "a.zarr")
    with pytest.raises(StoreError, match=r"was begun from other content than its recipe finds now"):
        resume_store(tmp_path / "a.zarr")


def test_other_things_are_left_alone(ring: Recipe, tmp_path: Path) -> None:
    plan = store_jobs.crossing(ring)
    folder, file = tmp_path / "photos", tmp_path / "notes.txt"
    folder.mkdir()
    (folder / "holiday.jpg").write_bytes(b"sea")
    file.write_text("buy milk")
    for path in (folder, file):
        with pytest.raises(StoreError, match=r"is not a store of geoinfinite; name another path"):
            write_zarr(plan, path)
    assert store_jobs.contents(folder) == {"holiday.jpg": b"sea"}
    assert file.read_text() == "buy milk"
    with pytest.raises(StoreError, match=r"ftp:// is not known; take a path, s3://"):
        write_zarr(plan, "ftp://host/a.zarr")
    for touch in (partial(write_zarr, plan), resume_store, verify):
        with pytest.raises(StoreError, match=r"a MemoryStore is neither a path nor a URL; give the path"):
            touch(MemoryStore())
    with pytest.raises(StoreError, match=r"cannot be created: .*choose a path that can be written"):
        write_zarr(plan, file / "a.zarr")
    with pytest.raises(StoreError, match=r"none.zarr does not exist"):
        resume_store(tmp_path / "none.zarr")
    (tmp_path / "empty.zarr").mkdir()
    assert write_zarr(plan, tmp_path / "empty.zarr").drawn == plan.shards
    with pytest.raises(StoreError, match=r"exists and resume=False"):
        write_zarr(plan, tmp_path / "empty.zarr", resume=False)


def test_a_worker_with_other_numerics_is_refused(ring: Recipe, tmp_path: Path) -> None:
    job = store_jobs.begun(store_jobs.crossing(ring), tmp_path / "a.zarr", numerics={"machine": "abacus"})
    outcome = tasks.attempt(job, Task(0, 0, 0, 0), Ticks())
    assert isinstance(outcome, Failed)
    assert re.search(r"machine = abacus in the store, \S+ here", outcome.reason)
    assert store_jobs.records(tmp_path / "a.zarr") == []


def test_a_store_resumes_from_itself(ring: Recipe, tmp_path: Path) -> None:
    for shard in (None, 48):
        path = tmp_path / f"{shard}.zarr"
        write_zarr(store_jobs.crossing(ring, shard), path)
        before = store_jobs.contents(path)
        store_jobs.records(path)[-1].unlink()
        assert resume_store(path).drawn == 1
        assert store_jobs.contents(path) == before


def test_a_missing_root_is_named(ring: Recipe, tmp_path: Path) -> None:
    write_zarr(store_jobs.crossing(ring), tmp_path / "a.zarr")
    Path(ring.root.source).unlink()
    with pytest.raises(
        StoreError, match=r"cannot be continued here: .*ring.tif.* does not exist.*put the file back"
    ):
        resume_store(tmp_path / "a.zarr")


def test_changed_attributes_are_refused(ring: Recipe, tmp_path: Path) -> None:
    write_zarr(store_jobs.crossing(ring), tmp_path / "a.zarr")
    texts = {meta: meta.read_text() for meta in (tmp_path / "a.zarr").rglob("zarr.json")}
    for old, new, said in (
        ('"format": 3', '"format": 2', r"has the layout 2, this version knows 3; .* write a new store"),
        (ring.token, "0" * 32, r"attributes of the store are damaged"),
    ):
        for meta, text in texts.items():
            meta.write_text(text.replace(old, new))
        with pytest.raises(StoreError, match=said):
            resume_store(tmp_path / "a.zarr")


def test_one_bad_shard_does_not_stop_the_others(ring: Recipe, tmp_path: Path) -> None:
    plan = store_jobs.crossing(ring)
    bad = Nth(0, ValueError("no luck"), lambda name: name == "2/image/c/0/1/2")
    with pytest.raises(
        StoreError,
        match=rf"1 of {plan.shards} shards of .*a.zarr failed: level 2 shard \(1, 2\) "
        r"\(ValueError: no luck\); "
        r"the others are kept: geoinfinite resume .*a.zarr",
    ):
        write_zarr(plan, FaultyObjects(open_objects(tmp_path / "a.zarr"), bad))
    assert write_zarr(plan, tmp_path / "a.zarr").drawn == 1


def test_a_bad_parent_stops_only_what_is_drawn_on_it(ring: Recipe, tmp_path: Path) -> None:
    plan = store_jobs.crossing(ring)
    bad = Nth(0, ValueError("no luck"), lambda name: name == "parents/1/image/c/0/0/0")
    graph = JobGraph(plan)
    parent = graph.shard(0, 0, 0)
    below = [t for t in np.ndindex(plan.stages[1].rows, plan.stages[1].columns)
             if parent in graph.inputs(graph.shard(1, *t))]  # fmt: skip
    assert 0 < len(below) < plan.stages[1].shards
    said = rf"{1 + len(below)} of {plan.shards} shards of .*: level 1 shard \(0, 0\) \(ValueError: no luck\)"
    with pytest.raises(StoreError, match=said):
        write_zarr(plan, FaultyObjects(open_objects(tmp_path / "a.zarr"), bad))
    assert len(store_jobs.records(tmp_path / "a.zarr")) == plan.shards - 1 - len(below)
    assert write_zarr(plan, tmp_path / "a.zarr").drawn == 1 + len(below)


def test_a_full_disk_stops_the_job_at_once(ring: Recipe, tmp_path: Path) -> None:
    plan = store_jobs.crossing(ring)
    full = Nth(
        0, OSError(errno.ENOSPC, "No space left on device"), lambda name: name.startswith("parents/1/image/c")
    )
    with pytest.raises(
        StoreError, match=rf"{plan.shards} of {plan.shards} shards .*No space left on device\); stopped there"
    ):
        write_zarr(plan, FaultyObjects(open_objects(tmp_path / "a.zarr"), full))
    assert full.count == 1


def test_two_writers_are_kept_apart(ring: Recipe, tmp_path: Path) -> None:
    plan = store_jobs.crossing(ring)
    write_zarr(plan, tmp_path / "a.zarr")
    with (
        open_objects(tmp_path / "a.zarr").writing(),
        pytest.raises(StoreError, match=r"is being written by another process"),
    ):
        write_zarr(plan, tmp_path / "a.zarr")
    assert write_zarr(plan, tmp_path / "a.zarr").kept == plan.shards


def test_a_lost_parent_is_not_read_as_black(ring: Recipe, tmp_path: Path) -> None:
    plan, path = store_jobs.crossing(ring), tmp_path / "a.zarr"

    def lose(operation: str, name: str) -> None:
        if (operation, name) == ("put", "ledger/parents/1/c/0/0/0"):
            store_jobs.shard_file(path, 1, 0, 0).unlink()

    with pytest.raises(StoreError, match=r"lost level 1 shard \(0, 0\) while its children were drawn"):
        write_zarr(plan, FaultyObjects(open_objects(path), after=lose))
    write_zarr(plan, path)
    assert (store_jobs.pixels(path, 2)[:] == generate(ring, 2, plan.window)).all()


def test_quick_trusts_what_is_there(ring: Recipe, tmp_path: Path) -> None:
    plan, path = store_jobs.crossing(ring), tmp_path / "a.zarr"
    write_zarr(plan, path)
    shard = store_jobs.shard_file(path, 2, 1, 1)
    shard.write_bytes(shard.read_bytes()[:-9])
    assert write_zarr(plan, path, quick=True).drawn == 0
    assert write_zarr(plan, path).drawn == 1


def test_a_report_reads_like_a_sentence(ring: Recipe, tmp_path: Path) -> None:
    report = writing.write_zarr(store_jobs.crossing(ring), tmp_path / "a.zarr")
    assert str(report).endswith(
        f"a.zarr: {report.shards} shards, {report.shards} drawn and 0 kept; "
        f"{report.tiles} tiles, {3 * report.tiles} evaluations"
    )
