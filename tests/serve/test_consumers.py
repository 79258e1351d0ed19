"""Programs that others wrote read the served map tiles: GDAL's command line."""

from __future__ import annotations

import shutil
import subprocess
import urllib.request
from pathlib import Path

import morecantile
import pytest
from command_line import read
from served import on_a_port, ring, served

from geoinfinite.serve.limits import Limits

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def gdal(*arguments: str) -> str:
    """What a command of GDAL prints; skip the test where it is not installed."""
    if shutil.which(arguments[0], path="/usr/bin:/usr/local/bin") is None:
        pytest.skip(f"there is no {arguments[0]} here (Debian: apt-get install gdal-bin)")
    program = shutil.which(arguments[0], path="/usr/bin:/usr/local/bin")
    # A cache of GDAL's own would answer for an earlier server.
    environment = {"PATH": "/usr/bin:/bin", "GDAL_ENABLE_WMS_CACHE": "NO", "no_proxy": "*"}
    done = subprocess.run(
        [str(program), *arguments[1:]], check=True, capture_output=True, text=True, env=environment
    )
    return done.stdout


def test_gdal_reads_the_wmts_as_the_map_tiles_are(tmp_path: Path) -> None:
    tile = morecantile.Tile(x=4, y=2, z=3)
    left, bottom, right, top = morecantile.tms.get("WebMercatorQuad").xy_bounds(tile)
    with served(ring(tmp_path), Limits(workers=1)) as server, on_a_port(server) as address:
        source = f"WMTS:{address}/wmts.xml,layer=image"
        assert "Size is 2048, 2048" in gdal("gdalinfo", source)
        window = ["-projwin", *map(str, (left, top, right, bottom)), "-outsize", "256", "256"]
        gdal("gdal_translate", "-q", *window, source, str(tmp_path / "read.tif"))
        with urllib.request.urlopen(f"{address}/tiles/WebMercatorQuad/3/4/2.png", timeout=30) as answer:
            (tmp_path / "asked.png").write_bytes(answer.read())
    # GDAL adds an alpha band.
    assert (read(tmp_path / "read.tif")[:3] == read(tmp_path / "asked.png")[:3]).all()
