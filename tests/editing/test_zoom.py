"""``zoom``: the real pixels are the means of what is drawn beneath them, in every window, store and file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import rioxarray
import scenes
import xarray as xr

import geoinfinite as gi
from geoinfinite.errors import WindowError, WorldError

GAUSSIAN = "analytic:gaussian"


def means(fine: np.ndarray, factor: int) -> np.ndarray:
    """Means of blocks."""
    bands, rows, columns = fine.shape
    blocks = fine.astype(np.float64).reshape(bands, rows // factor, factor, columns // factor, factor)
    return blocks.mean(axis=(2, 4))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_block_means_are_the_real_pixels(dtype: str) -> None:
    real = scenes.scene(scenes.pixels(dtype=dtype))
    fine = real.geoinfinite.zoom(16, model=GAUSSIAN)
    assert (fine.dtype, fine.shape, fine.rio.crs) == (real.dtype, (3, 608, 976), real.rio.crs)
    np.testing.assert_allclose(fine.rio.bounds(), real.rio.bounds(), rtol=0, atol=1e-6)
    part = fine[:, 160:256, 480:640].values
    np.testing.assert_array_equal(means(part, 16), real.values[:, 10:16, 30:40])
    assert np.abs(np.diff(part.astype(float))).mean() > 1


def test_block_means_of_floats_are_so_to_rounding() -> None:
    real = scenes.scene(scenes.pixels(dtype="float32"))
    part = real.geoinfinite.zoom(4, model=GAUSSIAN)[:, 40:80, 120:160].values
    np.testing.assert_allclose(means(part, 4), real.values[:, 10:20, 30:40], rtol=0, atol=2e-6)


def test_any_window_is_the_crop_of_any_other() -> None:
    fine = scenes.scene().geoinfinite.zoom(16, model=GAUSSIAN)
    large = fine[:, 100:290, 60:230].values
    for rows, columns in ((slice(150, 151), slice(100, 101)), (slice(101, 190), slice(90, 171))):
        small = fine[:, rows, columns].values
        at = slice(rows.start - 100, rows.stop - 100), slice(columns.start - 60, columns.stop - 60)
        np.testing.assert_array_equal(small, large[:, *at])
    chunked = fine[:, 100:290, 60:230].chunk({"y": 70, "x": 51}).compute()
    np.testing.assert_array_equal(chunked, large)


def test_a_seed_draws_another_picture_and_a_world_file_draws_it_again(tmp_path: Path) -> None:
    real, part = scenes.scene(), np.s_[:, 64:128, 32:96]
    first = real.geoinfinite.zoom(16, model=GAUSSIAN)
    other = real.geoinfinite.zoom(16, model=GAUSSIAN, seed=3)
    assert (first[part].values != other[part].values).mean() > 0.5
    other.geoinfinite.world.save(tmp_path / "world.toml")
    again = gi.World.load(tmp_path / "world.toml")
    assert again.token == other.geoinfinite.world.token != first.geoinfinite.world.token
    np.testing.assert_array_equal(again.array(2)[part].values, other[part].values)


def test_stores_and_files_hold_it(tmp_path: Path) -> None:
    part = scenes.scene().geoinfinite.zoom(16, model=GAUSSIAN)[:, 100:200, 60:190]
    part.geoinfinite.to_zarr(tmp_path / "fine.zarr", progress=False)
    part.geoinfinite.to_cog(tmp_path / "fine.tif", progress=False)
    stored = xr.open_zarr(tmp_path / "fine.zarr", group="2").image
    np.testing.assert_array_equal(stored, part)
    with rasterio.open(tmp_path / "fine.tif") as raster:
        np.testing.assert_array_equal(raster.read(), part)
        assert raster.transform.a == scenes.STEP / 16


def test_a_drawn_array_goes_on_in_its_own_world() -> None:
    real = scenes.scene()
    once = real.geoinfinite.zoom(4, model=GAUSSIAN)[:, 20:40, 60:90]
    twice = once.geoinfinite.zoom(4)
    np.testing.assert_array_equal(means(twice.values, 4), once.values)
    at_once = real.geoinfinite.zoom(16, model=GAUSSIAN)[:, 80:160, 240:360]
    xr.testing.assert_identical(twice.load(), at_once.load())
    with pytest.raises(WorldError, match=r"zoom\(seed=5\): the array is drawn by a world with a seed of its"):
        once.geoinfinite.zoom(4, seed=5)


def test_degrees_and_a_raster_once_round_the_earth() -> None:
    values = scenes.pixels(90, 180)
    whole = scenes.scene(values, crs="EPSG:4326", left=-180.0, top=90.0, step=2.0)
    fine = whole.geoinfinite.zoom(4, model=GAUSSIAN)
    grid = fine.geoinfinite.world.grid
    assert (grid.periodic, round(grid.gsd_m(0))) == (True, 222_639)
    over = gi.generate(fine.geoinfinite.world, 1, gi.Window(100, 140, 700, 740))
    np.testing.assert_array_equal(means(over[:, :, 20:], 4), values[:, 25:35, :5])


@pytest.mark.parametrize("factor", [8, 1, 0, -4, 4.0, True])
def test_a_factor_that_is_no_power_is_refused_with_one_that_is(factor: object) -> None:
    real = scenes.scene()
    with pytest.raises(WindowError, match=r"is no power of 4, by which the model draws") as said:
        real.geoinfinite.zoom(factor, model=GAUSSIAN)
    fits = int(str(said.value).partition("; take ")[2].split()[0])
    assert real.geoinfinite.zoom(fits, model=GAUSSIAN).shape == (3, 38 * fits, 61 * fits)


def test_a_model_without_a_parent_is_refused() -> None:
    with pytest.raises(WorldError, match=r"model='analytic:planet' draws without a coarser level"):
        scenes.scene().geoinfinite.zoom(4, model="analytic:planet")


def test_holes_are_refused_where_they_are_read_and_drawn_when_filled_first(tmp_path: Path) -> None:
    values = scenes.pixels()
    values[:, *scenes.HOLE] = 0
    real = scenes.opened(scenes.written(tmp_path / "scene.tif", values, nodata=0))
    fine = real.geoinfinite.zoom(4, model=GAUSSIAN)
    with pytest.raises(WorldError, match=r"has \d+ masked pixels"):
        fine[:, 40:50, 80:90].load()
    filled = real.geoinfinite.fill(model=GAUSSIAN)
    finer = filled.geoinfinite.zoom(4)[:, 16:128, 40:196].values
    np.testing.assert_array_equal(means(finer, 4), filled[:, 4:32, 10:49].values)


@pytest.mark.slow
def test_the_bundled_network_draws_beneath_a_real_raster() -> None:
    earth = rioxarray.open_rasterio(gi.World.load("earth").root.path)
    real = earth[:, 700:720, 2560:2590]
    part = real.geoinfinite.zoom(16)[:, 64:128, 160:224].values
    np.testing.assert_array_equal(means(part, 16), real.values[:, 4:8, 10:14])
    assert np.abs(np.diff(part.astype(float))).mean() > 0.5
