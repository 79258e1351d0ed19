"""Chips as files: PNG or GeoTIFF, each with its provenance and its place; and read back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.io import MemoryFile

from geoinfinite.arrays.dataarray import band_names
from geoinfinite.chips.source import PixelSource
from geoinfinite.errors import WorldError
from geoinfinite.plane.window import Window
from geoinfinite.provenance import DIGITAL_SOURCE_TYPE, SYNTHETIC, version
from geoinfinite.rasters.quiet import placeless
from geoinfinite.stores.files.content import packet_titled, xmp_titled
from geoinfinite.stores.files.png import with_xmp

PICTURES = "png", "tif"
_COLOURS = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)


def default_picture(source: PixelSource) -> str:
    """Return the kind of file that holds all values of a world: PNG for bytes of one or three bands."""
    return "png" if source.dtype == "uint8" and source.bands in (1, 3) else "tif"


def check_picture(source: PixelSource, kind: str) -> None:
    """Raise `WorldError` for a kind of file that cannot hold the values of a world."""
    if kind not in PICTURES:
        raise WorldError(f"picture={kind!r} is not one of {', '.join(PICTURES)}; choose one")
    if kind == "png" and default_picture(source) != "png":
        raise WorldError(
            f"picture='png' holds bytes of one or three bands, and this world has {source.bands} bands of "
            f"{source.dtype}; take tif"
        )


def picture(source: PixelSource, window: Window, pixels: NDArray[Any], kind: str) -> bytes:
    """Return the file of the pixels ``(band, y, x)`` of a window of a level."""
    return _file(source, window, pixels, kind, colours=True)


def class_picture(source: PixelSource, window: Window, mask: NDArray[np.uint8], kind: str) -> bytes:
    """Return the file of a mask ``(y, x)``, with its numbers as values."""
    return _file(source, window, mask[None], kind, colours=False)


def pixels_of(data: bytes) -> NDArray[Any]:
    """Return the pixels ``(band, y, x)`` of a file."""
    with placeless(), MemoryFile(data) as memory, memory.open() as raster:
        return np.asarray(raster.read())


def tags(source: PixelSource, window: Window) -> dict[str, str]:
    """Return what a file says of its chip: that it is synthetic, what makes it, and where it lies."""
    bounds = source.grid.bounds(source.level, window)
    place = " ".join(f"{edge:.9g}" for edge in bounds)
    return {
        "Title": f"{source.name}, level {source.level}, {place} (W S E N in {source.grid.crs})",
        "Description": SYNTHETIC,
        "Software": "geoinfinite",
        "synthetic": SYNTHETIC,
        "digital_source_type": DIGITAL_SOURCE_TYPE,
        "geoinfinite_version": version(),
        "geoinfinite_token": source.token,
        "geoinfinite_level": str(source.level),
        "geoinfinite_window": f"{window.y0} {window.y1} {window.x0} {window.x1}",
        "geoinfinite_recipe": source.recipe,
    }


def _file(source: PixelSource, window: Window, pixels: NDArray[Any], kind: str, *, colours: bool) -> bytes:
    bands, said = pixels.shape[0], tags(source, window)
    placed = {"crs": source.grid.crs, "transform": source.grid.transform(source.level, window)}
    size = {"count": bands, "height": window.height, "width": window.width, "dtype": pixels.dtype}
    how = {"compress": "deflate", "photometric": "RGB" if colours and bands == 3 else "MINISBLACK"}
    if colours and bands == 4:
        how["alpha"] = "NO"
    with MemoryFile(ext=".tif") as memory:
        with memory.open(driver="GTiff", **size, **placed, **how) as raster:
            raster.write(pixels)
            raster.update_tags(**said)
            if colours and bands == source.bands:
                raster.descriptions = [str(name) for name in band_names(bands)]
        if kind == "tif":
            return _with_xmp(memory, xmp_titled(said["Title"]), how)
        return with_xmp(_as_png(memory), packet_titled(said["Title"]))


def _as_png(flat: MemoryFile) -> bytes:
    with MemoryFile(ext=".png") as memory, rasterio.Env(GDAL_PAM_ENABLED=False):
        rasterio.shutil.copy(flat.name, memory.name, driver="PNG", write_metadata_as_text="YES")
        return bytes(memory.read())


def _with_xmp(flat: MemoryFile, xmp: str, how: Mapping[str, str]) -> bytes:
    """Return a GeoTIFF with XMP in it: rasterio cannot write that domain, a virtual raster can say it."""
    with MemoryFile(ext=".vrt") as virtual:
        rasterio.shutil.copy(flat.name, virtual.name, driver="VRT")
        text = bytes(virtual.read()).decode()
    domain = f'<Metadata domain="xml:XMP" format="xml">{xmp}</Metadata>'
    told = text.replace("<VRTRasterBand", f"{domain}<VRTRasterBand", 1).encode()
    with MemoryFile(told, ext=".vrt") as virtual, MemoryFile(ext=".tif") as memory:
        rasterio.shutil.copy(virtual.name, memory.name, driver="GTiff", **how)
        return bytes(memory.read())
