"""Every byte of a store is covered: damaged, it is named by verify and mended by resume."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import dask
import pytest
import small_worlds
import store_jobs

from geoinfinite.errors import StoreError
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores import layout
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.planning import plan_window
from geoinfinite.stores.presets import DEFAULT
from geoinfinite.stores.verification import verify
from geoinfinite.stores.writing import resume_store, write_zarr


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture
def store(ring: Recipe, tmp_path: Path) -> Path:
    """The smallest store of two levels: one shard each."""
    write_zarr(plan_window(ring, 2, Window(13, 44, -20, 17), shard=48), tmp_path / "a.zarr")
    return tmp_path / "a.zarr"


def positions(path: Path) -> list[int]:
    """Where to damage a file: its ends, and more places the longer it is."""
    size, places = path.stat().st_size, random.Random(path.name)
    return sorted({0, size // 2, size - 1, *(places.randrange(size) for _ in range(size // 4000))})


def test_every_file_damaged_anywhere_is_named_and_mended(store: Path) -> None:
    before = store_jobs.contents(store)
    names = sorted(before)
    assert len(names) > 30
    for name in names:
        file = store / name
        for at in positions(file):
            data = bytearray(before[name])
            data[at] ^= 1 << at % 8
            file.write_bytes(data)
            report = verify(store)
            assert not report
            assert f"{name}" in str(report) or "level" in str(report)
            assert "NOT sound" in str(report)
            named = [p.file.removeprefix(f"{store}/") for p in report.problems]
            shard = name.replace("ledger/", "").split("/c/")
            assert named == [name] or (
                name.startswith("ledger") and named == [f"{shard[0]}/image/c/0/{shard[1][:-2]}"]
            )
            resume_store(store)
            assert store_jobs.contents(store) == before, (name, at)
    assert verify(store)


def test_every_file_that_is_gone_or_cut_is_named_and_mended(store: Path) -> None:
    before = store_jobs.contents(store)
    for name in sorted(before):
        for length in (None, 0, len(before[name]) // 2):
            (store / name).unlink() if length is None else (store / name).write_bytes(before[name][:length])
            report = verify(store)
            assert not report
            assert len(report.problems) == 1
            resume_store(store)
            assert store_jobs.contents(store) == before, name


def test_damage_of_all_metadata_but_one_header_is_mended(store: Path) -> None:
    before = store_jobs.contents(store)
    for kept in (DEFAULT.root, layout.copy_name(DEFAULT)):
        for name in before:
            if name.endswith("zarr.json") and name != kept:
                (store / name).write_text("{}")
        (store / "2" / "x" / "c" / "0").unlink()
        report = verify(store)
        assert len(report.metadata) == sum(name.endswith("zarr.json") for name in before)
        assert resume_store(store).drawn == 0
        assert store_jobs.contents(store) == before


def test_without_a_header_nothing_is_known(store: Path) -> None:
    for name in (DEFAULT.root, layout.copy_name(DEFAULT)):
        data = (store / name).read_bytes()
        (store / name).write_bytes(data.replace(b'"level": 2', b'"level": 3'))
    with pytest.raises(StoreError, match=r"attributes of the store are damaged .*; delete it"):
        verify(store)


def test_nothing_that_is_not_ours_is_removed_and_all_of_it_is_named(store: Path) -> None:
    before = store_jobs.contents(store)
    ours = [
        "2/image/c/0/1/0",
        "2/image/c/0/00/0",
        "ledger/2/c/0/7/0",
        "7/image/c/0/0/0",
        "parents/2/image/c/0/0/0",
        "1/image/c/0/0/0",
        "layers/9/0/0-0.npy",
    ]
    theirs = ["notes.txt", "2/more/zarr.json", "2/image/c/0/0/0.bak", "2/x/c/1"]
    for name in (*ours, *theirs):
        (store / name).parent.mkdir(parents=True, exist_ok=True)
        (store / name).write_bytes(b"stray")
    report = verify(store)
    assert not report
    assert {p.file.removeprefix(f"{store}/") for p in report.strays} == {*ours, *theirs}
    assert f"{store}/notes.txt: no part of the store; delete it" in str(report)
    assert "NOT sound, 11 objects that are no part of it" in str(report)
    resume_store(store)
    assert store_jobs.contents(store) == {**before, **dict.fromkeys(theirs, b"stray")}
    for name in theirs:
        (store / name).unlink()
    assert verify(store)


def test_a_link_in_a_store_is_refused_by_name_and_not_followed(store: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    (precious / "2" / "photos").mkdir(parents=True)
    (precious / "2" / "photos" / "a.txt").write_text("mine")
    (precious / "2" / "0").mkdir()
    (precious / "2" / "0" / "0-0.npy").write_text("mine too")
    (store / "layers").symlink_to("../precious")
    for touch in (resume_store, verify):
        with pytest.raises(StoreError, match=r"a.zarr/layers is a link, and a store consists of files"):
            touch(store)
    assert len(store_jobs.contents(precious)) == 2
    (store / "layers").unlink()
    assert verify(store)


def test_another_version_of_the_encoders_mends_all_or_nothing(store: Path) -> None:
    # What another version of Zarr would have written: the same values in other bytes.
    root = json.loads((store / "zarr.json").read_text())
    (store / "2" / "band" / "zarr.json").write_text("{}")
    root["attributes"]["geoinfinite"]["files"]["2/band/zarr.json"] = "0" * 64
    (store / "zarr.json").write_text(json.dumps(root, indent=2))
    assert len(verify(store).metadata) == 2
    resume_store(store)
    assert verify(store)


def test_the_report_is_true_or_false(store: Path) -> None:
    assert verify(store)
    (store / "2" / "x" / "c" / "0").write_bytes(b"?")
    report = verify(store)
    assert not report
    assert str(report).endswith(f"1 metadata objects missing or damaged; repair: geoinfinite resume {store}")


def test_metadata_of_a_store_whose_recipe_is_elsewhere_are_checked(store: Path, ring: Recipe) -> None:
    Path(ring.root.source).unlink()
    assert verify(store)
    (store / "2" / "y" / "c" / "0").write_bytes(b"?")
    assert [p.file for p in verify(store).metadata] == [f"{store}/2/y/c/0"]
    (store / "zarr.json").write_bytes((store / "zarr.json").read_bytes() + b" ")
    assert [p.file for p in verify(store).metadata] == [f"{store}/zarr.json"]


def test_verifying_damage_leaves_nothing_on_stderr(store: Path) -> None:
    shard = store_jobs.shard_file(store, 2, 0, 0)
    data = bytearray(shard.read_bytes())
    data[len(data) // 3] ^= 16
    shard.write_bytes(data)
    code = f"import geoinfinite as gi; print(len(gi.verify({str(store)!r}).damaged))"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_objects_of_a_half_made_store_are_made(ring: Recipe, tmp_path: Path) -> None:
    plan = plan_window(ring, 2, Window(13, 44, -20, 17), shard=48)
    write_zarr(plan, tmp_path / "clean.zarr")
    clean = store_jobs.contents(tmp_path / "clean.zarr")
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "zarr.json").write_bytes(clean["zarr.json"])
    report = verify(tmp_path / "a.zarr")
    assert len(report.missing) == 2
    assert (
        len(report.metadata)
        == sum("/image/c/" not in n and ("ledger" not in n or "/c/" not in n) for n in clean) - 1
    )
    assert resume_store(tmp_path / "a.zarr").drawn == 2
    assert store_jobs.contents(tmp_path / "a.zarr") == clean


def test_hostile_headers_are_refused(store: Path) -> None:
    # A stranger can make the digests fit; what is read must still be a store.
    text = (store / "zarr.json").read_text()
    (store / layout.copy_name(DEFAULT)).unlink()
    for change in (
        {"shards": {"../../etc": 48}},
        {"shards": {"2": 0, "parents/1": 48}},
        {"shards": {"2": 48, "parents/../1": 48}},
        {"shards": {"2": 48, "parents/01": 48}},
        {"chunks": {"2": 7, "parents/1": 48}},
        {"chunks": {"2": 48}},
        {"preset": "hdf"},
        {"window": [1, 2]},
        {"windows": {}},
        {"level": [2]},
        {"recipe": None},
    ):
        root = json.loads(text)
        root["attributes"]["geoinfinite"] |= change
        (store / "zarr.json").write_text(json.dumps(root))
        with pytest.raises(StoreError, match=r"attributes of the store are damaged"):
            layout.read_header(open_objects(store))


def test_a_world_of_two_bands_names_them_by_number(tmp_path: Path) -> None:
    values = small_worlds.revealing(20, 28)[:2]
    small_worlds.write_root(tmp_path / "two.tif", values, "EPSG:32633", (412_300.0, 5_207_700.0), 300.0)
    patch = small_worlds.patch_world(tmp_path)
    world = patch.replace(root=type(patch.root)(str(tmp_path / "two.tif")))
    write_zarr(plan_window(world, 1, Window(0, 40, 10, 89)), tmp_path / "a.zarr")
    assert verify(tmp_path / "a.zarr")
