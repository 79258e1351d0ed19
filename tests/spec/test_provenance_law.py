"""Provenance law: every output says that it is synthetic and carries the recipe that reproduces it."""

from __future__ import annotations

from pathlib import Path

import dask
import numpy as np
import pytest
import rasterio
import store_jobs
import xarray as xr
import zarr
from drawings import UNCACHED

from geoinfinite.engine import generate
from geoinfinite.plane.window import Window
from geoinfinite.provenance import DIGITAL_SOURCE_TYPE
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.pictures import write_cog, write_png
from geoinfinite.stores.writing import write_zarr


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
