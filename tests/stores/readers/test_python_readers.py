"""Other programs' Python readers find the same CRS, transform and pixels in stores of every preset."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import rasterio
import rioxarray  # noqa: F401  (registers .rio)
import xarray as xr
import zarr
from rasterio.errors import RasterioIOError
from rasterio.warp import transform as moved
from readable_stores import Written

odc = pytest.importorskip("odc.geo.xr")


def geozarr(store: Written) -> Any:
    """rio-tiler's reader of GeoZarr."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        experimental = pytest.importorskip("rio_tiler.experimental.zarr")
    return experimental.GroupReader(zarr.open_group(store.path, mode="r"))


def test_xarray(store: Written) -> None:
    assert store.levels == [3, 2, 1]
    assert xr.open_zarr(store.path).level.values.tolist() == store.levels
    for level in store.levels:
        image = xr.open_zarr(store.path, group=str(level)).image
        assert image.band.values.tolist() == ["red", "green", "blue"]
        assert image.dtype == np.uint8
        assert (image.values == store.pixels(level)).all()
        step, left, down, top = (store.transform(level)[i] for i in (0, 2, 4, 5))
        assert image.x.values[:2].tolist() == pytest.approx([left + step / 2, left + 3 * step / 2])
        assert image.y.values[:2].tolist() == pytest.approx([top + down / 2, top + 3 * down / 2])


def test_xarray_tree(store: Written) -> None:
    tree = xr.open_datatree(store.path, engine="zarr")
    assert sorted(tree.groups) == ["/", "/1", "/2", "/3"]
    assert (tree["/2/image"].values == store.pixels(2)).all()


@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
@pytest.mark.parametrize("decoded", [True, "all"])
def test_rioxarray(store: Written, decoded: Any) -> None:
    for level in store.levels:
        image = xr.open_zarr(store.path, group=str(level), decode_coords=decoded).image
        assert image.rio.crs.to_epsg() == store.epsg
        assert image.rio.transform().almost_equals(store.transform(level))
        assert image.rio.bounds() == pytest.approx(store.bounds)
        assert image.rio.nodata is None


def test_odc_geo(store: Written) -> None:
    for level in store.levels:
        geobox = xr.open_zarr(store.path, group=str(level)).image.odc.geobox
        assert geobox.crs.epsg == store.epsg
        assert geobox.transform.almost_equals(store.transform(level))
        assert geobox.shape == store.pixels(level).shape[1:]


def test_zarr_alone(store: Written) -> None:
    root = zarr.open_group(store.path, mode="r")
    assert sorted(root.group_keys()) == ["1", "2", "3"]
    for entry in root.attrs["multiscales"]["layout"]:
        array = root[entry["asset"]]["image"]
        assert (array[:] == store.pixels(int(entry["asset"]))).all()
        assert array.shape[1:] == tuple(entry["spatial:shape"])
        assert entry["spatial:transform"] == list(store.transform(int(entry["asset"]))[:6])
    assert root.attrs["spatial:bbox"] == pytest.approx(store.bounds)


def test_tensorstore(store: Written) -> None:
    tensorstore = pytest.importorskip("tensorstore")
    driver = {"default": "zarr3", "gdal": "zarr"}[store.preset]
    for level in store.levels:
        opened = tensorstore.open(
            {"driver": driver, "kvstore": f"file://{store.path}/{level}/image/"}
        ).result()
        assert (np.asarray(opened.read().result()) == store.pixels(level)).all()


def gdal_version() -> tuple[int, ...]:
    return tuple(int(part) for part in rasterio.__gdal_version__.split(".")[:2])


def test_rasterio(store: Written) -> None:
    for level in store.levels:
        name = f'ZARR:"{store.path}":/{level}/image'
        if store.preset == "default" and gdal_version() < (3, 13):
            with pytest.raises(RasterioIOError, match="Unsupported codec: sharding_indexed"):
                rasterio.open(name)
            continue
        with rasterio.open(name) as raster:
            assert (raster.count, raster.nodata) == (3, None)
            assert raster.crs.to_epsg() == store.epsg
            assert raster.transform.almost_equals(store.transform(level))
            assert (raster.read() == store.pixels(level)).all()
            assert raster.tags()["band_names"] == "{red,green,blue}"
            assert raster.tags()["digital_source_type"].endswith("/trainedAlgorithmicMedia")


def test_rio_tiler_geozarr(store: Written) -> None:
    with geozarr(store) as source:
        assert source.crs.to_epsg() == store.epsg
        assert source.bounds == pytest.approx(store.bounds)
        assert [(v["name"], v["multiscale"], v["nbands"]) for v in source.list_variables()] == [
            ("image", True, 3)
        ]
        assert source.info().bounds == pytest.approx(store.bounds)
        # The native size is that of the finest level.
        assert (source.height, source.width) == store.pixels(3).shape[1:]
        assert source.minzoom < source.maxzoom
        for level in store.levels:
            height, width = store.pixels(level).shape[1:]
            image = source.preview(variables="image", height=height, width=width, max_size=None)
            assert (image.data == store.pixels(level)).all()
            assert list(image.bounds) == pytest.approx(store.bounds)
            assert image.band_descriptions == ["red", "green", "blue"]


def test_rio_tiler_geozarr_tiles_lie_where_they_belong(store: Written) -> None:
    with geozarr(store) as source:
        pixels, transform = store.pixels(3), store.transform(3)
        there = transform * (70.5, 40.5)
        (longitude,), (latitude,) = moved(f"EPSG:{store.epsg}", "EPSG:4326", [there[0]], [there[1]])
        point = source.point(longitude, latitude, variables="image")
        assert point.array.data.tolist() == pixels[:, 40, 70].tolist()
        tile = source.tms.tile(longitude, latitude, source.maxzoom)
        image = source.tile(tile.x, tile.y, tile.z, variables="image")
        west, _, _, north = source.tms.xy_bounds(tile)
        side = (source.tms.xy_bounds(tile).right - west) / 256
        rows, columns = (axis.ravel() for axis in np.mgrid[2:256:5, 2:256:5])
        xs, ys = moved(
            "EPSG:3857", f"EPSG:{store.epsg}", west + (columns + 0.5) * side, north - (rows + 0.5) * side
        )
        x, y = (np.floor(v).astype(int) for v in ~transform * (np.array(xs), np.array(ys)))
        inside = (x >= 3) & (y >= 3) & (x < pixels.shape[2] - 3) & (y < pixels.shape[1] - 3)
        rows, columns, x, y = (values[inside] for values in (rows, columns, x, y))
        assert len(x) > 50
        shown = image.data[:, rows, columns]
        # Where the tile's pixel lies near an edge between two, rio-tiler may take either.
        assert (shown == pixels[:, y, x]).mean() > 0.8
        assert all(
            (shown == pixels[:, y + dy, x + dx]).mean() < 0.5 for dy, dx in ((1, 0), (0, 1), (-1, 0), (0, -1))
        )


def test_rio_tiler_xarray(store: Written) -> None:
    # What titiler-xarray opens a group with.
    reader = pytest.importorskip("rio_tiler.io.xarray")
    image = xr.open_zarr(store.path, group="3", decode_coords="all").image
    with reader.XarrayReader(image) as source:
        assert source.crs.to_epsg() == store.epsg
        assert source.bounds == pytest.approx(store.bounds)
        part = source.part(store.bounds, bounds_crs=source.crs, dst_crs=source.crs)
        assert (part.data == store.pixels(3)).all()
        assert part.band_descriptions == ["red", "green", "blue"]
