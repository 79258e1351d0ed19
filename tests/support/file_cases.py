"""Windows of small worlds of every kind of CRS, dtype and number of bands, and the files written of them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import small_worlds
from affine import Affine
from numpy.typing import NDArray

from geoinfinite.engine import generate
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Numerics, Recipe
from geoinfinite.recipe.root import Root
from geoinfinite.samplers.presets import IndependentTiles
from geoinfinite.stores.files.cog import write_cog
from geoinfinite.stores.files.png import write_png
from geoinfinite.stores.planning import Plan, plan_window
from geoinfinite.stores.writing import write_zarr

LEVEL = 1
WINDOW = Window(13, 76, 21, 104)
"""Off every lattice, and not square."""
MARK = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def mark(packet: str) -> str | None:
    """The digital source type of an XMP packet, as an XML parser finds it."""
    (description,) = ET.fromstring(packet).iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    return description.get("{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType")


@dataclass(frozen=True)
class FileCase:
    """A kind of world."""

    epsg: int
    dtype: str
    bands: int

    def __str__(self) -> str:
        return f"{self.epsg}-{self.dtype}-{self.bands}"

    def plan(self, folder: Path) -> Plan:
        """The plan of `WINDOW` on a world of this kind."""
        values = small_worlds.revealing(20, 28)[[0, 1, 2, 0, 1][: self.bands]].astype(np.float64)
        values[3:] *= 0.5
        peak = {"uint8": 1.0, "uint16": 257.0, "float32": 1 / 255}[self.dtype]
        origin, resolution = ((7.3, 46.9), 0.004) if self.epsg == 4326 else ((412_300.0, 5_207_700.0), 300.0)
        root = small_worlds.write_root(
            folder / f"{self}.tif",
            (values * peak).astype(self.dtype),
            f"EPSG:{self.epsg}",
            origin,
            resolution,
        )
        world = Recipe(
            grid=Grid(f"EPSG:{self.epsg}", origin, resolution, (20, 28), factor=4, levels=3),
            root=Root(str(root)),
            model=ModelReference("analytic:gaussian"),
            sampler=IndependentTiles(steps=3, tile=32, stride=24),
            numerics=Numerics(micro_batch=2),
            dtype=self.dtype,
            name=f"world of {self}",
            seed=5,
        )
        return plan_window(world, LEVEL, WINDOW)


CASES = (
    FileCase(4326, "uint8", 3),
    FileCase(32633, "uint8", 3),
    FileCase(32633, "uint16", 1),
    FileCase(4326, "uint16", 5),
    FileCase(32633, "float32", 5),
    FileCase(4326, "float32", 1),
)


@dataclass(frozen=True)
class WrittenCase:
    """The files of a window, and what they must hold."""

    case: FileCase
    plan: Plan
    pixels: NDArray[np.generic]
    """``(band, y, x)``."""
    tif: Path
    png: Path
    zarr: Path

    @property
    def transform(self) -> Affine:
        """From the corners of pixels to the CRS."""
        return self.plan.recipe.grid.transform(LEVEL, WINDOW)

    @property
    def grey(self) -> NDArray[np.uint8]:
        """What a PNG holds ``(band, y, x)``: the range of the dtype as 0..255."""
        peak = {"uint8": 255, "uint16": 65535, "float32": 1}[self.case.dtype]
        shown = self.pixels[: 3 if self.case.bands >= 3 else 1]
        return np.rint(shown.astype(np.float64) * 255 / peak).astype(np.uint8)

    @property
    def names(self) -> list[str]:
        """Names of the bands."""
        bands = self.case.bands
        return ["red", "green", "blue"] if bands == 3 else [str(number + 1) for number in range(bands)]

    def where(self, row: int, column: int) -> tuple[float, float]:
        """The centre of a pixel of the window in the CRS."""
        x, y = self.transform @ (column + 0.5, row + 0.5)
        return x, y


def write_case(case: FileCase, folder: Path) -> WrittenCase:
    """Write every file of a case."""
    plan = case.plan(folder)
    store, tif, png = folder / f"{case}.zarr", folder / f"out-{case}.tif", folder / f"out-{case}.png"
    write_zarr(plan, store)
    write_cog(plan, tif, store=store)
    write_png(plan, png, store=store)
    pixels = generate(plan.recipe, LEVEL, WINDOW)
    return WrittenCase(case, plan, pixels, tif, png, store)
