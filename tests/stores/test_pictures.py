"""GeoTIFF and PNG: read back with rasterio, whole or not there at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import small_worlds
import store_jobs

from geoinfinite.engine import generate
from geoinfinite.errors import BudgetError, StoreError
from geoinfinite.plane.quantise import Encoding
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores import pictures
from geoinfinite.stores.pictures import to_bytes, write_cog, write_png
from geoinfinite.stores.planning import plan_window
from geoinfinite.stores.writing import write_zarr

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


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


def test_a_cog_larger_than_a_step_has_averaged_overviews(
    patch: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "STEP", 512)
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
    with pytest.raises(StoreError, match=r"exists; choose another path"):
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
def test_a_killed_file_leaves_its_pixels_and_no_half_file(
    patch: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: object
) -> None:
    plan, name = store_jobs.corner(patch), "a.tif" if write is write_cog else "a.png"

    def killed(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt("dark")

    with monkeypatch.context() as broken:
        broken.setattr(rasterio.shutil, "copy", killed)
        with pytest.raises(KeyboardInterrupt, match="dark"):
            write(plan, tmp_path / name)
    (hidden,) = left(tmp_path)
    assert hidden.startswith(f".{name}.")
    assert hidden.endswith(".zarr")
    monkeypatch.setattr("geoinfinite.stores.shards.draw", killed)
    write(plan, tmp_path / name)
    assert left(tmp_path) == [name]


def test_pixels_are_taken_from_a_store_that_is_there(
    patch: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = store_jobs.corner(patch)
    write_zarr(plan, tmp_path / "a.zarr")
    monkeypatch.setattr("geoinfinite.stores.shards.draw", None)
    write_cog(plan, tmp_path / "a.tif", store=tmp_path / "a.zarr")
    write_png(plan, tmp_path / "a.png", store=tmp_path / "a.zarr")
    assert left(tmp_path) == ["a.png", "a.tif", "a.zarr"]
    with rasterio.open(tmp_path / "a.tif") as tif, rasterio.open(tmp_path / "a.png") as png:
        assert (tif.read() == png.read()).all()
