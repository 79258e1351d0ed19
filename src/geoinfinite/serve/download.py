"""The present view as a cloud-optimised GeoTIFF in memory, drawn piece by piece through the queue."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.io import MemoryFile

from geoinfinite.arrays.attributes import PROVENANCE
from geoinfinite.arrays.opening import WINDOW
from geoinfinite.plane.window import Window
from geoinfinite.provenance import SYNTHETIC
from geoinfinite.serve.limits import Limits
from geoinfinite.serve.places import on_level
from geoinfinite.serve.refusals import Refused
from geoinfinite.serve.subject import Shown

PIECE = 512
"""Pixels along each side of what is drawn in one piece."""
TOGETHER = 4
"""Pieces of one view that wait or are drawn at once."""
_COLOURS = ColorInterp.red, ColorInterp.green, ColorInterp.blue

DrawPiece = Callable[[int, Window], Awaitable[NDArray[Any]]]


def check_size(shown: Shown, level: int, window: Window, limits: Limits) -> None:
    """Refuse a view of too many pixels, with the finest level on which it fits."""
    if window.size <= limits.download_px:
        return
    here = shown.pyramid.axes[level].size_of_pixel
    shrink = {key: here / axes.size_of_pixel for key, axes in shown.pyramid.axes.items()}
    fits = [key for key, times in shrink.items() if window.size * times**2 <= limits.download_px]
    coarser = f"level={fits[-1]} fits" if fits else "zoom in"
    raise Refused(
        413,
        f"the view has {window.width:,} x {window.height:,} pixels of level {level}; a download has at most "
        f"{limits.download_px:,}: {coarser}",
    )


async def drawn(shown: Shown, level: int, window: Window, draw: DrawPiece) -> NDArray[Any]:
    """Return the pixels of a view, ``(band, y, x)``, a few pieces at a time."""
    da = shown.pyramid.arrays[level]
    out = np.empty((da.sizes["band"], *window.shape), da.dtype)
    turn = asyncio.Semaphore(TOGETHER)

    async def one(piece: Window) -> None:
        async with turn:
            out[:, *piece.slices(window)] = await draw(level, piece)

    async with asyncio.TaskGroup() as group:
        for piece in window.split(PIECE):
            group.create_task(one(piece))
    return out


def cog(shown: Shown, level: int, window: Window, pixels: NDArray[Any]) -> bytes:
    """Return the bytes of a COG with the tags of every output: it is synthetic, and how it was made."""
    da, axes = shown.pyramid.arrays[level], shown.pyramid.axes[level]
    left = axes.origin[0] + window.x0 * axes.step[0]
    top = axes.origin[1] + window.y0 * axes.step[1]
    profile = {
        "driver": "GTiff",
        "count": len(pixels),
        "height": window.height,
        "width": window.width,
        "dtype": pixels.dtype,
        "crs": axes.crs,
        "transform": Affine(axes.step[0], 0, left, 0, axes.step[1], top),
        "tiled": True,
        "photometric": "RGB" if len(pixels) == 3 else "MINISBLACK",
    }
    with MemoryFile() as flat, MemoryFile() as finished:
        with flat.open(**profile) as raster:
            raster.write(pixels)
            if len(pixels) == 3:
                raster.colorinterp = _COLOURS
            raster.descriptions = [str(name) for name in da["band"].values]
            raster.update_tags(**_tags(da.attrs, level, on_level(da, window)))
        rasterio.shutil.copy(
            flat.name,
            finished.name,
            driver="COG",
            compress="DEFLATE",
            predictor="YES",
            blocksize=512,
            overview_resampling="AVERAGE",
        )
        return bytes(finished.read())


def _tags(attrs: dict[str, Any], level: int, window: Window) -> dict[str, str]:
    edges = f"{window.y0} {window.y1} {window.x0} {window.x1}"
    return {
        "TIFFTAG_IMAGEDESCRIPTION": SYNTHETIC,
        "TIFFTAG_SOFTWARE": "geoinfinite",
        **{key: str(attrs[key]) for key in PROVENANCE if key in attrs},
        "geoinfinite_level": str(level),
        WINDOW: edges,
    }


def file_name(shown: Shown, level: int) -> str:
    """Return the name of a downloaded file: letters of the image's name, its seed, its level."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in shown.name)[:40]
    return f"{plain or 'image'}-seed{shown.seed}-level{level}.tif"
