"""Every kind of harm is found, named, and repaired by drawing that shard alone."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import small_worlds
import store_jobs

from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.verification import verify
from geoinfinite.stores.writing import resume_store, write_zarr


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture
def store(ring: Recipe, tmp_path: Path) -> Path:
    write_zarr(store_jobs.crossing(ring), tmp_path / "a.zarr")
    return tmp_path / "a.zarr"


def flip(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


def test_a_finished_store_is_sound(store: Path) -> None:
    report = verify(store)
    assert report.ok
    assert (report.missing, report.damaged, report.foreign, report.note) == ((), (), (), "")
    assert str(report) == f"{store}: sound, {report.shards} shards checked"


@pytest.mark.parametrize("trial", range(6))
def test_any_flipped_bit_is_found_and_only_its_shard_redone(store: Path, trial: int) -> None:
    before = store_jobs.contents(store)
    shard = store_jobs.shard_file(store, 2, 2, 4)
    flip(shard, random.Random(trial).randrange(8 * shard.stat().st_size))
    report = verify(store)
    assert [(p.level, p.row, p.column) for p in report.problems] == [(2, 2, 4)]
    assert "level 2 shard (2, 4)" in str(report)
    assert str(shard) in str(report)
    assert f"geoinfinite resume {store}" in str(report)
    assert resume_store(store).drawn == 1
    assert store_jobs.contents(store) == before


@pytest.mark.parametrize("kept", [0, 1, 100, -1])
def test_a_truncated_shard_is_damaged(store: Path, kept: int) -> None:
    before = store_jobs.contents(store)
    shard = store_jobs.shard_file(store, 2, 0, 4)
    shard.write_bytes(shard.read_bytes()[:kept])
    assert [(p.row, p.column) for p in verify(store).damaged] == [(0, 4)]
    assert resume_store(store).drawn == 1
    assert store_jobs.contents(store) == before


def test_a_deleted_shard_or_record_is_missing(store: Path) -> None:
    before = store_jobs.contents(store)
    store_jobs.shard_file(store, 2, 1, 0).unlink()
    store_jobs.record_file(store, 1, 0, 1).unlink()
    report = verify(store)
    assert [(p.level, p.row, p.column) for p in report.missing] == [(1, 0, 1), (2, 1, 0)]
    assert not report.ok
    assert resume_store(store).drawn == 2
    assert store_jobs.contents(store) == before


@pytest.mark.parametrize("record", [b"", b"\0" * 32, b"\x07" * 32, b"\x07" * 31])
def test_a_stale_or_torn_record_proves_nothing(store: Path, record: bytes) -> None:
    before = store_jobs.contents(store)
    store_jobs.record_file(store, 2, 1, 1).write_bytes(record)
    report = verify(store)
    assert [(p.row, p.column) for p in report.foreign] == [(1, 1)]
    # Which of the two is not as it was written cannot be told: both are named.
    assert report.foreign[0].record == str(store_jobs.record_file(store, 2, 1, 1))
    assert f"commit record {store_jobs.record_file(store, 2, 1, 1)}: " in str(report)
    assert str(store_jobs.shard_file(store, 2, 1, 1)) in str(report)
    assert resume_store(store).drawn == 1
    assert store_jobs.contents(store) == before


def test_shards_of_another_job_are_foreign_even_with_their_records(
    store: Path, ring: Recipe, tmp_path: Path
) -> None:
    before = store_jobs.contents(store)
    other = tmp_path / "other.zarr"
    write_zarr(store_jobs.crossing(ring.replace(seed=12)), other)
    for name in (store_jobs.shard_file, store_jobs.record_file):
        shutil.copy(name(other, 2, 2, 4), name(store, 2, 2, 4))
    # Nor may a shard of the same job lie in another place.
    for name in (store_jobs.shard_file, store_jobs.record_file):
        shutil.copy(name(store, 2, 0, 0), name(store, 2, 0, 1))
    report = verify(store)
    assert [(p.row, p.column) for p in report.foreign] == [(0, 1), (2, 4)]
    assert resume_store(store).drawn == 2
    assert store_jobs.contents(store) == before


def test_shards_of_one_constant_are_there(tmp_path: Path) -> None:
    world = small_worlds.patch_world(tmp_path)
    black = np.zeros((3, 20, 28), np.uint8)
    small_worlds.write_root(Path(world.root.source), black, "EPSG:32633", (412_300.0, 5_207_700.0), 300.0)
    plan = store_jobs.corner(world)
    write_zarr(plan, tmp_path / "black.zarr")
    assert not store_jobs.pixels(tmp_path / "black.zarr", 2)[:].any()
    assert verify(tmp_path / "black.zarr").ok
    assert write_zarr(plan, tmp_path / "black.zarr").drawn == 0


def test_a_copied_store_is_as_sound(store: Path, tmp_path: Path) -> None:
    shutil.copytree(store, tmp_path / "elsewhere" / "copy.zarr")
    assert verify(tmp_path / "elsewhere" / "copy.zarr").ok
    assert resume_store(tmp_path / "elsewhere" / "copy.zarr").drawn == 0


def test_a_recipe_that_makes_other_pixels_is_said(store: Path, ring: Recipe) -> None:
    changed = small_worlds.revealing(12, 24)
    changed[0, 0, 0] += 1
    small_worlds.write_root(Path(ring.root.source), changed, "EPSG:4326", (-180.0, 90.0), 15.0)
    report = verify(store)
    assert not report.ok
    assert "the root raster or the weights changed" in str(report)
    assert str(report).endswith("are whole, but the recipe is not theirs")


def test_a_recipe_that_cannot_be_checked_here_is_a_note(store: Path, ring: Recipe) -> None:
    Path(ring.root.source).unlink()
    report = verify(store)
    assert report.ok
    assert "the recipe was not checked" in report.note


def test_a_recipe_that_was_edited_is_said(store: Path) -> None:
    meta = store / "zarr.json"
    text = meta.read_text()
    for old, new in (("seed = 11", "seed = 12"), ("steps = 3", "stups = 3"), ("[root]", "[roof]")):
        assert old in text
        meta.write_text(text.replace(old, new))
        report = verify(store)
        assert not report.ok
        assert "geoinfinite" not in report.note
