"""Provenance law: every output says that it is synthetic and carries the recipe that reproduces it."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import rasterio
import store_jobs
import xarray as xr
import zarr
from drawings import UNCACHED
from pmtiles.reader import MmapSource, Reader

from geoinfinite.engine import generate
from geoinfinite.plane.window import Window
from geoinfinite.provenance import DIGITAL_SOURCE_TYPE
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.files.cog import write_cog
from geoinfinite.stores.files.map_archive import MapTiles
from geoinfinite.stores.files.mbtiles import write_mbtiles
from geoinfinite.stores.files.pmtiles import write_pmtiles
from geoinfinite.stores.files.png import write_png
from geoinfinite.stores.writing import write_zarr


def pmtiles_says(path: Path) -> dict[str, str]:
    with path.open("rb") as stream:
        return dict(Reader(MmapSource(stream)).metadata())


def mbtiles_says(path: Path) -> dict[str, str]:
    with contextlib.closing(sqlite3.connect(path)) as database:
        return dict(database.execute("SELECT name, value FROM metadata"))


def reproduced(recipe: str, level: int, window: list[int], folder: Path) -> np.ndarray:
    world = Recipe(**worldfile.parse(recipe, where="the output", folder=folder))
    return generate(world, level, Window(*window), resources=UNCACHED)


def test_a_store_reproduces_itself(ring: Recipe, tmp_path: Path) -> None:
    with dask.config.set(scheduler="synchronous"):
        write_zarr(store_jobs.crossing(ring), tmp_path / "a.zarr")
    said = zarr.open_group(tmp_path / "a.zarr", mode="r").attrs["geoinfinite"]
    assert "shows no real place" in said["synthetic"]
    assert said["token"] == ring.token
    again = reproduced(said["recipe"], said["level"], said["window"], tmp_path)
    assert (xr.open_zarr(tmp_path / "a.zarr", group="2").image.values == again).all()
    assert said["numerics"]["numpy"] == np.__version__


def test_every_level_says_so_alone(ring: Recipe, tmp_path: Path) -> None:
    write_zarr(store_jobs.crossing(ring), tmp_path / "a.zarr")
    for level, group in ((1, "parents/1"), (2, "2")):
        ds = xr.open_zarr(tmp_path / "a.zarr", group=group, consolidated=False)
        for attrs in (ds.attrs, ds.image.attrs):
            assert attrs["synthetic"].startswith("Synthetic imagery")
            assert attrs["digital_source_type"] == DIGITAL_SOURCE_TYPE
            assert attrs["geoinfinite_token"] == ring.token
            assert attrs["geoinfinite_level"] == level


@pytest.mark.parametrize(("write", "read"), [(write_pmtiles, pmtiles_says), (write_mbtiles, mbtiles_says)])
def test_map_tiles_say_what_they_were_made_of(ring: Recipe, tmp_path: Path, write: Any, read: Any) -> None:
    plan = store_jobs.crossing(ring)
    said = read(write(plan, tmp_path / "a.tiles", tiles=MapTiles(max_zoom=0)))
    assert "shows no real place" in said["synthetic"]
    assert said["digital_source_type"] == DIGITAL_SOURCE_TYPE
    world = Recipe(**worldfile.parse(said["geoinfinite_recipe"], where="the output", folder=tmp_path))
    assert world.token == ring.token == said["geoinfinite_token"]
    place = int(said["geoinfinite_level"]), [int(edge) for edge in said["geoinfinite_window"].split()]
    assert (place[0], Window(*place[1])) == (plan.level, plan.window)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize(("write", "name"), [(write_cog, "a.tif"), (write_png, "a.png")])
def test_a_file_reproduces_itself(ring: Recipe, tmp_path: Path, write: object, name: str) -> None:
    write(store_jobs.crossing(ring), tmp_path / name)
    with rasterio.open(tmp_path / name) as file:
        tags, pixels = file.tags(), file.read()
    assert "shows no real place" in tags["synthetic"]
    assert tags["geoinfinite_token"] == ring.token
    window = [int(v) for v in tags["geoinfinite_window"].split()]
    again = reproduced(tags["geoinfinite_recipe"], int(tags["geoinfinite_level"]), window, tmp_path)
    assert (pixels == again).all()
