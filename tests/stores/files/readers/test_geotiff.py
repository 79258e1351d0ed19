"""GeoTIFFs in the programs that people have: each sees the same CRS, place, pixels and bands."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import odc.geo.xr  # noqa: F401  it registers .odc
import pytest
import rasterio
import rio_cogeo
import rioxarray
import xarray as xr
from fastapi import FastAPI
from file_cases import LEVEL, MARK, WINDOW, WrittenCase, mark
from PIL import Image, UnidentifiedImageError
from rasterio.enums import MaskFlags
from rasterio.io import MemoryFile
from rio_tiler.io import Reader
from starlette.testclient import TestClient
from titiler.core.factory import TilerFactory

from geoinfinite.arrays.dataarray import level_array

PILLOW_READS = {("uint8", 3), ("uint16", 1), ("float32", 1)}


def test_rio_cogeo_has_nothing_to_say(files: WrittenCase) -> None:
    assert rio_cogeo.cog_validate(files.tif, strict=True, quiet=True) == (True, [], [])


def test_rasterio(files: WrittenCase) -> None:
    with rasterio.open(files.tif) as file:
        assert (file.crs.to_epsg(), file.transform) == (files.case.epsg, files.transform)
        assert file.descriptions == tuple(files.names)
        assert file.dtypes == (files.case.dtype,) * files.case.bands
        assert np.array_equal(file.read(), files.pixels)
        assert file.nodata is None
        assert set(map(tuple, file.mask_flag_enums)) == {(MaskFlags.all_valid,)}


def test_rioxarray(files: WrittenCase) -> None:
    with rioxarray.open_rasterio(files.tif) as da:
        assert da.rio.crs.to_epsg() == files.case.epsg
        assert da.rio.transform() == files.transform
        assert (da.x.values[17], da.y.values[5]) == pytest.approx(files.where(5, 17), rel=1e-12)
        assert np.array_equal(da.values, files.pixels)


@pytest.mark.parametrize("engine", ["geoinfinite", "rasterio"])
def test_xarray(files: WrittenCase, engine: str) -> None:
    with xr.open_dataset(files.tif, engine=engine) as dataset:
        da = dataset["image" if engine == "geoinfinite" else "band_data"]
        assert np.array_equal(da.values, files.pixels)
        if engine == "geoinfinite":
            xr.testing.assert_identical(
                da.load(), level_array(files.plan.recipe, LEVEL, window=WINDOW).load()
            )


def test_odc_geo(files: WrittenCase) -> None:
    with rioxarray.open_rasterio(files.tif) as da:
        geobox = da.odc.geobox
    assert (geobox.crs.epsg, tuple(geobox.shape)) == (files.case.epsg, WINDOW.shape)
    assert tuple(geobox.transform) == pytest.approx(tuple(files.transform), rel=1e-12)


def test_rio_tiler(files: WrittenCase) -> None:
    with Reader(files.tif) as reader:
        image = reader.read(indexes=tuple(range(1, files.case.bands + 1)))
        assert np.array_equal(image.array.data, files.pixels)
        assert not image.array.mask.any()
        assert image.crs.to_epsg() == files.case.epsg
        assert image.bounds == pytest.approx(files.plan.recipe.grid.bounds(LEVEL, WINDOW), rel=1e-12)
        point = reader.point(*files.where(5, 17), coord_crs=image.crs)
        assert np.array_equal(point.array.data, files.pixels[:, 5, 17])


def test_titiler(files: WrittenCase) -> None:
    application = FastAPI()
    application.include_router(TilerFactory().router)
    with TestClient(application) as client:
        said = client.get("/info", params={"url": str(files.tif)}).json()
        assert said["crs"].endswith(f"/EPSG/0/{files.case.epsg}")
        assert [description for _, description in said["band_descriptions"]] == files.names
        box = ",".join(map(repr, files.plan.recipe.grid.bounds(LEVEL, WINDOW)))
        height, width = WINDOW.shape
        crs = f"EPSG:{files.case.epsg}"
        answer = client.get(
            f"/bbox/{box}/{width}x{height}.tif",
            params={"url": str(files.tif), "coord_crs": crs, "dst_crs": crs, "return_mask": False},
        )
    assert answer.status_code == 200, answer.text
    with MemoryFile(answer.content) as memory, memory.open() as file:
        assert np.array_equal(file.read(), files.pixels)
        assert tuple(file.transform) == pytest.approx(tuple(files.transform), rel=1e-9)


def gdal(command: str, *arguments: str) -> str:
    """What a command of GDAL prints, of the version that the operating system has."""
    if shutil.which(command) is None:
        pytest.skip(f"there is no {command} here (Debian: apt-get install gdal-bin)")
    return subprocess.run([command, *arguments], check=True, capture_output=True, text=True).stdout


def test_gdal_on_the_command_line(files: WrittenCase, tmp_path: Path) -> None:
    said = json.loads(gdal("gdalinfo", "-json", str(files.tif)))
    left, width, _, top, _, height = said["geoTransform"]
    transform = files.transform
    assert (left, top, width, height) == (transform.c, transform.f, transform.a, transform.e)
    assert said["stac"]["proj:epsg"] == files.case.epsg
    assert [band["description"] for band in said["bands"]] == files.names
    raw = str(tmp_path / "raw")
    gdal("gdal_translate", "-q", "-of", "ENVI", "-co", "INTERLEAVE=BSQ", str(files.tif), raw)
    pixels = np.fromfile(raw, files.case.dtype)
    assert np.array_equal(pixels.reshape(files.pixels.shape), files.pixels)


def test_pillow(files: WrittenCase) -> None:
    if (files.case.dtype, files.case.bands) not in PILLOW_READS:
        with pytest.raises(UnidentifiedImageError, match="cannot identify image file"):
            Image.open(files.tif)
        return
    with Image.open(files.tif) as image:
        pixels = np.asarray(image)
        assert mark(image.tag_v2[700].decode()) == MARK
    expected = files.pixels[0] if files.case.bands == 1 else files.pixels.transpose(1, 2, 0)
    assert np.array_equal(pixels, expected)


def test_the_mark_of_synthetic_media(files: WrittenCase) -> None:
    with rasterio.open(files.tif) as file:
        assert mark(file.tags(ns="xml:XMP")["xml:XMP"]) == MARK
