"""STAC items in pystac, with its own schemas, and in odc-stac, which loads pixels by what they say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import odc.stac
import pystac
import pytest
import xarray as xr
from file_cases import LEVEL, MARK, WINDOW, WrittenCase
from pystac.extensions.eo import EOExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.extensions.xarray_assets import XarrayAssetsExtension
from pystac.validation.stac_validator import JsonSchemaSTACValidator
from shapely.geometry import Point, shape

from geoinfinite.arrays.dataarray import level_array
from geoinfinite.plane.crs import transformer
from geoinfinite.stores.accessor import GeoInfiniteAccessor


def item_of(files: WrittenCase, tmp_path: Path) -> pystac.Item:
    """The item that the lazy array writes of its files."""
    da = level_array(files.plan.recipe, LEVEL, window=WINDOW)
    hrefs = [files.tif, files.png, str(files.zarr)]
    return pystac.Item.from_file(str(GeoInfiniteAccessor(da).to_stac(tmp_path / "item.json", hrefs)))


def test_pystac(files: WrittenCase, tmp_path: Path) -> None:
    item = item_of(files, tmp_path)
    JsonSchemaSTACValidator().validate_core(item.to_dict(), pystac.STACObjectType.ITEM, "1.1.0")
    projection = ProjectionExtension.ext(item)
    assert (projection.code, projection.shape) == (f"EPSG:{files.case.epsg}", list(WINDOW.shape))
    assert projection.transform == list(files.transform)[:6]
    assert item.properties["digital_source_type"] == MARK
    assert item.properties["geoinfinite_token"] == files.plan.recipe.token
    assert item.properties["synthetic"].startswith("Synthetic imagery")
    assert {key: asset.roles for key, asset in item.assets.items()} == {
        "cog": ["data"],
        "picture": ["overview"],
        "zarr": ["data"],
    }
    bands = item.assets["cog"].extra_fields["bands"]
    assert [band["name"] for band in bands] == files.names
    assert {band["data_type"] for band in bands} == {files.case.dtype}
    assert EOExtension.has_extension(item) == (files.case.bands == 3)


def test_the_outline_holds_every_pixel(files: WrittenCase, tmp_path: Path) -> None:
    item = item_of(files, tmp_path)
    outline, (height, width) = shape(item.geometry), WINDOW.shape
    to_degrees = transformer(f"EPSG:{files.case.epsg}", "EPSG:4326").transform
    corners = [(0, 0), (0, width - 1), (height - 1, 0), (height - 1, width - 1)]
    for row, column in corners:
        assert outline.contains(Point(*to_degrees(*files.where(row, column))))
        outside = (-2 if row == 0 else height + 1, column)
        assert not outline.contains(Point(*to_degrees(*files.where(*outside))))
    assert outline.bounds == tuple(item.bbox)


@pytest.mark.filterwarnings("ignore:The 'shapely.ops.transform:DeprecationWarning")
def test_odc_stac(files: WrittenCase, tmp_path: Path) -> None:
    bands = ["cog"] if files.case.bands == 1 else [f"cog.{n + 1}" for n in range(files.case.bands)]
    loaded = odc.stac.load([item_of(files, tmp_path)], bands=bands)
    geobox = loaded.odc.geobox
    assert (geobox.crs.epsg, tuple(geobox.shape)) == (files.case.epsg, WINDOW.shape)
    assert np.allclose(geobox.transform, files.transform, rtol=1e-12)
    assert np.array_equal(np.stack([loaded[band].values[0] for band in bands]), files.pixels)


def test_xarray_opens_the_store_as_the_item_says(files: WrittenCase, tmp_path: Path) -> None:
    asset = item_of(files, tmp_path).assets["zarr"]
    options = XarrayAssetsExtension.ext(asset).open_kwargs
    with xr.open_dataset(asset.get_absolute_href(), **options) as dataset:
        assert np.array_equal(dataset["image"].values, files.pixels)


def test_an_item_of_a_file_is_that_of_the_array(files: WrittenCase, tmp_path: Path) -> None:
    said = item_of(files, tmp_path).to_dict()
    with xr.open_dataset(files.tif, engine="geoinfinite") as dataset:
        again = json.loads(
            GeoInfiniteAccessor(dataset["image"]).to_stac(tmp_path / "again.json", [files.tif]).read_text()
        )
    for one in (said, again):
        assert one["properties"].pop("datetime") == one["properties"].pop("created")
    assert again["properties"] == said["properties"]
    assert (again["id"], again["bbox"]) == (said["id"], said["bbox"])
