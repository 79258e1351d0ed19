"""What is on disk: read with zarr, xarray and rioxarray, compared with the grid."""

from __future__ import annotations

import itertools
import json
import warnings
from dataclasses import replace
from pathlib import Path

import dask
import numpy as np
import pytest
import rioxarray  # noqa: F401  (registers .rio)
import store_jobs
import xarray as xr
import zarr
from zarr.codecs import ZstdCodec

from geoinfinite.engine import generate
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores import layout
from geoinfinite.stores.identity import Header, numerics_profile
from geoinfinite.stores.manifest import begin, mend
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.planning import Plan, plan_window
from geoinfinite.stores.writing import write_zarr


@pytest.fixture
def written(ring: Recipe, tmp_path: Path) -> tuple[Plan, Path]:
    plan = store_jobs.crossing(ring)
    with dask.config.set(scheduler="synchronous"):
        write_zarr(plan, tmp_path / "ring.zarr")
    return plan, tmp_path / "ring.zarr"


@pytest.fixture
def pyramid(patch: Recipe, tmp_path: Path) -> tuple[Plan, Path]:
    """Three levels of one extent, off the lattices of all."""
    plan = plan_window(patch, 3, Window(176, 272, 432, 640))
    with dask.config.set(scheduler="synchronous"):
        write_zarr(plan, tmp_path / "pyramid.zarr")
    return plan, tmp_path / "pyramid.zarr"


def test_xarray_opens_every_level_without_a_warning(written: tuple[Plan, Path]) -> None:
    plan, path = written
    for stage in plan.stored:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ds = xr.open_zarr(path, group=stage.group, decode_coords="all", consolidated=False)
        assert ds.image.dims == ("band", "y", "x")
        assert list(ds.data_vars) == ["image"]
        assert (ds.image.values == generate(plan.recipe, stage.level, stage.window)).all()


@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
def test_rioxarray_knows_where_it_lies(written: tuple[Plan, Path]) -> None:
    plan, path = written
    grid = plan.recipe.grid
    for stage in plan.stored:
        image = xr.open_zarr(path, group=stage.group, decode_coords="all", consolidated=False).image
        assert image.rio.crs.to_epsg() == 4326
        assert image.rio.transform().almost_equals(grid.transform(stage.level, stage.window))
        assert image.rio.bounds() == pytest.approx(grid.bounds(stage.level, stage.window))
        assert float(image.x[1]) == pytest.approx(
            grid.origin[0] + (stage.window.x0 + 1.5) * grid.resolution_at(stage.level)
        )


def test_the_hierarchy_opens_as_a_tree(written: tuple[Plan, Path]) -> None:
    tree = xr.open_datatree(written[1], engine="zarr")
    assert tree.groups == ("/", "/2")
    everything = zarr.open_group(written[1], mode="r", use_consolidated=False)
    assert sorted(everything.group_keys()) == ["2", "ledger", "parents"]


def test_metadata_name_their_conventions_and_agree(pyramid: tuple[Plan, Path]) -> None:
    path = pyramid[1]
    root = zarr.open_group(path, mode="r")
    assert [c["name"] for c in root.attrs["zarr_conventions"]] == ["multiscales", "spatial", "proj", "coords"]
    layout = root.attrs["multiscales"]["layout"]
    assert [entry["asset"] for entry in layout] == ["3", "2", "1"]
    assert [entry["spatial:shape"] for entry in layout] == [[96, 208], [24, 52], [6, 13]]
    for entry in layout:
        level = root[entry["asset"]]
        assert entry["spatial:shape"] == level.attrs["spatial:shape"] == list(level["image"].shape[1:])
        assert entry["spatial:transform"] == level.attrs["spatial:transform"]
        assert level.attrs["spatial:bbox"] == root.attrs["spatial:bbox"]
        assert level.attrs["proj:code"] == root.attrs["proj:code"] == "EPSG:32633"
        assert level["image"].attrs["spatial:dimensions"] == root.attrs["spatial:dimensions"] == ["y", "x"]
        read = xr.open_zarr(path, group=entry["asset"]).image.rio.transform()
        assert read[:6] == pytest.approx(entry["spatial:transform"], rel=1e-12)
    for finer, coarser in itertools.pairwise(layout):
        assert coarser["derived_from"] == finer["asset"]
        assert coarser["transform"] == {"scale": [4.0, 4.0], "translation": [0.0, 0.0]}
        assert coarser["spatial:transform"][0] == 4 * finer["spatial:transform"][0]


