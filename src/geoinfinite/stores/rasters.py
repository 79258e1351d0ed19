"""What the GDAL files of a window contain: pixels, georeference, bands, provenance tags."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.windows
from numpy.typing import NDArray
from rasterio.enums import ColorInterp

from geoinfinite.arrays.dataarray import band_names
from geoinfinite.plane.quantise import Encoding
from geoinfinite.plane.window import Window
from geoinfinite.provenance import SYNTHETIC, version
from geoinfinite.recipe import worldfile
from geoinfinite.stores import layout
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.planning import Plan

BLOCK = 512
"""Side in pixels of the blocks of a GeoTIFF."""
STEP = 2 * BLOCK
"""Side in pixels of what is held in memory while a file is written."""
_COLOURS = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
_UNDEFINED = [ColorInterp.undefined]


def to_bytes(values: NDArray[Any], encoding: Encoding) -> NDArray[np.uint8]:
    """Return values of a dtype's range as 0..255.

    >>> to_bytes(np.array([0, 32768, 65535], np.uint16), Encoding("uint16"))
    array([  0, 128, 255], dtype=uint8)
    """
    if values.dtype == np.uint8:
        return values
    low, high = encoding.range
    scaled = (values.astype(np.float32) - low) * (255 / (high - low))
    eight_bit: NDArray[np.uint8] = np.rint(scaled.clip(0, 255)).astype(np.uint8)
    return eight_bit


def tags(plan: Plan, bands: Sequence[int]) -> dict[str, str]:
    """Return the provenance tags of a file, with its bands, counted from 1, if they are not all."""
    w, total = plan.window, plan.recipe.bands
    numbers = " ".join(str(band + 1) for band in bands)
    return {
        "synthetic": SYNTHETIC,
        "geoinfinite_version": version(),
        "geoinfinite_token": plan.recipe.token,
        "geoinfinite_level": str(plan.level),
        "geoinfinite_window": f"{w.y0} {w.y1} {w.x0} {w.x1}",
        "geoinfinite_recipe": worldfile.dump(plan.recipe),
        **({} if list(bands) == list(range(total)) else {"geoinfinite_bands": f"{numbers} of {total}"}),
    }


def png_text(plan: Plan, bands: Sequence[int]) -> dict[str, str]:
    """Return the texts of a PNG: its provenance tags, and its bounds in the title."""
    # The sidecar that would hold the place is not written: the title says it.
    bounds = " ".join(f"{v:.9g}" for v in plan.recipe.grid.bounds(plan.level, plan.window))
    title = f"{plan.recipe.name}, level {plan.level}, {bounds} (W S E N in {plan.recipe.grid.crs})"
    return {"Title": title, "Description": SYNTHETIC, "Software": "geoinfinite", **tags(plan, bands)}


def shape(plan: Plan, bands: int, dtype: Any) -> dict[str, Any]:
    """Return the size, dtype and georeference of a raster, as rasterio's arguments."""
    return {
        "count": bands,
        "height": plan.window.height,
        "width": plan.window.width,
        "dtype": dtype,
        "crs": plan.recipe.grid.crs,
        "transform": plan.recipe.grid.transform(plan.level, plan.window),
    }


def write_flat(plan: Plan, store: Objects, path: Path, bands: list[int]) -> None:
    """Copy bands of the finest level into a plain tiled GeoTIFF, a few blocks at a time."""
    image = layout.open_image(store, plan.level)
    _, height, width = image.shape
    colours = bands == [0, 1, 2] and plan.recipe.bands == 3
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        **shape(plan, len(bands), image.dtype),
        tiled=True,
        blockxsize=BLOCK,
        blockysize=BLOCK,
        interleave="pixel",
        photometric="RGB" if colours else "MINISBLACK",
        bigtiff="IF_SAFER",
    ) as raster:
        names = band_names(plan.recipe.bands)
        raster.descriptions = [str(names[band]) for band in bands]
        raster.colorinterp = _COLOURS if colours else [ColorInterp.gray, *_UNDEFINED * (len(bands) - 1)]
        raster.update_tags(
            TIFFTAG_IMAGEDESCRIPTION=SYNTHETIC, TIFFTAG_SOFTWARE="geoinfinite", **tags(plan, bands)
        )
        for part in Window(0, height, 0, width).split(STEP):
            where = rasterio.windows.Window(part.x0, part.y0, part.width, part.height)
            pixels = image[:, part.y0 : part.y1, part.x0 : part.x1]
            raster.write(pixels[bands], window=where)
