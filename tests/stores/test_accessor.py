"""``gi.plan(da)`` and ``da.geoinfinite``: what was selected is what is planned and written."""

from __future__ import annotations

from pathlib import Path

import dask
import pytest
import rasterio
import small_worlds
import store_jobs
import xarray as xr
from dask.delayed import Delayed
from s3_server import S3Server

from geoinfinite.errors import StoreError
from geoinfinite.plane.window import Window
from geoinfinite.stores.accessor import plan, resume
from geoinfinite.stores.entrypoint import StoreEntrypoint
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.planning import plan_window
from geoinfinite.stores.verification import verify
from geoinfinite.world import World

pytestmark = [
    pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
]


@pytest.fixture
def selected(tmp_path: Path) -> tuple[World, xr.DataArray]:
    recipe = small_worlds.ring_world(tmp_path)
    world = World(**{name: getattr(recipe, name) for name in recipe.__dataclass_fields__})
    return world, world.array(level=2).isel(y=slice(10, 70), x=slice(100, 190))


def test_the_plan_is_that_of_the_selection(selected: tuple[World, xr.DataArray]) -> None:
    world, da = selected
    assert plan(da) == da.geoinfinite.plan() == plan_window(world, 2, Window(10, 70, 100, 190))
    assert plan(da, shard=48).stages[-1].shard == 48


def test_everything_written_is_what_compute_gives(
    selected: tuple[World, xr.DataArray], tmp_path: Path
) -> None:
    _, da = selected
    values = da.values
    with dask.config.set(scheduler="synchronous"):
        assert da.geoinfinite.to_zarr(tmp_path / "a.zarr", progress=False).drawn > 0
        assert da.geoinfinite.to_zarr(tmp_path / "a.zarr", progress=False).drawn == 0
        da.geoinfinite.to_cog(tmp_path / "a.tif", progress=False)
        da.geoinfinite.to_png(tmp_path / "a.png", progress=False)
    stored = xr.open_zarr(tmp_path / "a.zarr", group="2").image
    assert (stored.values == values).all()
    assert stored.x.values == pytest.approx(da.x.values)
    assert stored.y.values == pytest.approx(da.y.values)
    for name in ("a.tif", "a.png"):
        with rasterio.open(tmp_path / name) as file:
            assert (file.read() == values).all()


def test_progress_is_shown_unless_told_otherwise(
    selected: tuple[World, xr.DataArray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, da = selected
    da.geoinfinite.to_zarr(tmp_path / "a.zarr", progress=False)
    assert capsys.readouterr() == ("", "")
    da.geoinfinite.to_zarr(tmp_path / "b.zarr")
    assert "tiles drawn in" in capsys.readouterr().err


def test_a_computed_array_has_no_plan(selected: tuple[World, xr.DataArray]) -> None:
    with pytest.raises(StoreError, match=r"no longer a window of a world"):
        plan(selected[1] + 1)


def test_an_array_knows_what_it_is_a_window_of(selected: tuple[World, xr.DataArray]) -> None:
    world, da = selected
    assert da.geoinfinite.world == world
    assert isinstance(da.geoinfinite.world, World)
    assert (da.geoinfinite.level, da.geoinfinite.window) == (2, Window(10, 70, 100, 190))
    with pytest.raises(StoreError, match=r"no longer a window of a world"):
        _ = (da + 1).geoinfinite.level


def test_a_store_is_resumed_from_nothing_but_itself(
    selected: tuple[World, xr.DataArray], tmp_path: Path
) -> None:
    da = selected[1]
    da.geoinfinite.to_zarr(tmp_path / "a.zarr", progress=False)
    before = store_jobs.contents(tmp_path / "a.zarr")
    store_jobs.records(tmp_path / "a.zarr")[0].unlink()
    assert resume(str(tmp_path / "a.zarr"), progress=False).drawn == 1
    assert store_jobs.contents(tmp_path / "a.zarr") == before


def test_a_url_takes_its_options(selected: tuple[World, xr.DataArray], tmp_path: Path, s3: S3Server) -> None:
    da, url = selected[1], f"{s3.bucket('accessor')}/a.zarr"
    da.geoinfinite.to_zarr(url, progress=False, storage_options=s3.options)
    assert verify(url, storage_options=s3.options)
    assert resume(url, progress=False, storage_options=s3.options).drawn == 0
    stored = xr.open_zarr(open_objects(url, s3.options).zarr_store(), group="2").image
    assert (stored.values == da.values).all()
    with pytest.raises(StoreError, match=r"storage_options are for URLs such as s3://BUCKET/PATH"):
        da.geoinfinite.to_zarr(tmp_path / "a.zarr", storage_options=s3.options)


@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "processes"])
def test_a_store_that_is_drawn_later_is_the_same(
    selected: tuple[World, xr.DataArray], tmp_path: Path, scheduler: str
) -> None:
    da = selected[1]
    later = da.geoinfinite.to_zarr(tmp_path / "later.zarr", compute=False)
    assert isinstance(later, Delayed)
    assert len(verify(tmp_path / "later.zarr").missing) == da.geoinfinite.plan().shards
    report = later.compute(scheduler=scheduler)
    assert report.drawn == report.shards > 0
    assert verify(tmp_path / "later.zarr")
    da.geoinfinite.to_zarr(tmp_path / "now.zarr", progress=False)
    assert store_jobs.contents(tmp_path / "later.zarr") == store_jobs.contents(tmp_path / "now.zarr")


