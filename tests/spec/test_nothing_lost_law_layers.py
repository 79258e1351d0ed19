"""Nothing-lost law, for levels fused between layers: sheets of tiles survive what their job does not."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask
import pytest
import small_worlds
import store_jobs
from faulty_objects import FaultyObjects, Nth, PowerCut

from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.jobs.outcomes import Kept, Task
from geoinfinite.stores.jobs.tasks import attempt
from geoinfinite.stores.jobs.tile_counts import Ticks
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.planning import Plan
from geoinfinite.stores.verification import verify
from geoinfinite.stores.writing import resume_store, write_zarr

DRAW_SLOWLY = """
import sys
sys.path[:0] = {path!r}
import dask
from pathlib import Path
import small_worlds, store_jobs
from geoinfinite.stores.writing import write_zarr

world = store_jobs.layered(small_worlds.ring_world(Path({folder!r})), {case!r})
with dask.config.set(scheduler={scheduler!r}, num_workers=2):
    write_zarr(store_jobs.strip(world), store_jobs.Slow(0.01).at(Path({store!r})))
"""


Job = tuple[Plan, dict[str, bytes]]


@pytest.fixture(scope="module")
def strip(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A job and every file of its finished store."""
    folder = tmp_path_factory.mktemp("clean")
    plan = store_jobs.strip(store_jobs.layered(small_worlds.ring_world(folder)))
    with dask.config.set(scheduler="synchronous"):
        write_zarr(plan, folder / "clean.zarr")
    return plan, store_jobs.contents(folder / "clean.zarr")


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.mark.parametrize(
    ("scheduler", "case"), [("synchronous", "multidiffusion"), ("threads", "infinitediffusion cuts")]
)
def test_sigkill_again_and_again_then_resume(tmp_path: Path, ring: Recipe, scheduler: str, case: str) -> None:
    plan, store = store_jobs.strip(store_jobs.layered(ring, case)), tmp_path / "killed.zarr"
    write_zarr(plan, tmp_path / "clean.zarr")
    script = DRAW_SLOWLY.format(
        path=sys.path, folder=str(tmp_path), case=case, scheduler=scheduler, store=str(store)
    )
    moments, kills = random.Random(case), 0
    for _ in range(2):
        child = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "OMP_NUM_THREADS": "1"})
        before = state(store)
        deadline = time.monotonic() + 60
        while state(store) == before and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.7))
        child.send_signal(signal.SIGKILL)
        kills += child.wait() == -signal.SIGKILL
    assert kills
    assert not verify(store).ok
    saved = store_jobs.Saved()
    kept = set(sheets_on_disk(store))
    committed = len(store_jobs.records(store))
    report = resume_store(saved.watching(store))
    assert report.kept == committed
    assert report.drawn == plan.shards - committed
    assert not kept & set(saved.sheets)
    assert len(saved.sheets) == len(set(saved.sheets))
    assert store_jobs.contents(store) == store_jobs.contents(tmp_path / "clean.zarr")
    assert verify(store).ok


def state(store: Path) -> tuple[int, ...]:
    return len(store_jobs.records(store)), len(store_jobs.files_of_layers(store))


def sheets_on_disk(store: Path) -> list[tuple[int, ...]]:
    """Level, layer, row and column of whole sheets."""
    return [
        (int(f.parts[-3]), int(f.parts[-2]), *map(int, f.stem.split("-")))
        for f in store_jobs.files_of_layers(store)
        if f.suffix == ".npy"
    ]


@pytest.mark.parametrize("saves", [1, 60, 110])
def test_a_cut_between_sheets_costs_none_of_them(strip: Job, tmp_path: Path, saves: int) -> None:
    (plan, clean), path = strip, tmp_path / "a.zarr"
    with pytest.raises(PowerCut, match="dark"):
        write_zarr(plan, store_jobs.cut_after(saves, path))
    saved = store_jobs.Saved()
    report = write_zarr(plan, saved.watching(path))
    sheets = len(store_jobs.sheets(plan, 0)) + len(store_jobs.sheets(plan))
    assert saves + len(saved.sheets) == sheets
    assert report.tiles < plan.tiles
    assert store_jobs.contents(path) == clean


