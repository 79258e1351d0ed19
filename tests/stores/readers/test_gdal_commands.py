"""GDAL's own commands, of whatever version is installed, on stores of preset gdal."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import rasterio
from readable_stores import Written


def gdal(*arguments: str) -> str:
    """Run a command of GDAL; skip the test where there is none."""
    if shutil.which(arguments[0]) is None:
        pytest.skip(f"there is no {arguments[0]} here (Debian: apt-get install gdal-bin)")
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["patch", "ring"])
def test_every_band_is_a_raster_in_its_place(
    stores: dict[tuple[str, str], Written], name: str, tmp_path: Path
) -> None:
    store = stores[name, "gdal"]
    for level in store.levels:
        pixels, transform = store.pixels(level), store.transform(level)
        for band in range(3):
            part = f'ZARR:"{store.path}":/{level}/image:{band}'
            said = json.loads(gdal("gdalinfo", "-json", part))
            assert said["size"] == [pixels.shape[2], pixels.shape[1]]
            assert said["geoTransform"] == pytest.approx(transform.to_gdal())
            assert f'"EPSG",{store.epsg}' in said["coordinateSystem"]["wkt"]
        gdal("gdal_translate", "-q", part, str(tmp_path / f"{level}.tif"))
        with rasterio.open(tmp_path / f"{level}.tif") as raster:
            assert np.array_equal(raster.read(1), pixels[2])
            assert raster.crs.to_epsg() == store.epsg
            assert raster.transform.almost_equals(transform)


def test_the_levels_are_listed_and_nothing_else(stores: dict[tuple[str, str], Written]) -> None:
    said = gdal("gdalinfo", str(stores["patch", "gdal"].path))
    listed = {line.split("=", 1)[1] for line in said.splitlines() if "_NAME=" in line}
    assert {name.rsplit(":", 1)[1] for name in listed if name.endswith("image")} == {
        "/1/image",
        "/2/image",
        "/3/image",
    }
    assert "ledger" not in said
    assert "parents" not in said


def test_a_version_that_cannot_read_a_shard_says_so(stores: dict[tuple[str, str], Written]) -> None:
    if shutil.which("gdalinfo") is None:
        pytest.skip("there is no gdalinfo here (Debian: apt-get install gdal-bin)")
    name = f'ZARR:"{stores["patch", "default"].path}":/3/image:0'
    done = subprocess.run(["gdalinfo", "-json", name], capture_output=True, text=True, timeout=60)
    if done.returncode == 0:
        assert json.loads(done.stdout)["size"] == [240, 144]
    else:
        assert "gdalinfo failed - unable to open" in done.stderr