def test_a_store_that_is_drawn_later_is_refused_now(
    selected: tuple[World, xr.DataArray], tmp_path: Path
) -> None:
    _, da = selected
    da.geoinfinite.to_zarr(tmp_path / "a.zarr", progress=False)
    with pytest.raises(StoreError, match=r"a.zarr holds another job: window="):
        da.isel(x=slice(5, None)).geoinfinite.to_zarr(tmp_path / "a.zarr", compute=False)


@pytest.mark.parametrize("bands", [[1], [2, 0], [2, 1, 0], [0, 1, 2]])
def test_some_bands_are_a_file_with_their_names(
    selected: tuple[World, xr.DataArray], tmp_path: Path, bands: list[int]
) -> None:
    da = selected[1].isel(band=bands)
    for name, part in (("a.tif", da), ("b.tif", da.transpose("y", "x", "band"))):
        part.geoinfinite.to_cog(tmp_path / name, progress=False)
        with rasterio.open(tmp_path / name) as file:
            assert (file.read() == da.values).all()
            assert file.descriptions == tuple(["red", "green", "blue"][b] for b in bands)
            whole = bands == [0, 1, 2]
            assert file.colorinterp[0].name == ("red" if whole else "gray")
            assert ("geoinfinite_bands" in file.tags()) is not whole
    with xr.open_dataset(tmp_path / "a.tif", engine=StoreEntrypoint) as opened:
        xr.testing.assert_identical(opened.image.load(), da.load())


def test_one_band_that_was_picked_is_a_file_of_one(
    selected: tuple[World, xr.DataArray], tmp_path: Path
) -> None:
    da = selected[1].sel(band="green")
    da.geoinfinite.to_cog(tmp_path / "a.tif", progress=False)
    da.geoinfinite.to_png(tmp_path / "a.png", progress=False)
    for name in ("a.tif", "a.png"):
        with rasterio.open(tmp_path / name) as file:
            assert (file.read() == da.values[None]).all()


def test_a_store_of_some_bands_is_refused_with_remedies_that_work(
    selected: tuple[World, xr.DataArray], tmp_path: Path
) -> None:
    _, da = selected
    for part in (da.isel(band=[2, 0]), da.transpose("y", "x", "band")):
        with pytest.raises(
            StoreError, match=r"a store holds all bands as \(band, y, x\).*rio.to_raster\(PATH\)"
        ):
            part.geoinfinite.to_zarr(tmp_path / "a.zarr")
    part = da.isel(band=[2, 0])
    part.rio.to_raster(tmp_path / "a.tif")
    with rasterio.open(tmp_path / "a.tif") as file:
        assert (file.read() == part.values).all()


def test_a_store_in_a_bucket_is_its_array(
    selected: tuple[World, xr.DataArray], tmp_path: Path, s3: S3Server
) -> None:
    da, url = selected[1], f"{s3.bucket('identical')}/a.zarr"
    da.geoinfinite.to_zarr(url, progress=False, storage_options=s3.options)
    da.geoinfinite.to_zarr(tmp_path / "a.zarr", progress=False)
    there = xr.open_dataset(url, engine=StoreEntrypoint, storage_options=s3.options).image
    here = xr.open_dataset(tmp_path / "a.zarr", engine=StoreEntrypoint).image
    for stored in (there, here):
        xr.testing.assert_identical(stored.load(), da.load())


def test_plain_xarray_finds_labels_and_crs(selected: tuple[World, xr.DataArray], tmp_path: Path) -> None:
    da = selected[1]
    da.geoinfinite.to_zarr(tmp_path / "a.zarr", progress=False)
    stored = xr.open_zarr(tmp_path / "a.zarr", group="2").image
    assert "spatial_ref" in stored.coords
    assert stored.rio.crs.to_epsg() == 4326
    assert stored.sel(band="blue").rio.crs.to_epsg() == 4326
    for name in ("band", "y", "x"):
        assert stored[name].values.tolist() == da[name].values.tolist()
    assert da.attrs.items() <= stored.attrs.items()
    stored.rio.to_raster(tmp_path / "a.tif")
    with rasterio.open(tmp_path / "a.tif") as file:
        assert file.crs.to_epsg() == 4326
        assert (file.read() == da.values).all()
    root = xr.open_zarr(tmp_path / "a.zarr")
    assert root.level.values.tolist() == [2]
    assert (root.rows.values[0], root.columns.values[0]) == da.shape[1:]
    assert 'open_zarr(STORE, group="2")' in root.attrs["about"]
    assert root.attrs["geoinfinite_token"] == da.geoinfinite.world.token


@pytest.mark.parametrize("preset", ["default", "gdal"])
def test_a_widened_array_lists_a_pyramid(
    selected: tuple[World, xr.DataArray], tmp_path: Path, preset: str
) -> None:
    world, da = selected
    wide = da.geoinfinite.aligned(2)
    assert wide.geoinfinite.window == Window(0, 80, 96, 192)
    assert (wide.sel(x=da.x, y=da.y) == da).all()
    wide.geoinfinite.to_zarr(tmp_path / "a.zarr", preset=preset, progress=False)
    stored = xr.open_dataset(tmp_path / "a.zarr", engine=StoreEntrypoint).image
    xr.testing.assert_identical(stored.load(), wide.load())
    assert xr.open_zarr(tmp_path / "a.zarr").level.values.tolist() == [2, 1]
    coarser = xr.open_dataset(tmp_path / "a.zarr", engine=StoreEntrypoint, level=1).image
    xr.testing.assert_identical(coarser.load(), world.array(1, window=Window(0, 20, 24, 48)).load())
    # The whole window is of whole pixels of level 0, too, which is a raster and not stored.
    assert stored.attrs["digital_source_type"].endswith("/trainedAlgorithmicMedia")
