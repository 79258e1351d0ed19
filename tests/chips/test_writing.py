"""Data sets as folders: whole files, the same bytes however they came about, their provenance and place."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import chip_boxes
import command_line
import numpy as np
import pytest
import rasterio
from chip_boxes import LEVEL

import geoinfinite as gi
from geoinfinite.chips import FILTERS, ChipContent, ChipSet, Places, Split, WriteSettings, select, write
from geoinfinite.cli import main
from geoinfinite.errors import StoreError, WorldError
from geoinfinite.plane.resample import block_sum
from geoinfinite.plane.window import Window
from geoinfinite.progress import Silent
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.planning import plan_window
from geoinfinite.stores.writing import write_zarr

SETTINGS = WriteSettings(format="coco", filters=FILTERS)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def chips(patch: Recipe, tmp_path: Path) -> ChipSet:
    source = chip_boxes.write(tmp_path / "boxes.gpkg")
    content = chip_boxes.content(source, size=64, pairs=4)
    return select(patch, content, count=10, split=Split.parse("0.7/0.3"))


class _Stopped(Exception):
    pass


class _StopsAfter(Silent):
    def __init__(self, chips: int) -> None:
        self.left = chips

    def advance(self, tiles: int, pixels: int) -> None:
        self.left -= 1
        if not self.left:
            raise _Stopped("as a killed run")


@pytest.mark.parametrize("form", [None, "yolo-obb", "coco", "dota", "geoparquet"])
def test_a_run_that_is_stopped_and_goes_on_writes_the_same_bytes(
    chips: ChipSet, tmp_path: Path, form: str | None
) -> None:
    settings = WriteSettings(format=form, filters=FILTERS)
    write(chips, tmp_path / "at once", settings)
    for drawn in (3, 4):
        with pytest.raises(_Stopped, match="as a killed run"):
            write(chips, tmp_path / "stopped", settings, progress=_StopsAfter(drawn))
        assert not json.loads((tmp_path / "stopped" / "chips.json").read_text())["complete"]
    report = write(chips, tmp_path / "stopped", settings)
    assert (report.drawn, report.kept, report.complete) == (3, 7, True)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "at once")


def test_a_process_that_is_killed_leaves_whole_files(tmp_path: Path) -> None:
    command = ["chips", "analytic", "--level", "3", "--count", "24", "--bbox", "7", "45", "9", "47"]
    command += ["--size", "64", "--pairs", "16", "--quiet", "--out"]
    run = command_line.start(*command, str(tmp_path / "a"))
    command_line.wait_until(lambda: len(list((tmp_path / "a").rglob("*.png"))) > 4, run)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    killed = contents(tmp_path / "a")
    assert len(killed) < 49
    for name in killed:
        if name.endswith(".png"):
            chip_boxes.picture(tmp_path / "a" / name)
    for folder in ("a", "b"):
        assert main([*command, str(tmp_path / folder)]) == 0
    finished = contents(tmp_path / "a")
    assert finished == contents(tmp_path / "b")
    assert len(finished) == 49
    assert {
        name: data for name, data in killed.items() if name != "chips.json" and ".partial" not in name
    }.items() <= (finished.items())


def test_limit_draws_so_many_and_the_next_run_the_others(chips: ChipSet, tmp_path: Path) -> None:
    report = write(chips, tmp_path / "out", WriteSettings(limit=4))
    assert (report.drawn, report.left, report.complete) == (4, 6, False)
    report = write(chips, tmp_path / "out", WriteSettings(limit=40))
    assert (report.drawn, report.kept, report.complete) == (6, 4, True)
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*")}
    assert write(chips, tmp_path / "out").drawn == 0
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*")} == before


def test_a_picture_that_was_lost_is_drawn_again(chips: ChipSet, tmp_path: Path) -> None:
    write(chips, tmp_path / "out", SETTINGS)
    before = contents(tmp_path / "out")
    next((tmp_path / "out" / "coarse").rglob("*.png")).unlink()
    next((tmp_path / "out" / "images").rglob("*.png")).unlink()
    assert 1 <= write(chips, tmp_path / "out", SETTINGS).drawn <= 2
    assert contents(tmp_path / "out") == before


def test_pictures_are_the_worlds_pixels_and_their_pairs_are_block_means(
    chips: ChipSet, patch: Recipe, tmp_path: Path
) -> None:
    write(chips, tmp_path / "out", WriteSettings())
    for name, window, split in zip(chips.ids, chips.windows, chips.splits, strict=True):
        fine = np.moveaxis(chip_boxes.picture(tmp_path / "out/images" / split / f"{name}.png"), -1, 0)
        coarse = np.moveaxis(chip_boxes.picture(tmp_path / "out/coarse" / split / f"{name}.png"), -1, 0)
        np.testing.assert_array_equal(fine, gi.generate(patch, LEVEL, window))
        assert coarse.shape == (3, 16, 16)
        means = block_sum(fine.astype(np.float32), 4) / 16
        np.testing.assert_array_equal(np.rint(means), coarse)


def test_pictures_say_what_they_are_and_where(chips: ChipSet, patch: Recipe, tmp_path: Path) -> None:
    write(chips, tmp_path / "out", WriteSettings(limit=1))
    (path,) = (tmp_path / "out/images").rglob("*.png")
    said = chip_boxes.texts(path)
    assert said["synthetic"].startswith("Synthetic imagery")
    assert said["digital_source_type"].endswith("/trainedAlgorithmicMedia")
    assert "trainedAlgorithmicMedia" in said["XML:com.adobe.xmp"]
    assert said["geoinfinite_token"] == patch.token
    number = chips.ids.index(path.stem)
    window = chips.windows[number]
    assert said["geoinfinite_window"] == f"{window.y0} {window.y1} {window.x0} {window.x1}"
    again = gi.World.loads(said["geoinfinite_recipe"])
    assert again.token == patch.token
    np.testing.assert_array_equal(
        np.moveaxis(chip_boxes.picture(path), -1, 0),
        gi.generate(again, int(said["geoinfinite_level"]), window),
    )


def test_geotiffs_keep_their_place(chips: ChipSet, patch: Recipe, tmp_path: Path) -> None:
    write(chips, tmp_path / "out", WriteSettings(picture="tif", limit=2))
    for path in (tmp_path / "out/images").rglob("*.tif"):
        window = chips.windows[chips.ids.index(path.stem)]
        with rasterio.open(path) as raster:
            assert raster.crs == patch.grid.crs
            assert raster.transform == patch.grid.transform(LEVEL, window)
            assert raster.descriptions == ("red", "green", "blue")
            np.testing.assert_array_equal(raster.read(), gi.generate(patch, LEVEL, window))
            assert raster.tags()["geoinfinite_token"] == patch.token
            assert "trainedAlgorithmicMedia" in raster.tags(ns="xml:XMP")["xml:XMP"]
        coarse = next((tmp_path / "out/coarse").rglob(path.name))
        with rasterio.open(coarse) as raster:
            assert raster.transform == patch.grid.transform(LEVEL - 1, window.coarsen(4))


def test_the_list_has_every_chip_with_its_place_and_columns(
    chips: ChipSet, patch: Recipe, tmp_path: Path
) -> None:
    write(chips, tmp_path / "out", SETTINGS)
    said = json.loads((tmp_path / "out/chips.json").read_text())
    assert said["complete"]
    assert said["world"] == {"name": "patch", "seed": "11", "token": patch.token}
    assert said["crs"] == patch.grid.crs
    assert said["classes"] == ["crane", "oil tank", "ship"]
    for row, window in zip(said["chips"], chips.windows, strict=True):
        assert row["window"] == [window.y0, window.y1, window.x0, window.x1]
        np.testing.assert_allclose(row["bounds"], patch.grid.bounds(LEVEL, window))
        assert FILTERS.keys() <= row.keys()
        pixels = gi.generate(patch, LEVEL, window)
        assert row["brightness"] == pytest.approx(pixels.mean() / 255, abs=1e-6)


def test_a_folder_with_other_content_is_refused_and_kept(
    chips: ChipSet, patch: Recipe, tmp_path: Path
) -> None:
    write(chips, tmp_path / "out", WriteSettings(limit=2))
    before = contents(tmp_path / "out")
    other = select(patch.replace(seed=12), chips.content, count=10, split=Split.parse("0.7/0.3"))
    with pytest.raises(
        StoreError, match=r"out holds other chips: another world, .*; choose another folder, or"
    ):
        write(other, tmp_path / "out")
    with pytest.raises(StoreError, match="holds other chips"):
        write(chips, tmp_path / "out", SETTINGS)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/notes.txt").write_text("mine")
    with pytest.raises(StoreError, match="full is not empty, and holds no chips; choose another folder, or"):
        write(chips, tmp_path / "full")
    assert contents(tmp_path / "out") == before


def test_chips_of_a_store_are_those_of_its_world(chips: ChipSet, patch: Recipe, tmp_path: Path) -> None:
    window = Window(320, 640, 160, 560)
    places = Places(bounds=patch.grid.bounds(LEVEL, window))
    write_zarr(plan_window(patch, LEVEL, window), tmp_path / "s.zarr")
    stored, chips = (select(where, chips.content, places=places) for where in (tmp_path / "s.zarr", patch))
    assert len(stored) > 2
    write(stored, tmp_path / "stored", SETTINGS)
    write(chips, tmp_path / "drawn", SETTINGS)
    assert contents(tmp_path / "stored") == contents(tmp_path / "drawn")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pairs": 3}, "pairs=3: level 3 has coarser levels 4, 16, 64 times coarser; take 4"),
        ({"pairs": 256}, "pairs=256: level 3 has coarser levels 4, 16, 64 times coarser; take 4"),
        (
            {"pairs": 16, "size": 100},
            "size=100 must be a multiple of pairs=16, so that blocks are whole; take 96",
        ),
    ],
)
def test_pairs_that_cannot_be_exact_are_refused(patch: Recipe, changes: dict, message: str) -> None:
    with pytest.raises(WorldError, match=message):
        select(patch, ChipContent(**{"level": LEVEL, "size": 64, **changes}), places=Places(count=2))


def test_pairs_of_a_level_without_means_are_refused(patch: Recipe) -> None:
    import dataclasses

    free = patch.replace(sampler=dataclasses.replace(patch.sampler, consistency="none"))
    with pytest.raises(
        WorldError, match=r"pairs: level 3 is drawn with consistency='none', .*; set consistency"
    ):
        select(free, ChipContent(LEVEL, 64, pairs=4), places=Places(count=2))


def test_a_picture_that_cannot_hold_the_values_is_refused(chips: ChipSet, tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="picture='jpg' is not one of png, tif; choose one"):
        write(chips, tmp_path / "out", WriteSettings(picture="jpg"))
    with pytest.raises(WorldError, match="limit=0 must be at least 1; leave it out to draw all chips"):
        write(chips, tmp_path / "out", WriteSettings(limit=0))
