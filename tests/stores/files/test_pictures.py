"""GeoTIFF and PNG: read back with rasterio, whole or not there at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import small_worlds
import store_jobs

from geoinfinite.engine import generate
from geoinfinite.errors import BudgetError, GeoInfiniteError, StoreError
from geoinfinite.plane.quantise import Encoding
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.files.cog import write_cog
from geoinfinite.stores.files.content import to_bytes
from geoinfinite.stores.files.paths import hidden_store
from geoinfinite.stores.files.png import write_png
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.planning import plan_window
from geoinfinite.stores.verification import verify
from geoinfinite.stores.writing import write_zarr

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


class Told:
    """Progress that counts how often it hears: of every tile that is drawn, but of kept ones by the shard."""

    def __init__(self) -> None:
        self.heard = 0

    def start(self, total_tiles: int, total_pixels: int) -> None:
        self.left = total_tiles

    def advance(self, tiles: int, pixels: int) -> None:
        self.heard += 1

    def keep(self, tiles: int, pixels: int) -> None:
        pass

    def finish(self) -> None:
        pass


def left(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name != "ring.tif" and p.name != "patch.tif")


def test_a_cog_is_the_window_in_its_place(ring: Recipe, tmp_path: Path) -> None:
    plan = store_jobs.crossing(ring)
    assert write_cog(plan, tmp_path / "a.tif") == tmp_path / "a.tif"
    with rasterio.open(tmp_path / "a.tif") as file:
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.tags(ns="IMAGE_STRUCTURE")["COMPRESSION"] == "DEFLATE"
        assert file.crs.to_epsg() == 4326
        assert file.transform == ring.grid.transform(2, plan.window)
        assert (file.read() == generate(ring, 2, plan.window)).all()
    assert left(tmp_path) == ["a.tif"]


def test_a_cog_larger_than_a_step_has_averaged_overviews(patch: Recipe, tmp_path: Path) -> None:
    plan = plan_window(patch, 3, Window(4, 720, 101, 1209))
    write_cog(plan, tmp_path / "a.tif")
    with rasterio.open(tmp_path / "a.tif") as file:
        assert file.overviews(1)[0] == 2
        pixels = file.read()
    with rasterio.open(tmp_path / "a.tif", overview_level=0) as file:
        half = file.read()
    assert (pixels == generate(patch, 3, plan.window)).all()
    means = pixels.reshape(3, 358, 2, 554, 2).mean((2, 4))
    assert half.shape == means.shape
    assert np.abs(half - means).max() <= 0.5


def test_a_png_is_the_window(patch: Recipe, tmp_path: Path) -> None:
    plan = store_jobs.corner(patch)
    write_png(plan, tmp_path / "a.png")
    with rasterio.open(tmp_path / "a.png") as file:
        assert (file.driver, file.count) == ("PNG", 3)
        assert (file.read() == generate(patch, 2, plan.window)).all()
    assert left(tmp_path) == ["a.png"]


def test_other_dtypes_are_scaled_and_odd_bands_are_grey(tmp_path: Path) -> None:
    values = small_worlds.revealing(20, 28)[:2].astype(np.uint16) * 257
    small_worlds.write_root(tmp_path / "deep.tif", values, "EPSG:32633", (412_300.0, 5_207_700.0), 300.0)
    patch = small_worlds.patch_world(tmp_path)
    world = patch.replace(root=type(patch.root)(str(tmp_path / "deep.tif")), dtype="uint16")
    plan = plan_window(world, 1, Window(0, 40, 10, 99))
    write_png(plan, tmp_path / "a.png")
    write_cog(plan, tmp_path / "a.tif")
    expected = generate(world, 1, plan.window)
    with rasterio.open(tmp_path / "a.tif") as file:
        assert (file.read() == expected).all()
    with rasterio.open(tmp_path / "a.png") as file:
        assert (file.count, file.dtypes[0]) == (1, "uint8")
        assert np.abs(file.read()[0] - expected[0] / 257.0).max() <= 0.5


def test_to_bytes_maps_the_range() -> None:
    unit = np.array([0, 0.25, 1], np.float32)
    assert to_bytes(unit, Encoding("float32")).tolist() == [0, 64, 255]


def test_what_is_there_is_not_overwritten_unasked(patch: Recipe, tmp_path: Path) -> None:
    plan = store_jobs.corner(patch)
    for write, name in ((write_cog, "a.tif"), (write_png, "a.png")):
        (tmp_path / name).write_text("mine")
        with pytest.raises(
            StoreError, match=rf"{name} exists; choose another path, delete it, or pass overwrite"
        ):
            write(plan, tmp_path / name)
        assert (tmp_path / name).read_text() == "mine"
        write(plan, tmp_path / name, overwrite=True)
        with rasterio.open(tmp_path / name) as file:
            assert file.count == 3
    with pytest.raises(StoreError, match=r"is a folder; choose another path"):
        write_cog(plan, tmp_path, overwrite=True)


def test_a_huge_png_is_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    world = worldfile.load("analytic", Recipe)
    plan = plan_window(world, 6, world.grid.window(6, (7.0, 45.0, 9.0, 47.0)))
    with pytest.raises(
        BudgetError, match=r"is too large to be opened .*write .tif or .zarr, or take level 4"
    ):
        write_png(plan, tmp_path / "a.png")
    assert left(tmp_path) == []


@pytest.mark.parametrize("write", [write_cog, write_png])
def test_a_killed_file_leaves_its_pixels_and_no_half_file(patch: Recipe, tmp_path: Path, write: Any) -> None:
    plan, path = store_jobs.corner(patch), tmp_path / ("a.tif" if write is write_cog else "a.png")
    hidden = hidden_store(plan, path)
    # What a process leaves that is killed while it puts the file together.
    write_zarr(plan, hidden)
    (hidden / f"{path.name}.{'0a' * 16}.partial").write_bytes(b"half")
    assert left(tmp_path) == [hidden.name]
    assert hidden.name.startswith(f".{path.name}.")
    heard = Told()
    write(plan, path, progress=heard)
    assert heard.heard <= plan.shards < plan.tiles
    assert left(tmp_path) == [path.name]
    with rasterio.open(path) as file:
        assert (file.read() == generate(patch, 2, plan.window)).all()


@pytest.mark.parametrize("write", [write_cog, write_png])
def test_a_failure_leaves_the_pixels_drawn_and_the_file_that_was_there(
    patch: Recipe, tmp_path: Path, write: Any
) -> None:
    plan, path = store_jobs.corner(patch), tmp_path / "a.tif"
    path.write_text("mine")

    class Fails(Told):
        def finish(self) -> None:
            raise KeyboardInterrupt("dark")

    with pytest.raises(KeyboardInterrupt, match="dark"):
        write(plan, path, overwrite=True, progress=Fails())
    assert path.read_text() == "mine"
    assert left(tmp_path) == [hidden_store(plan, path).name, "a.tif"]
    assert verify(hidden_store(plan, path))


def test_pixels_are_taken_from_a_store_that_is_there(patch: Recipe, tmp_path: Path) -> None:
    plan, heard = store_jobs.corner(patch), Told()
    for store in (tmp_path / "a.zarr", open_objects("memory://pictures")):
        write_zarr(plan, store)
        write_cog(plan, tmp_path / "a.tif", store=store, progress=heard, overwrite=True)
        write_png(plan, tmp_path / "a.png", store=store, progress=heard, overwrite=True)
        assert left(tmp_path) == ["a.png", "a.tif", "a.zarr"]
        with rasterio.open(tmp_path / "a.tif") as tif, rasterio.open(tmp_path / "a.png") as png:
            assert (tif.read() == png.read()).all()
    assert heard.heard <= 4 * plan.shards < plan.tiles


def test_bands_have_names_and_colours(patch: Recipe, tmp_path: Path) -> None:
    write_cog(store_jobs.corner(patch), tmp_path / "a.tif")
    with rasterio.open(tmp_path / "a.tif") as file:
        assert file.descriptions == ("red", "green", "blue")
        assert [c.name for c in file.colorinterp] == ["red", "green", "blue"]


def test_bands_beyond_colours_have_numbers_and_none_is_alpha(tmp_path: Path) -> None:
    values = np.concatenate([small_worlds.revealing(20, 28), small_worlds.revealing(20, 28)[:1] // 2])
    small_worlds.write_root(tmp_path / "four.tif", values, "EPSG:32633", (412_300.0, 5_207_700.0), 300.0)
    patch = small_worlds.patch_world(tmp_path)
    plan = plan_window(
        patch.replace(root=type(patch.root)(str(tmp_path / "four.tif"))), 1, Window(3, 40, 10, 70)
    )
    write_cog(plan, tmp_path / "a.tif")
    with rasterio.open(tmp_path / "a.tif") as file:
        assert file.descriptions == ("1", "2", "3", "4")
        assert [c.name for c in file.colorinterp] == ["gray", "undefined", "undefined", "undefined"]
        assert file.tags()["synthetic"].startswith("Synthetic")


def test_paths_that_hold_no_file_are_refused_and_left_alone(patch: Recipe, tmp_path: Path) -> None:
    plan = store_jobs.corner(patch)
    os.mkfifo(tmp_path / "fifo.tif")
    with pytest.raises(StoreError, match=r"fifo.tif is not a regular file; choose another path"):
        write_cog(plan, tmp_path / "fifo.tif", overwrite=True)
    assert stat.S_ISFIFO((tmp_path / "fifo.tif").stat().st_mode)
    with pytest.raises(StoreError, match=r"the folder .*none does not exist; create it, or choose"):
        write_cog(plan, tmp_path / "none" / "a.tif")
    with pytest.raises(StoreError, match=r"'s3://b/a.tif' is a URL; .*write it there and copy it"):
        write_cog(plan, "s3://b/a.tif")
    assert left(tmp_path) == ["fifo.tif"]


def test_a_link_is_written_where_it_points(patch: Recipe, tmp_path: Path) -> None:
    plan = store_jobs.corner(patch)
    (tmp_path / "real").mkdir()
    (tmp_path / "a.tif").symlink_to("real/b.tif")
    assert write_cog(plan, tmp_path / "a.tif") == tmp_path / "real" / "b.tif"
    assert (tmp_path / "a.tif").is_symlink()
    with rasterio.open(tmp_path / "a.tif") as file:
        assert file.count == 3
    with pytest.raises(StoreError, match=r"b.tif exists; choose another path"):
        write_cog(plan, tmp_path / "a.tif")


def test_an_unknown_pixel_is_refused_so_that_no_file_needs_a_mask(tmp_path: Path) -> None:
    patch = small_worlds.patch_world(tmp_path)
    with rasterio.open(tmp_path / "patch.tif", "r+") as root:
        mask = np.full(root.shape, 255, np.uint8)
        mask[4:6, 3:7] = 0
        root.write_mask(mask)
    holed = patch.replace(root=type(patch.root)(str(tmp_path / "patch.tif")))
    with pytest.raises(GeoInfiniteError, match="masked"):
        write_cog(plan_window(holed, 1, Window(15, 40, 10, 70)), tmp_path / "a.tif")
    assert not (tmp_path / "a.tif").exists()
