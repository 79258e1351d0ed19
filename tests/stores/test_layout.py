"""What is on disk: read with zarr, xarray and rioxarray, compared with the grid."""

from __future__ import annotations

import json
import warnings
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


def test_xarray_opens_every_level_without_a_warning(written: tuple[Plan, Path]) -> None:
    plan, path = written
    for stage in plan.stages:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ds = xr.open_zarr(path, group=str(stage.level), decode_coords="all")
        assert ds.image.dims == ("band", "y", "x")
        assert list(ds.data_vars) == ["image"]
        assert (ds.image.values == generate(plan.recipe, stage.level, stage.window)).all()


@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
def test_rioxarray_knows_where_it_lies(written: tuple[Plan, Path]) -> None:
    plan, path = written
    grid = plan.recipe.grid
    for stage in plan.stages:
        image = xr.open_zarr(path, group=str(stage.level), decode_coords="all").image
        assert image.rio.crs.to_epsg() == 4326
        assert image.rio.transform().almost_equals(grid.transform(stage.level, stage.window))
        assert image.rio.bounds() == pytest.approx(grid.bounds(stage.level, stage.window))
        assert float(image.x[1]) == pytest.approx(
            grid.origin[0] + (stage.window.x0 + 1.5) * grid.resolution_at(stage.level)
        )


def test_the_hierarchy_opens_as_a_tree(written: tuple[Plan, Path]) -> None:
    tree = xr.open_datatree(written[1], engine="zarr")
    assert tree.groups == ("/", "/1", "/2", "/ledger")


def test_metadata_name_their_conventions_and_agree(written: tuple[Plan, Path]) -> None:
    plan, path = written
    root = zarr.open_group(path, mode="r")
    assert [c["name"] for c in root.attrs["zarr_conventions"]] == ["multiscales", "spatial", "proj"]
    for entry, stage in zip(root.attrs["multiscales"]["layout"], plan.stages, strict=True):
        level = root[entry["asset"]]
        assert entry["spatial:shape"] == level.attrs["spatial:shape"] == list(level["image"].shape[1:])
        assert entry["spatial:transform"] == level.attrs["spatial:transform"]
        assert level.attrs["spatial:bbox"] == list(plan.recipe.grid.bounds(stage.level, stage.window))
        assert level.attrs["proj:code"] == "EPSG:4326"
        read = xr.open_zarr(path, group=entry["asset"]).image.rio.transform()
        assert read[:6] == pytest.approx(entry["spatial:transform"], rel=1e-12)
    scale, offset = entry["transform"]["scale"][1], entry["transform"]["translation"][1]
    parent = root.attrs["multiscales"]["layout"][0]["spatial:transform"]
    assert parent[2] + offset * parent[0] == pytest.approx(entry["spatial:transform"][2])
    assert scale == entry["spatial:transform"][0] / parent[0]


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
