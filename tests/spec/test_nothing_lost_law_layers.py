"""Nothing-lost law, for levels fused between layers: sheets of tiles survive what their job does not."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import dask
import pytest
import small_worlds
import store_jobs

from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores import ledger, shards
from geoinfinite.stores.layout import read_header
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.planning import Plan
from geoinfinite.stores.sheet_files import SheetFiles
from geoinfinite.stores.verification import verify
from geoinfinite.stores.writing import resume_store, write_zarr

DRAW_SLOWLY = """
import sys, time
sys.path[:0] = {path!r}
import dask
from pathlib import Path
import small_worlds, store_jobs
from geoinfinite.stores import shards
from geoinfinite.stores.writing import write_zarr
from geoinfinite.stores.objects import open_objects

plain = shards.commit
def slow(*args, **kwargs):
    time.sleep(0.01)
    return plain(*args, **kwargs)
shards.commit = slow
world = store_jobs.layered(small_worlds.ring_world(Path({folder!r})), {case!r})
with dask.config.set(scheduler={scheduler!r}, num_workers=2):
    write_zarr(store_jobs.strip(world), {store!r})
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
def test_sigkill_again_and_again_then_resume(
    tmp_path: Path, ring: Recipe, monkeypatch: pytest.MonkeyPatch, scheduler: str, case: str
) -> None:
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
    saves = drawn_sheets(monkeypatch)
    kept = set(sheets_on_disk(store))
    committed = len(store_jobs.records(store))
    report = resume_store(store)
    assert report.kept == committed
    assert report.drawn == plan.shards - committed
    assert not kept & set(saves)
    assert len(saves) == len(set(saves))
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


def drawn_sheets(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Record every sheet that is drawn from now on."""
    saves, plain = list[tuple[int, ...]](), SheetFiles.save

    def save(scratch: SheetFiles, place: Any, tiles: Any) -> None:
        saves.append((scratch.level, *place))
        plain(scratch, place, tiles)

    monkeypatch.setattr(SheetFiles, "save", save)
    return saves


@pytest.mark.parametrize("saves", [1, 60, 110])
def test_a_cut_between_sheets_costs_none_of_them(
    strip: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, saves: int
) -> None:
    (plan, clean), path = strip, tmp_path / "a.zarr"
    with monkeypatch.context() as broken:
        broken.setattr(SheetFiles, "save", store_jobs.cut_after(saves))
        with pytest.raises(store_jobs.PowerCut, match="dark"):
            write_zarr(plan, path)
    drawn = drawn_sheets(monkeypatch)
    report = write_zarr(plan, path)
    sheets = len(store_jobs.sheets(plan, 0)) + len(store_jobs.sheets(plan))
    assert saves + len(drawn) == sheets
    assert report.tiles < plan.tiles
    assert store_jobs.contents(path) == clean


@pytest.mark.parametrize("kind", ["flipped", "torn", "empty", "foreign"])
def test_a_damaged_sheet_is_drawn_again(
    strip: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    (plan, clean), path = strip, tmp_path / "a.zarr"
    with monkeypatch.context() as broken:
        broken.setattr(SheetFiles, "save", store_jobs.cut_after(80))
        with pytest.raises(store_jobs.PowerCut, match="dark"):
            write_zarr(plan, path)
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


def test_sheets_of_another_recipe_are_not_used(
    strip: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, clean = strip
    other = store_jobs.strip(plan.world.replace(seed=12))
    for job, name in ((plan, "a"), (other, "b")):
        with monkeypatch.context() as broken:
            broken.setattr(SheetFiles, "save", store_jobs.cut_after(80))
            with pytest.raises(store_jobs.PowerCut, match="dark"):
                write_zarr(job, tmp_path / name)
    for file in store_jobs.files_of_layers(tmp_path / "b"):
        file.replace(tmp_path / "a" / file.relative_to(tmp_path / "b"))
    write_zarr(plan, tmp_path / "a")
    assert store_jobs.contents(tmp_path / "a") == clean


@pytest.mark.parametrize("killed", [False, True])
def test_damaged_shards_are_drawn_again_from_sheets_dropped_long_ago(
    ring: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    plan, path = store_jobs.crossing(store_jobs.layered(ring)), tmp_path / "a.zarr"
    write_zarr(plan, tmp_path / "clean.zarr")
    if not killed:
        write_zarr(plan, path)
    else:
        cut = len(store_jobs.sheets(plan, 0)) + len(store_jobs.sheets(plan)) * 9 // 10
        with monkeypatch.context() as broken:
            broken.setattr(SheetFiles, "save", store_jobs.cut_after(cut))
            broken.setattr("geoinfinite.stores.running.BATCH", 1)
            with pytest.raises(store_jobs.PowerCut, match="dark"):
                write_zarr(plan, path)
    # Neighbours: what was drawn again and dropped for the first must be there for the second.
    damaged = [r for r in store_jobs.records(path) if r.parts[-5:-3] == ("2", "c")][:2]
    assert len(damaged) == 2
    for record in damaged:
        record.write_bytes(bytes(32))
    drawn = drawn_sheets(monkeypatch)
    resume_store(path)
    assert len(drawn) == len(set(drawn))
    assert store_jobs.contents(path) == store_jobs.contents(tmp_path / "clean.zarr")


def test_a_cut_just_before_the_end_leaves_nothing_behind(
    ring: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, path = store_jobs.strip(store_jobs.layered(ring)), tmp_path / "a.zarr"

    def cut(scratch: SheetFiles) -> None:
        raise store_jobs.PowerCut("dark")

    with monkeypatch.context() as broken:
        broken.setattr(SheetFiles, "clear", cut)
        for _ in plan.stages:
            with pytest.raises(store_jobs.PowerCut, match="dark"):
                write_zarr(plan, path)
    (path / "layers" / "2" / "0").mkdir(parents=True, exist_ok=True)
    (path / "layers" / "2" / "0" / "0-0.npy.0123.partial").write_bytes(b"torn")
    write_zarr(plan, path)
    assert not (path / "layers").exists()
    assert verify(path).ok


def test_a_sheet_drawn_twice_is_kept_once(
    ring: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A cluster runs a task again when a worker dies after it kept its sheet.
    plan, path = store_jobs.strip(store_jobs.layered(ring)), tmp_path / "a.zarr"
    with monkeypatch.context() as broken:
        broken.setattr(SheetFiles, "save", store_jobs.cut_after(80))
        with pytest.raises(store_jobs.PowerCut, match="dark"):
            write_zarr(plan, path)
    header = read_header(open_objects(path))
    job = shards.Job(plan, open_objects(path), header.job, header.numerics)
    drawn = drawn_sheets(monkeypatch)
    for level, *place in sheets_on_disk(path):
        outcome = shards.commit_sheet(job, level - 1, tuple(place), shards.Ticks(None))
        assert (outcome.kept, outcome.drawn, outcome.evaluations) == (True, 0, 0)
    assert drawn == []
    assert ledger.sweep(path) == 0
