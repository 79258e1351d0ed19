"""The laws of stores in both presets, for levels that are copied to the extent as for those drawn."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import dask
import pytest
import store_jobs
from dry_runs import Run, every_shard
from faulty_objects import FaultyObjects, Nth, PowerCut

from geoinfinite.engine import generate
from geoinfinite.errors import StoreError, WindowError
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.jobs.graph import JobGraph
from geoinfinite.stores.jobs.parts import Part
from geoinfinite.stores.layout import open_image, read_header
from geoinfinite.stores.listing import aligned_window
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.planning import Plan, plan_window
from geoinfinite.stores.verification import verify
from geoinfinite.stores.writing import resume_store, write_zarr

PRESETS = pytest.mark.parametrize("preset", ["default", "gdal"])
PIXELS_OR_RECORD = re.compile(r".*/image/(c/)?0/\d+/\d+|ledger/(parents/)?\d/(c/)?\d+/\d+/0")


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    with dask.config.set(scheduler="synchronous"):
        yield


def tower(patch: Recipe, preset: str) -> Plan:
    """Three levels of one extent; the finest is one shard, which in preset gdal is two objects."""
    return plan_window(patch, 3, Window(16, 528, 640, 656), shard=1008, preset=preset)


def band(ring: Recipe, preset: str) -> Plan:
    """Three levels of one extent, over the antimeridian, of several shards."""
    return plan_window(ring, 3, Window(160, 272, -64, 96), shard=48, preset=preset)


def assert_pixels(plan: Plan, path: Path) -> None:
    for stage in plan.stored:
        image = open_image(open_objects(path), stage.group)[:]
        assert (image == generate(plan.recipe, stage.level, stage.window)).all(), stage.group


def test_what_is_listed_drawn_and_copied(patch: Recipe, ring: Recipe) -> None:
    plan = tower(patch, "gdal")
    assert [(s.group, s.copied) for s in plan.stored] == [
        ("parents/1", False),
        ("parents/2", False),
        ("3", False),
        ("1", True),
        ("2", True),
    ]
    assert [s.window for s in plan.listed] == [
        Window(16, 528, 640, 656),
        Window(4, 132, 160, 164),
        Window(1, 33, 40, 41),
    ]
    partly = plan_window(patch, 3, Window(16, 28, 644, 656))
    assert ([s.level for s in partly.listed], partly.unlisted) == ([3, 2], (1,))
    assert "lists levels 3, 2; the window is not of whole pixels of level 1: aligned(2), or --align 2" in str(
        partly
    )
    whole = plan_window(ring, 2, ring.grid.full(2))
    assert [s.group for s in whole.stored] == ["1", "2"]
    assert whole.copies == ()


@PRESETS
def test_every_group_holds_its_pixels(patch: Recipe, ring: Recipe, tmp_path: Path, preset: str) -> None:
    for name, plan in (("tower", tower(patch, preset)), ("band", band(ring, preset))):
        report = write_zarr(plan, tmp_path / f"{name}.zarr")
        assert (report.drawn, report.tiles) == (plan.shards, plan.tiles)
        assert_pixels(plan, tmp_path / f"{name}.zarr")
        assert verify(tmp_path / f"{name}.zarr")
        assert resume_store(tmp_path / f"{name}.zarr").kept == plan.shards


@pytest.mark.parametrize("case", ["multidiffusion", "charted"])
def test_levels_that_are_drawn_in_layers_are_copied_too(ring: Recipe, tmp_path: Path, case: str) -> None:
    plan = plan_window(store_jobs.layered(ring, case), 2, Window(40, 88, -16, 32), shard=48, preset="gdal")
    write_zarr(plan, tmp_path / "a.zarr")
    assert [s.group for s in plan.stored] == ["parents/1", "2", "1"]
    assert_pixels(plan, tmp_path / "a.zarr")
    assert store_jobs.files_of_layers(tmp_path / "a.zarr") == []


@PRESETS
def test_every_file_damaged_is_named_and_mended(patch: Recipe, tmp_path: Path, preset: str) -> None:
    store = tmp_path / "a.zarr"
    write_zarr(tower(patch, preset), store)
    before = store_jobs.contents(store)
    objects = [name for name in before if "3/image/" in name and "json" not in name and ".z" not in name]
    assert len(objects) == {"default": 1, "gdal": 2}[preset]
    # Other groups have the same metadata, and other tests damage them.
    for name in (
        n for n in before if PIXELS_OR_RECORD.fullmatch(n) or not n.startswith(("1", "2", "parents"))
    ):
        data = bytearray(before[name])
        at = len(data) * 2 // 3
        data[at] ^= 1 << at % 8
        (store / name).write_bytes(data)
        report = verify(store)
        named = {p.file.removeprefix(f"{store}/") for p in report.problems}
        records = {p.record.removeprefix(f"{store}/") for p in report.problems if p.record}
        assert name in named | records, name
        assert len(report.problems) <= 1 + (name in records)
        resume_store(store)
        assert store_jobs.contents(store) == before, name


@pytest.mark.parametrize(("preset", "moment"), [("default", "before"), ("gdal", "before"), ("gdal", "after")])
def test_cut_at_every_write_of_pixels_then_resumed(
    patch: Recipe, tmp_path: Path, preset: str, moment: str
) -> None:
    plan, clean = tower(patch, preset), tmp_path / "clean.zarr"
    write_zarr(plan, clean)
    contents = store_jobs.contents(clean)
    writes = [name for name in contents if PIXELS_OR_RECORD.fullmatch(name)]
    assert len(writes) == 2 * plan.shards + (preset == "gdal")
    for n in range(len(writes)):
        store = tmp_path / f"{n}.zarr"
        cut = Nth(n, PowerCut("dark"), lambda name: PIXELS_OR_RECORD.fullmatch(name) is not None)
        faulty = FaultyObjects(open_objects(store), **{moment: cut})
        with pytest.raises(PowerCut, match="dark"):
            write_zarr(plan, faulty)
        assert bool(verify(store)) == (moment == "after" and n == len(writes) - 1)
        committed = sum(PIXELS_OR_RECORD.fullmatch(f"ledger/{r.relative_to(store / 'ledger')}") is not None
                        for r in store_jobs.records(store))  # fmt: skip
        report = resume_store(store)
        assert (report.kept, report.drawn) == (committed, plan.shards - committed)
        assert store_jobs.contents(store) == contents


@PRESETS
def test_parts_make_the_same_store(ring: Recipe, tmp_path: Path, preset: str) -> None:
    plan = band(ring, preset)
    write_zarr(plan, tmp_path / "whole.zarr")
    for part in ((2, 3), (1, 3), (3, 3)):
        write_zarr(plan, tmp_path / "parts.zarr", part=part)
    assert store_jobs.contents(tmp_path / "parts.zarr") == store_jobs.contents(tmp_path / "whole.zarr")


@pytest.mark.parametrize("parts", [1, 2, 5])
def test_every_task_comes_after_what_it_reads(ring: Recipe, parts: int) -> None:
    graph = JobGraph(band(ring, "default"))
    runs = [Run(graph, part=Part(i + 1, parts)).go(ahead=3) for i in range(parts)]
    assert set().union(*(run.committed for run in runs)) == every_shard(graph)


@PRESETS
def test_a_lost_object_of_what_is_copied_is_no_black_pixel(
    patch: Recipe, tmp_path: Path, preset: str
) -> None:
    plan, store = tower(patch, preset), tmp_path / "a.zarr"
    write_zarr(plan, store)
    before = store_jobs.contents(store)
    for name in before:
        if PIXELS_OR_RECORD.fullmatch(name) and not name.startswith(("3/", "ledger/3/")):
            (store / name).unlink()
    assert resume_store(store).drawn == plan.shards - 1
    assert store_jobs.contents(store) == before


def test_presets_hold_the_same_pixels_and_are_never_mixed(patch: Recipe, tmp_path: Path) -> None:
    whole = {}
    for preset in ("default", "gdal"):
        path = tmp_path / f"{preset}.zarr"
        write_zarr(tower(patch, preset), path)
        assert read_header(open_objects(path)).preset.name == preset
        whole[preset] = open_image(open_objects(path), 3)[:]
    assert (whole["default"] == whole["gdal"]).all()
    with pytest.raises(StoreError, match=r"holds another job: preset=default there, gdal here; "):
        write_zarr(tower(patch, "gdal"), tmp_path / "default.zarr")
    with pytest.raises(StoreError, match=r"preset='netcdf' is not known; take 'default' or 'gdal'"):
        plan_window(patch, 1, Window(0, 4, 0, 4), preset="netcdf")


def test_a_store_of_the_layout_before_is_refused_in_one_line(patch: Recipe, tmp_path: Path) -> None:
    store = tmp_path / "a.zarr"
    write_zarr(plan_window(patch, 1, Window(5, 31, 60, 97)), store)
    for name in ("zarr.json", "ledger/zarr.json"):
        document = json.loads((store / name).read_text())
        document["attributes"]["geoinfinite"]["format"] = 2
        (store / name).write_text(json.dumps(document))
    said = r"has the layout 2, this version knows 3; use the version of geoinfinite that wrote it, or"
    for touch in (verify, resume_store):
        with pytest.raises(StoreError, match=said):
            touch(store)


def test_windows_are_widened_to_whole_pixels(patch: Recipe, ring: Recipe) -> None:
    assert aligned_window(patch.grid, 3, Window(17, 65, 31, 33), 2) == Window(16, 80, 16, 48)
    assert aligned_window(patch.grid, 3, Window(17, 65, 31, 33), 0) == Window(17, 65, 31, 33)
    # Once round and not from a whole pixel on: still once round.
    assert aligned_window(ring.grid, 2, Window(5, 6, -3, 381), 2) == Window(0, 16, -16, 368)
    with pytest.raises(
        WindowError, match=r"--align=4 must be a number of levels; level 3 has 0 to 3 coarser"
    ):
        aligned_window(patch.grid, 3, Window(0, 4, 0, 4), 4, name="--align")
