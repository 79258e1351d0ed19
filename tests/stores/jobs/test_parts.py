"""Parts of a job: several at once on one store make the store of the whole job."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import dask
import pytest
import store_jobs
from faulty_objects import FaultyObjects, PowerCut

from geoinfinite.errors import StoreError
from geoinfinite.progress import Silent
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.jobs.graph import JobGraph
from geoinfinite.stores.jobs.parts import Part, Share
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.verification import verify
from geoinfinite.stores.writing import resume_store, write_zarr

DRAW = """
import sys
sys.path[:0] = {path!r}
import dask, pickle
import store_jobs
from geoinfinite.stores.writing import write_zarr

with open({recipe!r}, "rb") as stream:
    world = pickle.load(stream)
sys.stdin.readline()
with dask.config.set(scheduler="threads", num_workers=2):
    print(write_zarr(store_jobs.crossing(world), {store!r}, part=({part}, 3)).drawn)
"""


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    with dask.config.set(scheduler="synchronous"):
        yield


def test_parts_in_any_order_make_the_whole(ring: Recipe, tmp_path: Path) -> None:
    plan, path = store_jobs.crossing(ring), tmp_path / "a.zarr"
    write_zarr(plan, tmp_path / "clean.zarr")
    drawn = {}
    for i in (3, 1, 2):
        drawn[i] = write_zarr(plan, path, part=(i, 3)).drawn
    assert sum(drawn.values()) == plan.shards
    assert store_jobs.contents(path) == store_jobs.contents(tmp_path / "clean.zarr")
    assert all(resume_store(path, part=(i, 3)).drawn == 0 for i in (1, 2, 3))


def test_three_processes_at_once_make_the_whole(ring: Recipe, tmp_path: Path) -> None:
    plan, path = store_jobs.crossing(ring), tmp_path / "a.zarr"
    write_zarr(plan, tmp_path / "clean.zarr")
    recipe = tmp_path / "recipe.pickle"
    recipe.write_bytes(pickle.dumps(ring))
    children = [
        subprocess.Popen(
            [sys.executable, "-c", DRAW.format(path=sys.path, recipe=str(recipe), store=str(path), part=i)],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for i in (1, 2, 3)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    drawn = [int(child.communicate(timeout=120)[0]) for child in children]
    assert [child.returncode for child in children] == [0, 0, 0]
    assert sum(drawn) >= plan.shards
    assert store_jobs.contents(path) == store_jobs.contents(tmp_path / "clean.zarr")


def test_a_part_draws_its_share_and_what_that_is_drawn_on(ring: Recipe, tmp_path: Path) -> None:
    plan, path = store_jobs.crossing(ring), tmp_path / "a.zarr"
    report = write_zarr(plan, path, part=(1, 5))
    graph = JobGraph(plan)
    own = set(Share(graph, Part(1, 5)).shards)
    needed = own | {below for shard in own for below in graph.inputs(shard)}
    there = {graph.shard(stage.level - 1, *map(int, r.parts[-3:-1])) for stage in plan.stages
             for r in store_jobs.records(path) if r.parts[-5] == str(stage.level)}  # fmt: skip
    assert there == needed
    assert report.drawn == len(needed)
    assert 0 < len(own) < plan.shards / 3


def test_a_whole_job_waits_for_no_part_and_a_part_for_no_whole_job(ring: Recipe, tmp_path: Path) -> None:
    plan, path = store_jobs.crossing(ring), tmp_path / "a.zarr"
    write_zarr(plan, path, part=(1, 2))
    for shared, part in ((True, (1, 1)), (False, (2, 2))):
        with (
            open_objects(path).writing(shared=shared),
            pytest.raises(StoreError, match=r"is being written by another process; wait for it, or end it"),
        ):
            write_zarr(plan, path, part=part)
    with open_objects(path).writing(shared=True):
        write_zarr(plan, path, part=(2, 2))
    assert verify(path).ok


def test_what_another_part_has_drawn_meanwhile_is_kept(ring: Recipe, tmp_path: Path) -> None:
    plan, path, others = store_jobs.crossing(ring), tmp_path / "a.zarr", []

    def go(operation: str, name: str) -> None:
        # The other part runs from its beginning to its end while this one writes its first object.
        if operation == "put" and "/c/" in name and not others:
            others.append(write_zarr(plan, path, part=(2, 2)).drawn)

    report = write_zarr(plan, FaultyObjects(open_objects(path), go), part=(1, 2))
    assert report.kept > 0
    assert others[0] + report.drawn <= plan.shards + 1
    assert verify(path).ok


def test_a_cut_part_goes_on(ring: Recipe, tmp_path: Path) -> None:
    plan, path = store_jobs.crossing(ring), tmp_path / "a.zarr"

    def cut(operation: str, name: str) -> None:
        if operation == "put" and name == "ledger/2/c/0/1/0":
            raise PowerCut("dark")

    with pytest.raises(PowerCut, match="dark"):
        write_zarr(plan, FaultyObjects(open_objects(path), cut), part=(1, 2))
    for part in ((1, 2), (2, 2)):
        write_zarr(plan, path, part=part)
    assert verify(path).ok


def test_progress_of_a_part_counts_its_share(ring: Recipe, tmp_path: Path) -> None:
    plan, totals = store_jobs.crossing(ring), []

    class Totals(Silent):
        def start(self, total_tiles: int, total_pixels: int) -> None:
            totals.append((total_tiles, total_pixels))

    for i in range(1, 5):
        write_zarr(plan, tmp_path / "a.zarr", part=(i, 4), progress=Totals())
    assert sum(t for t, _ in totals) == pytest.approx(plan.tiles, rel=0.05)
    assert sum(p for _, p in totals) == pytest.approx(plan.pixels, rel=0.01)


@pytest.mark.parametrize("part", [(0, 3), (4, 3), (-1, 1), (1, 0)])
def test_parts_that_are_not_are_refused(ring: Recipe, tmp_path: Path, part: tuple[int, int]) -> None:
    with pytest.raises(StoreError, match=rf"part=\({part[0]}, {part[1]}\) must be \(i, n\) with 1 <= i <= n"):
        write_zarr(store_jobs.crossing(ring), tmp_path / "a.zarr", part=part)
    assert not (tmp_path / "a.zarr").exists()


def test_more_parts_than_shards_leave_some_with_nothing_to_do(ring: Recipe, tmp_path: Path) -> None:
    plan, path = store_jobs.corner(ring), tmp_path / "a.zarr"
    reports = [write_zarr(plan, path, part=(i, 9)) for i in range(1, 10)]
    assert verify(path).ok
    assert any(report.drawn == 0 for report in reports)
