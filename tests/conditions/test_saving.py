"""Data in memory become files that conditions read back as they were."""

from __future__ import annotations

from pathlib import Path

import geopandas
import grounds
import numpy as np
import pytest
import rasterio
import rioxarray  # noqa: F401
import shapely
import xarray as xr
from grounds import GRIDS

import geoinfinite as gi
from geoinfinite.conditions import Place, Raster, Text
from geoinfinite.errors import WorldError
from geoinfinite.told import Slot

GRID = GRIDS["EPSG:32632"]


def array(rows: int = 320, columns: int = 240) -> xr.DataArray:
    """On the grid's own pixels, south up, its bands named, its dimensions in another order."""
    values = grounds.noise((2, rows, columns)).astype(np.float32)
    step, (left, top) = GRID.resolution, GRID.origin
    labels = {
        "band": ["nir", "red"],
        "y": top - (np.arange(rows) + 0.5) * step,
        "x": left + (np.arange(columns) + 0.5) * step,
    }
    da = xr.DataArray(values, labels, ("band", "y", "x")).rio.write_crs(GRID.crs)
    return da.isel(y=slice(None, None, -1)).transpose("y", "band", "x")


def test_an_array_is_told_as_it_was(tmp_path: Path) -> None:
    da = array()
    path = gi.conditions.save(da, tmp_path / "a.tif")
    slot = Slot("hint", "raster", bands=("red", "nir"), channels=2)
    told = Raster("hint", str(path)).told(Place(GRID, 0, GRID.full(0)), slot)
    wanted = da.sel(band=["red", "nir"]).transpose("band", "y", "x").isel(y=slice(None, None, -1))
    np.testing.assert_array_equal(told, wanted.values)


def test_large_arrays_have_overviews_and_nodata_is_kept(tmp_path: Path) -> None:
    da = array(1100, 40).rio.write_nodata(7.0)
    with rasterio.open(gi.conditions.save(da, tmp_path / "b.tif")) as raster:
        assert raster.overviews(1) == [2, 4]
        assert raster.nodata == 7.0


def test_polygons_are_told_as_they_were(tmp_path: Path) -> None:
    box = shapely.box(9.01, 46.92, 9.02, 46.93)
    frame = geopandas.GeoDataFrame({"text": ["dunes"]}, geometry=[box], crs="EPSG:4326")
    path = gi.conditions.save(frame, tmp_path / "r.gpkg")
    grid = GRIDS["EPSG:4326"]
    told = Text("prompt", "sea", source=str(path), column="text").told(
        Place(grid, 0, grid.full(0)), Slot("prompt", "text")
    )
    assert told.prompts == ("sea", "dunes")
    assert told.shares[1].sum() == 40 * 40


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (
            xr.DataArray([[1.0]], dims=("y", "x")),
            "a.tif",
            r"data has no CRS; give it one: data.rio.write",
        ),
        (array(9, 9), "a.png", r"the ending is not one of .tif, .tiff; choose one"),
        (array(9, 9).expand_dims("time").expand_dims("run"), "a.tif", r"has dimensions .*; select one of"),
        (
            geopandas.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(0, 0)]),
            "a.gpkg",
            r"has no CRS; give",
        ),
        ([1, 2], "a.tif", r"save\(list\): data must be a DataArray or a GeoDataFrame"),
    ],
)
def test_what_cannot_be_saved(tmp_path: Path, data: object, name: str, message: str) -> None:
    with pytest.raises(WorldError, match=message):
        gi.conditions.save(data, tmp_path / name)
