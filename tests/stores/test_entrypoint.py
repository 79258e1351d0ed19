"""A store is its array: what the engine opens is what was lazy, bit for bit and by every label."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import rioxarray
import small_worlds
import xarray as xr
from s3_server import S3Server

import geoinfinite  # noqa: F401  it registers the accessor
from geoinfinite.arrays import level_array, level_dataset
from geoinfinite.arrays.index import GridIndex
from geoinfinite.errors import StoreError
from geoinfinite.plane.grid import Grid
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.recipe.root import Root
from geoinfinite.stores.entrypoint import StoreEntrypoint


@pytest.fixture
def lazy(patch: Recipe) -> xr.DataArray:
    return level_array(patch, 2).isel(x=slice(33, 130), y=slice(50, 101))


@pytest.fixture
def store(lazy: xr.DataArray, tmp_path: Path) -> Path:
    lazy.geoinfinite.to_zarr(tmp_path / "cut.zarr", progress=False)
    return tmp_path / "cut.zarr"


@pytest.fixture
def geotiff(lazy: xr.DataArray, tmp_path: Path) -> Path:
    return lazy.geoinfinite.to_cog(tmp_path / "cut.tif", progress=False)


def opened(place, **options) -> xr.Dataset:
    return xr.open_dataset(place, engine=StoreEntrypoint, **options)


@pytest.mark.parametrize("chunks", [None, {}])
@pytest.mark.parametrize("level", [None, 2])
def test_a_store_opens_as_the_array_that_was_written(lazy, store: Path, level, chunks) -> None:
    stored = opened(store, level=level, chunks=chunks)
    xr.testing.assert_identical(lazy.load(), stored.image.load())
    assert stored.attrs == lazy.attrs
    assert isinstance(stored.xindexes["x"], GridIndex)


def test_a_geotiff_opens_as_the_array_that_was_written(lazy, geotiff: Path) -> None:
    stored = opened(geotiff)
    xr.testing.assert_identical(lazy.load(), stored.image.load())
    assert (opened(geotiff, level=2).image.isel(x=slice(4, 9)).values == lazy.values[:, :, 4:9]).all()
    with pytest.raises(StoreError, match=r"cut\.tif holds level 2, not level=1"):
        opened(geotiff, level=1)


def test_a_geotiff_of_others_is_not_taken(patch: Recipe, tmp_path: Path) -> None:
    with pytest.raises(
        StoreError, match=r'does not say that geoinfinite wrote it; open it with engine="rasterio"'
    ):
        opened(patch.root.source)
    (tmp_path / "text.tif").write_text("no raster")
    with pytest.raises(StoreError, match=r"text\.tif is not a GeoTIFF that can be read"):
        opened(tmp_path / "text.tif")


def test_a_geotiff_that_was_cut_is_refused(geotiff: Path, tmp_path: Path) -> None:
    cut = rioxarray.open_rasterio(geotiff).isel(x=slice(0, 40))
    cut.rio.to_raster(tmp_path / "smaller.tif")
    with rasterio.open(geotiff) as whole, rasterio.open(tmp_path / "smaller.tif", "r+") as smaller:
        smaller.update_tags(**whole.tags())
    with pytest.raises(
        StoreError, match=r"has \(51, 40\) pixels where its window has \(51, 97\).*write it again"
    ):
        opened(tmp_path / "smaller.tif")


@pytest.mark.parametrize(
    "tags",
    [
        {"geoinfinite_window": "1 2 3"},
        {"geoinfinite_window": "0 51 0 1e3"},
        {"geoinfinite_window": "0 51 9999 10096"},
        {"geoinfinite_level": "two"},
        {"geoinfinite_recipe": "[grid"},
        {"geoinfinite_recipe": "[world]"},
    ],
)
def test_damaged_tags_are_named(geotiff: Path, tags: dict[str, str]) -> None:
    with rasterio.open(geotiff, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as raster:
        raster.update_tags(**tags)
    with pytest.raises(StoreError, match=r"cut\.tif does not say as geoinfinite does which pixels it holds"):
        opened(geotiff)


def test_a_file_of_another_kind_under_the_name_is_not_read(geotiff: Path, tmp_path: Path) -> None:
    rasterio.shutil.copy(geotiff, tmp_path / "posing.vrt", driver="VRT")
    (tmp_path / "posing.vrt").rename(tmp_path / "posing.tif")
    with pytest.raises(StoreError, match=r"posing\.tif is not a GeoTIFF that can be read"):
        opened(tmp_path / "posing.tif")


def test_arithmetic_with_what_was_stored(patch: Recipe, lazy, store: Path, geotiff: Path) -> None:
    whole = level_array(patch, 2)
    for stored in (opened(store).image, opened(geotiff).image):
        for difference in (lazy.astype(int) - stored, stored.astype(int) - whole):
            assert difference.sizes == lazy.sizes
            assert abs(difference).max() == 0
        parent = stored.isel(x=slice(3, 95), y=slice(2, 50)).coarsen(x=4, y=4).mean()
        off = parent - level_array(patch, 1).sel(x=parent.x, y=parent.y)
        assert off.sizes == parent.sizes == {"band": 3, "y": 12, "x": 23}
        assert abs(off).max() == 0


def test_a_file_that_rioxarray_opened_is_never_compared_to_nothing(lazy, geotiff: Path) -> None:
    file = rioxarray.open_rasterio(geotiff)
    for compare in (lambda: file == lazy, lambda: lazy - file, lambda: lazy.where(file > 9)):
        with pytest.raises(xr.AlignmentError, match=r"conflicting indexes[\s\S]*other\.assign_coords\("):
            compare()
    # The remedy that the message names.
    alike = file.assign_coords(band=lazy.band, x=lazy.x, y=lazy.y)
    assert (alike == lazy).sizes == lazy.sizes
    assert (alike == lazy).all()
    assert not (alike == lazy + 1).any()
    assert (file.sel(band=1).values == lazy.sel(band="red").values).all()


def test_the_same_labels_and_values_in_plain_xarray(lazy, store: Path) -> None:
    plain = xr.open_zarr(store, group="2").image
    for name in ("x", "y", "band"):
        assert plain[name].values.tolist() == lazy[name].values.tolist()
    # Identical but for the names of the axes, and the kind of the indexes, which plain xarray makes pandas'.
    assert plain.attrs.pop("spatial:dimensions") == ["y", "x"]
    assert lazy.variable.identical(plain.variable)
    assert set(lazy.coords) == set(plain.coords)
    assert all(lazy[name].variable.identical(plain[name].variable) for name in lazy.coords)
    difference = lazy.astype(int) - plain
    assert difference.sizes == lazy.sizes
    assert abs(difference).max() == 0
    with pytest.raises(
        xr.AlignmentError, match=r'open stores and files of geoinfinite with engine="geoinfinite"'
    ):
        lazy - plain.isel(x=slice(4, 9))


def test_trees_of_stores(patch: Recipe, tmp_path: Path) -> None:
    store = tmp_path / "whole.zarr"
    whole_pixels = level_array(patch, 2).isel(x=slice(32, 132), y=slice(52, 100))
    whole_pixels.geoinfinite.to_zarr(store, progress=False)
    tree = xr.open_datatree(store, engine=StoreEntrypoint)
    assert [node.path for node in tree.leaves] == ["/1", "/2"]
    assert tree.attrs["geoinfinite_token"] == patch.token
    for level in (1, 2):
        whole = level_array(patch, level)
        part = tree[f"/{level}/image"]
        assert (part == whole).sizes == part.sizes
        assert (part == whole).all()
    assert tree["/1/image"].attrs == level_dataset(patch, 1).image.attrs
    assert xr.open_groups(store, engine=StoreEntrypoint)["/1"].sizes == tree["/1"].sizes


def test_past_the_antimeridian(ring: Recipe, tmp_path: Path) -> None:
    lazy = level_array(ring, 1).sel(x=slice(165, 190), y=slice(40, 10))
    lazy.geoinfinite.to_zarr(tmp_path / "across.zarr", progress=False)
    lazy.geoinfinite.to_cog(tmp_path / "across.tif", progress=False)
    for place in ("across.zarr", "across.tif"):
        stored = opened(tmp_path / place).image
        xr.testing.assert_identical(lazy.load(), stored.load())
        assert stored.sel(x=slice(178, 182)).sizes["x"] == 2
        assert stored.sel(x=-178, method="nearest").x.item() == lazy.sel(x=-178, method="nearest").x.item()


def test_steps_that_are_not_exact_in_binary(patch: Recipe, tmp_path: Path) -> None:
    origin, step = (412_300.1, 5_207_700.7), 100 / 3
    root = small_worlds.write_root(
        tmp_path / "thirds.tif", small_worlds.revealing(20, 28), "EPSG:32633", origin, step
    )
    grid = Grid("EPSG:32633", origin, step, (20, 28), factor=4, levels=3)
    world = patch.replace(grid=grid, root=Root(str(root)), name="thirds")
    lazy = level_array(world, 2).isel(x=slice(32, 300), y=slice(12, 200))
    lazy.geoinfinite.to_zarr(tmp_path / "cut.zarr", progress=False)
    lazy.geoinfinite.to_cog(tmp_path / "cut.tif", progress=False)
    for place in ("cut.zarr", "cut.tif"):
        stored = opened(tmp_path / place).image
        xr.testing.assert_identical(lazy.load(), stored.load())
        parent = level_array(world, 1).isel(x=slice(8, 75), y=slice(3, 50))
        assert abs(stored.coarsen(x=4, y=4).mean() - parent).max() == 0
        assert (stored.coarsen(x=4, y=4).mean() - parent).sizes == parent.sizes
    plain = xr.open_zarr(tmp_path / "cut.zarr", group="2").image
    assert plain.x.values.tolist() == lazy.x.values.tolist()


def test_levels_and_places_that_are_not_there(store: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cut\.zarr holds no level=3; it has 2$"):
        opened(store, level=3)
    wider = (
        r"it has 2, and what that was drawn on, which is wider: xarray.open_zarr\(STORE, group=\"parents/1\""
    )
    with pytest.raises(StoreError, match=wider):
        opened(store, level=1)
    # Rows 50 to 101 and columns 33 to 130 lie on 14 x 25 pixels of the parent; its tiles see more.
    wide = xr.open_zarr(store, group="parents/1", consolidated=False).image
    assert wide.sizes == {"band": 3, "y": 30, "x": 36}
    with pytest.raises(StoreError, match=r"is not a store of geoinfinite"):
        opened(tmp_path)
    xr.Dataset({"a": ("x", np.arange(3))}).to_zarr(tmp_path / "other.zarr", zarr_format=2)
    with pytest.raises(StoreError, match=r"is not a store of geoinfinite; open it with xarray\.open_zarr"):
        opened(tmp_path / "other.zarr")


def test_a_store_needs_no_file_of_its_recipe(patch: Recipe, lazy, store: Path) -> None:
    values = lazy.values
    Path(patch.root.source).unlink()
    assert (opened(store).image.values == values).all()


def test_stores_in_memory(lazy) -> None:
    lazy.geoinfinite.to_zarr("memory://entrypoint", progress=False)
    xr.testing.assert_identical(lazy.load(), opened("memory://entrypoint").image.load())


def test_stores_in_a_bucket(lazy, s3: S3Server) -> None:
    url = f"{s3.bucket('entrypoint')}/cut.zarr"
    lazy.geoinfinite.to_zarr(url, progress=False, storage_options=s3.options)
    stored = opened(url, storage_options=s3.options, level=2)
    xr.testing.assert_identical(lazy.load(), stored.image.load())
    tree = xr.open_datatree(url, engine=StoreEntrypoint, storage_options=s3.options)
    assert (tree["/2/image"] == lazy).all()


@pytest.mark.parametrize("chunks", [None, {}])
def test_a_shard_that_is_not_there_is_refused_instead_of_read_as_zeros(lazy, store: Path, chunks) -> None:
    import geoinfinite as gi

    (store / "2/image/c/0/0/0").unlink()
    stored = opened(store, chunks=chunks).image
    assert stored.shape == lazy.shape
    with pytest.raises(StoreError, match=r"cut.zarr lacks the shard 2/image/c/0/0/0: .*geoinfinite resume"):
        stored.load()
    gi.resume(store, progress=False)
    xr.testing.assert_identical(opened(store).image.load(), lazy.load())


DAMAGES = {
    "a byte": lambda shard: shard[:50] + bytes([shard[50] ^ 3]) + shard[51:],
    "its end": lambda shard: shard[:-3],
    "its half": lambda shard: shard[: len(shard) // 2],
}
SELECTIONS = {
    "all": {},
    "rows and columns": {"y": [49, 50], "x": slice(50, 60)},
    "points": {"y": xr.DataArray([50, 49], dims="p"), "x": xr.DataArray([60, 61], dims="p")},
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_shard_is_named_with_the_way_to_mend_it(lazy, tmp_path: Path, damage: str) -> None:
    import geoinfinite as gi

    store = tmp_path / "small.zarr"
    lazy.geoinfinite.to_zarr(store, shard=48, progress=False)
    shard = store / "2/image/c/0/1/1"
    shard.write_bytes(DAMAGES[damage](shard.read_bytes()))
    message = r"small.zarr holds a damaged shard, 2/image/c/0/1/1: .* draw it again: geoinfinite resume"
    for selection in SELECTIONS.values():
        for chunks in (None, {}):
            stored = opened(store, chunks=chunks).image
            with pytest.raises(StoreError, match=message):
                stored.isel(selection).load()
    beside = {"x": slice(0, 48)}
    assert (opened(store).image.isel(beside).values == lazy.isel(beside).values).all()
    gi.resume(store, progress=False)
    xr.testing.assert_identical(opened(store).image.load(), lazy.load())


def test_an_empty_shard_is_not_read_as_zeros(lazy, store: Path) -> None:
    (store / "2/image/c/0/0/0").write_bytes(b"")
    with pytest.raises(StoreError, match=r"cut.zarr lacks the shard 2/image/c/0/0/0"):
        opened(store).image.load()


def test_a_damaged_geotiff_says_so(lazy, geotiff: Path, tmp_path: Path) -> None:
    stored = opened(geotiff).image
    data = geotiff.read_bytes()
    stored.close()
    geotiff.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(StoreError, match=r"cut.tif is (truncated or damaged|not a GeoTIFF)"):
        opened(geotiff).image.load()


@pytest.mark.parametrize("chunks", [None, {}])
# Names of bands are strings, for which zarr has a warning.
@pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning")
@pytest.mark.parametrize("kind", ["store", "geotiff"])
def test_the_accessor_says_that_an_array_is_read_and_how_to_export_it(
    lazy, tmp_path: Path, request: pytest.FixtureRequest, kind: str, chunks
) -> None:
    import geoinfinite as gi

    place = request.getfixturevalue(kind)
    stored = opened(place, chunks=chunks).image
    said = rf"is read from .*{place.name}, and is not drawn" if chunks is None else "is read in chunks from a"
    for ask in (lambda: stored.geoinfinite.level, lambda: stored.geoinfinite.to_png(tmp_path / "a.png")):
        with pytest.raises(StoreError, match=rf"{said}.*da.rio.to_raster\(PATH\).*da.to_zarr\(PATH\)"):
            ask()
    stored.rio.to_raster(tmp_path / "export.tif")
    with rasterio.open(tmp_path / "export.tif") as file:
        assert (file.read() == lazy.values).all()
    stored.to_zarr(tmp_path / "export.zarr", consolidated=False)
    assert (xr.open_zarr(tmp_path / "export.zarr", consolidated=False).image == lazy.values).all()
    anew = gi.World.loads(stored.attrs["geoinfinite_recipe"]).array(level=2)
    assert (anew.isel(x=slice(33, 130), y=slice(50, 101)).values == lazy.values).all()
