"""The conditions of this package keep the contract that they ask of others; one that breaks it is caught."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grounds
import numpy as np
import pytest
import rasterio
import rasterio.warp

from geoinfinite.conditions import Embedding, Metadata, Place, Raster, Text
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.testing import ConditionContract
from geoinfinite.told import Slot
from geoinfinite.told.schemas import DIFFUSIONSAT


class OfRasters(ConditionContract):
    def change(self, condition: Any) -> None:
        with rasterio.open(condition.path, "r+") as raster:
            raster.write(grounds.noise((raster.count, *raster.shape), seed=9))


class TestRaster(OfRasters):
    slot = grounds.HINT

    def condition(self, tmp_path: Any) -> Raster:
        return Raster("hint", grounds.source(tmp_path, "EPSG:3857"), fill=(0,))


class TestRasterOfCells(OfRasters):
    """Told on cells of two pixels, from a finer file that is rotated."""

    slot = Slot("hint", "raster", channels=3, span=(-1.0, 1.0), pixels=2)
    window = Window(100, 228, 214, 342)

    def condition(self, tmp_path: Any) -> Raster:
        source = grounds.source(tmp_path, "EPSG:4326", finer=2.0, angle=-20.0)
        return Raster("hint", source, resampling="average", fill=(9, 8, 7))


class TestRasterOnTheEarth(OfRasters):
    """Across the antimeridian."""

    slot = grounds.HINT
    grid = Grid("EPSG:4326", (-180.0, 90.0), 0.75, (240, 480), factor=4, levels=2, periodic=True)
    level = 0
    window = Window(40, 104, 440, 520)

    def condition(self, tmp_path: Any) -> Raster:
        values, earth = grounds.noise((3, 180, 360)), rasterio.Affine(1, 0, -180, 0, -1, 90)
        return Raster("hint", grounds.write(tmp_path / "e.tif", values, "EPSG:4326", earth))


class TestRasterBeyondTheLevel(TestRaster):
    """Where the nearest pixel stands in."""

    window = Window(-40, 60, -21, 70)


class TestText(ConditionContract):
    slot = Slot("prompt", "text")

    def condition(self, tmp_path: Any) -> Text:
        return Text("prompt", "a harbour")


class TestTextByRegion(TestText):
    grid = grounds.GRIDS["EPSG:32632"]

    def condition(self, tmp_path: Any) -> Text:
        return Text("prompt", "grey", source=grounds.regions(tmp_path), column="text")

    def change(self, condition: Any) -> None:
        grounds.write_polygons(condition.path, [grounds.polygon(grounds.LON, grounds.LAT, 0.03, "blue")])


class TestMetadata(ConditionContract):
    slot = Slot("metadata", "metadata", bands=DIFFUSIONSAT.names)

    def condition(self, tmp_path: Any) -> Metadata:
        return Metadata("metadata", "diffusionsat", date="2017-02-11", cloud_cover=0.1)


class TestEmbedding(OfRasters):
    slot = Slot("embedding", "embedding", channels=3, cells=4)

    def condition(self, tmp_path: Any) -> Embedding:
        return Embedding("embedding", grounds.source(tmp_path, "EPSG:4326"))


class Warped(Raster):
    """A raster that GDAL warps for every window."""

    def told(self, place: Place, slot: Slot) -> np.ndarray:
        out = np.zeros((3, *place.window.shape), np.float32)
        with rasterio.open(self.path) as raster:
            rasterio.warp.reproject(
                rasterio.band(raster, (1, 2, 3)),
                out,
                dst_transform=place.grid.transform(place.level, place.window),
                dst_crs=place.grid.crs,
                resampling=rasterio.warp.Resampling.bilinear,
            )
        return out


class ByPath(Raster):
    """A raster that is described by where it lies."""

    def described(self) -> dict[str, Any]:
        return {"source": self.source}


@dataclass(frozen=True)
class Eager(Raster):
    """A raster that is read when it is made."""

    def __post_init__(self) -> None:
        Path(self.source).read_bytes()


class Forgetful(Raster):
    """A raster that is described by its settings alone."""

    def described(self) -> dict[str, Any]:
        return {"name": self.name}


@pytest.mark.parametrize(
    ("kind", "test", "error"),
    [
        (Warped, "test_a_value_is_a_function_of_its_pixel", AssertionError),
        (ByPath, "test_its_description_is_its_content", AssertionError),
        (Forgetful, "test_its_description_is_its_content", AssertionError),
        (Eager, "test_making_it_reads_no_file", FileNotFoundError),
    ],
)
def test_a_condition_that_breaks_the_contract_is_caught(
    tmp_path: Path, kind: type[Raster], test: str, error: type[Exception]
) -> None:
    class Mine(OfRasters):
        slot = grounds.HINT
        level = 0
        window = Window(11, 107, 23, 135)

        def condition(self, tmp_path: Any) -> Raster:
            return kind("hint", grounds.source(tmp_path, "EPSG:4326"), fill=0)

    with pytest.raises(error, match=r"Arrays are not equal|assert|\.tif"):
        getattr(Mine(), test)(tmp_path)