def test_listed_levels_are_averages_of_each_other(pyramid: tuple[Plan, Path]) -> None:
    plan, path = pyramid
    for stage in plan.listed:
        image = xr.open_zarr(path, group=stage.group).image.values
        assert (image == generate(plan.recipe, stage.level, stage.window)).all()
        if stage.level < plan.level:
            finer = xr.open_zarr(path, group=str(stage.level + 1)).image.values.astype(float)
            bands, rows, columns = image.shape
            assert (finer.reshape(bands, rows, 4, columns, 4).mean(axis=(2, 4)) == image).all()


def test_levels_that_keep_no_means_are_said_to_be_drawn_on_each_other(patch: Recipe, tmp_path: Path) -> None:
    free = patch.replace(sampler=replace(patch.sampler, consistency="none"))
    plan = plan_window(free, 2, Window(64, 80, 100, 124))
    write_zarr(plan, tmp_path / "free.zarr")
    finer, coarser = zarr.open_group(tmp_path / "free.zarr", mode="r").attrs["multiscales"]["layout"]
    assert (finer["derived_from"], finer["transform"]["scale"]) == ("1", [0.25, 0.25])
    assert "derived_from" not in coarser
    stored = xr.open_zarr(tmp_path / "free.zarr", group="1").image
    assert (stored.values == generate(free, 1, Window(16, 20, 25, 31))).all()


def test_a_shard_is_the_object_that_zarr_writes(written: tuple[Plan, Path], tmp_path: Path) -> None:
    plan, path = written
    image = layout.open_image(open_objects(path), 2)
    assert image.shards == (3, 72, 72)
    plain = zarr.create_array(
        tmp_path / "plain.zarr",
        shape=image.shape,
        shards=image.shards,
        chunks=image.chunks,
        dtype="uint8",
        compressors=ZstdCodec(level=3, checksum=True),
        fill_value=0,
        config={"write_empty_chunks": True},
    )
    plain[:] = generate(plan.recipe, 2, plan.window)
    ours = {k: v for k, v in store_jobs.contents(path / "2" / "image").items() if k != "zarr.json"}
    theirs = {k: v for k, v in store_jobs.contents(tmp_path / "plain.zarr").items() if k != "zarr.json"}
    assert len(ours) == 15
    assert ours == theirs


def test_the_ledger_is_an_array(written: tuple[Plan, Path]) -> None:
    ledger = layout.open_ledger(open_objects(written[1]), 2)
    assert ledger.shape == (3, 5, 32)
    assert len(np.unique(ledger[:].reshape(15, 32), axis=0)) == 15


def test_creating_the_whole_earth_takes_kilobytes(tmp_path: Path) -> None:
    world = worldfile.load("analytic", Recipe)
    plan = plan_window(world, 7, world.grid.full(7))
    path = tmp_path / "earth.zarr"
    header = Header.of(plan, numerics_profile(world))
    mend(open_objects(path), plan, begin(open_objects(path), plan, header))
    assert zarr.open_group(path, mode="r")["7/image"].shape == (3, 44_236_800, 88_473_600)
    assert "x" not in zarr.open_group(path, mode="r")["7"]
    assert sum(len(b) for b in store_jobs.contents(path).values()) < 8_000_000


def test_nothing_in_a_store_tells_the_time(written: tuple[Plan, Path]) -> None:
    text = json.dumps(json.loads((written[1] / "zarr.json").read_text()))
    for word in ("created", "date", "time", "history"):
        assert f'"{word}' not in text


def test_a_projected_store_names_its_units(patch: Recipe, tmp_path: Path) -> None:
    plan = plan_window(patch, 1, Window(5, 31, 60, 97))
    write_zarr(plan, tmp_path / "patch.zarr")
    image = xr.open_zarr(tmp_path / "patch.zarr", group="1", decode_coords="all").image
    assert image.x.attrs["units"] == "metre"
    assert image.rio.crs.to_epsg() == 32633
    assert image.spatial_ref.attrs["projected_crs_name"] == "WGS 84 / UTM zone 33N"


def test_a_row_of_pixels_has_its_transform_in_the_store(ring: Recipe, tmp_path: Path) -> None:
    plan = plan_window(ring, 1, Window(5, 6, 3, 40))
    write_zarr(plan, tmp_path / "row.zarr")
    image = xr.open_zarr(tmp_path / "row.zarr", group="1").image
    assert image.rio.transform()[:6] == ring.grid.transform(1, plan.window)[:6]
