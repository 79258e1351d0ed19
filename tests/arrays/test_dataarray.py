"""What a level's array says of itself, to us and to other libraries."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import odc.geo.xr  # noqa: F401
import pytest
import rasterio
import rioxarray
import small_worlds
import xproj  # noqa: F401
from pyproj import CRS

from geoinfinite.arrays import level_array, level_dataset, level_tree
from geoinfinite.engine import generate
from geoinfinite.errors import WindowError
from geoinfinite.plane.window import Window
from geoinfinite.provenance import SYNTHETIC
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe


def test_it_says_what_it_is(patch: Recipe, tmp_path: Path) -> None:
    da = level_array(patch, 2)
    assert (da.name, da.dims, da.shape, da.dtype) == ("image", ("band", "y", "x"), (3, 320, 448), np.uint8)
    assert da.band.values.tolist() == ["red", "green", "blue"]
    assert da.attrs["synthetic"] == SYNTHETIC
    assert da.attrs["geoinfinite_level"] == 2
    assert da.attrs["ground_sample_distance_m"] == 18.75
    assert da.attrs["geoinfinite_version"]
    fields = worldfile.parse(da.attrs["geoinfinite_recipe"], where="attrs", folder=tmp_path)
    assert Recipe(**fields) == patch
    assert level_dataset(patch, 2).attrs == da.attrs
    assert da.encoding["preferred_chunks"] == {"band": 3, "y": 320, "x": 448}


def test_other_numbers_of_bands_are_numbered(patch: Recipe, tmp_path: Path) -> None:
    root = small_worlds.write_root(
        tmp_path / "four.tif",
        np.concatenate([small_worlds.revealing(20, 28)] * 2)[:4],
        "EPSG:32633",
        patch.grid.origin,
        300.0,
    )
    da = level_array(patch.replace(root=type(patch.root)(str(root))), 1)
    assert da.band.values.tolist() == [1, 2, 3, 4]
    assert da.isel(x=slice(5), y=slice(7)).values.shape == (4, 7, 5)


def test_level_0_is_the_raster(patch: Recipe) -> None:
    da = level_array(patch, 0)
    with rasterio.open(patch.root.source) as raster:
        assert (da.values == raster.read()).all()
        part = raster.read(window=rasterio.windows.Window(5, 3, 9, 11))
        assert da.rio.transform() == raster.transform
        assert da.rio.crs == raster.crs
        assert da.rio.bounds() == tuple(raster.bounds)
    assert (da[:, 3:14, 5:14].values == part).all()
    theirs = rioxarray.open_rasterio(patch.root.source)
    assert np.allclose(theirs.x, da.x)
    assert np.allclose(theirs.y, da.y)


@pytest.mark.parametrize("chunks", [None, {}])
def test_other_libraries_find_it_where_it_is(patch: Recipe, chunks) -> None:
    da = level_array(patch, 1, chunks=chunks).isel(y=slice(8, 50), x=slice(30, 31 + 60))
    left, top = 412_300 + 30 * 75, 5_207_700 - 8 * 75
    assert da.rio.transform().to_gdal() == pytest.approx((left, 75, 0, top, 0, -75))
    assert da.rio.bounds() == pytest.approx((left, top - 42 * 75, left + 61 * 75, top))
    assert da.rio.crs.to_epsg() == da.proj.crs.to_epsg() == da.odc.crs.to_epsg() == 32633
    assert da.odc.geobox.affine.to_gdal() == pytest.approx((left, 75, 0, top, 0, -75))
    assert da.odc.geobox.shape == (42, 61)
    corner = da[:, :1, :1]
    assert corner.rio.bounds() == pytest.approx((left, top - 75, left + 75, top))
    grid_mapping = da.spatial_ref.attrs
    assert CRS.from_cf(grid_mapping) == CRS("EPSG:32633")
    whole = (float(v) for v in grid_mapping["GeoTransform"].split())
    assert tuple(whole) == (412_300, 75, 0, 5_207_700, 0, -75)


@pytest.mark.parametrize("chunks", [None, {"x": 30}])
def test_rioxarray_writes_clips_and_warps_it(patch: Recipe, tmp_path: Path, chunks) -> None:
    da = level_array(patch, 1, chunks=chunks).isel(x=slice(10, 90))
    values = da.values
    da.rio.to_raster(tmp_path / "out.tif")
    with rasterio.open(tmp_path / "out.tif") as raster:
        assert (raster.read() == values).all()
        assert raster.transform.to_gdal() == pytest.approx((412_300 + 750, 75, 0, 5_207_700, 0, -75))
    clipped = da.rio.clip_box(413_500, 5_203_000, 414_000, 5_204_000)
    assert 0 < clipped.sizes["x"] < 10
    warped = da.rio.reproject("EPSG:3857")
    assert warped.rio.crs.to_epsg() == 3857
    assert warped.max() > 0


def test_windows_round_the_earth(ring: Recipe) -> None:
    da = level_array(ring, 2, window=Window(20, 30, -8, 9))
    assert (da.values == generate(ring, 2, Window(20, 30, -8, 9))).all()
    assert da.x.values[0] == pytest.approx(-180 + 0.9375 * (-8 + 0.5))
    with pytest.raises(WindowError, match="reaches outside the grid"):
        level_array(ring, 2, window=Window(-1, 9, 0, 5))


def test_dimensions_in_another_order(patch: Recipe) -> None:
    da = level_array(patch, 1).isel(y=slice(5, 25), x=slice(3, 33))
    turned = da.transpose("y", "x", "band")
    assert (turned.values == da.values.transpose(1, 2, 0)).all()
    assert (turned.isel(y=-1, x=slice(None, None, -3)).values == da.values[:, -1, ::-3].T).all()
    assert (turned.isel(band=1).T.values == da.values[1].T).all()
    assert turned.chunk({"x": 7}).chunks == ((20,), (7, 7, 7, 7, 2), (3,))
    assert float(turned[3, 4, 1]) == da.values[1, 3, 4]


def test_reductions_and_groups(patch: Recipe) -> None:
    da = level_array(patch, 1)
    values = da.values
    assert (da.coarsen(x=4, y=4).mean().values == values.reshape(3, 20, 4, 28, 4).mean((2, 4))).all()
    assert float(da.chunk({"x": 30}).mean()) == pytest.approx(values.mean())
    assert (da.sel(band="green") == values[1]).all()


def test_it_loads_asynchronously(patch: Recipe) -> None:
    da = level_array(patch, 1).isel(x=slice(0, 20))

    async def both() -> list:
        return await asyncio.gather(da.load_async(), da.isel(y=[4, 9]).load_async())

    whole, rows = asyncio.run(both())
    assert (whole.values == generate(patch, 1, Window(0, 80, 0, 20))).all()
    assert (rows.values == whole.values[:, [4, 9]]).all()


def test_the_tree_holds_every_level(patch: Recipe) -> None:
    tree = level_tree(patch)
    assert tree.name == "patch"
    assert [tree[f"/{n}/image"].shape[1:] for n in range(4)] == [patch.grid.shape_at(n) for n in range(4)]
    assert tree.attrs["synthetic"] == SYNTHETIC
    assert tree["/3/image"].attrs["synthetic"] == SYNTHETIC