@pytest.mark.parametrize("kind", ["flipped", "torn", "empty", "foreign"])
def test_a_damaged_sheet_is_drawn_again(strip: Job, tmp_path: Path, kind: str) -> None:
    (plan, clean), path = strip, tmp_path / "a.zarr"
    with pytest.raises(PowerCut, match="dark"):
        write_zarr(plan, store_jobs.cut_after(80, path))
    files = store_jobs.files_of_layers(path)
    assert len(files) > 6
    for file, other in ((files[1], files[2]), (files[-1], files[-2])):
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(
            {
                "flipped": bytes(data),
                "torn": bytes(data[: len(data) // 2]),
                "empty": b"",
                "foreign": other.read_bytes(),
            }[kind]
        )
    write_zarr(plan, path)
    assert store_jobs.contents(path) == clean


def test_sheets_of_another_recipe_are_not_used(strip: Job, tmp_path: Path) -> None:
    plan, clean = strip
    other = store_jobs.strip(plan.recipe.replace(seed=12))
    for job, name in ((plan, "a"), (other, "b")):
        with pytest.raises(PowerCut, match="dark"):
            write_zarr(job, store_jobs.cut_after(80, tmp_path / name))
    for file in store_jobs.files_of_layers(tmp_path / "b"):
        file.replace(tmp_path / "a" / file.relative_to(tmp_path / "b"))
    write_zarr(plan, tmp_path / "a")
    assert store_jobs.contents(tmp_path / "a") == clean


@pytest.mark.parametrize("killed", [False, True])
def test_damaged_shards_are_drawn_again_from_sheets_dropped_long_ago(
    ring: Recipe, tmp_path: Path, killed: bool
) -> None:
    plan, path = store_jobs.crossing(store_jobs.layered(ring)), tmp_path / "a.zarr"
    write_zarr(plan, tmp_path / "clean.zarr")
    if not killed:
        write_zarr(plan, path)
    else:
        cut = len(store_jobs.sheets(plan, 0)) + len(store_jobs.sheets(plan)) * 9 // 10
        with pytest.raises(PowerCut, match="dark"):
            write_zarr(plan, store_jobs.cut_after(cut, path))
    # Neighbours: what was drawn again and dropped for the first must be there for the second.
    damaged = [r for r in store_jobs.records(path) if r.parts[-5:-3] == ("2", "c")][:2]
    assert len(damaged) == 2
    for record in damaged:
        record.write_bytes(bytes(32))
    saved = store_jobs.Saved()
    resume_store(saved.watching(path))
    assert len(saved.sheets) == len(set(saved.sheets))
    assert store_jobs.contents(path) == store_jobs.contents(tmp_path / "clean.zarr")


def test_a_cut_at_the_last_record_leaves_nothing_behind(ring: Recipe, tmp_path: Path) -> None:
    plan, path = store_jobs.strip(store_jobs.layered(ring)), tmp_path / "a.zarr"
    cut = Nth(plan.shards - 1, PowerCut("dark"), lambda name: name.startswith("ledger/") and "/c/" in name)
    with pytest.raises(PowerCut, match="dark"):
        write_zarr(plan, FaultyObjects(open_objects(path), after=cut))
    assert len(store_jobs.records(path)) == plan.shards
    assert store_jobs.files_of_layers(path)
    (path / "layers" / "2" / "0").mkdir(parents=True, exist_ok=True)
    (path / "layers" / "2" / "0" / f"0-0.npy.{'0f' * 16}.partial").write_bytes(b"torn")
    assert write_zarr(plan, path).drawn == 0
    assert not (path / "layers").exists()
    assert verify(path).ok


def test_a_sheet_drawn_twice_is_kept_once(ring: Recipe, tmp_path: Path) -> None:
    # A cluster runs a task again when a worker dies after it kept its sheet.
    plan, path, saved = store_jobs.strip(store_jobs.layered(ring)), tmp_path / "a.zarr", store_jobs.Saved()
    with pytest.raises(PowerCut, match="dark"):
        write_zarr(plan, store_jobs.cut_after(80, path))
    job = replace(store_jobs.begun(plan, path), objects=saved.watching(path))
    sheets = sheets_on_disk(path)
    assert sheets
    for level, *sheet in sheets:
        outcome = attempt(job, Task(level - 1, *sheet), Ticks())
        assert isinstance(outcome, Kept)
    assert saved.sheets == []
