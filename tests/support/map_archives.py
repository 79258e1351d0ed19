"""Archives of map tiles as libraries that we did not write read them."""

from __future__ import annotations

import contextlib
import io
import sqlite3
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pmtiles.reader import MmapSource, Reader, all_tiles
from rasterio.warp import Resampling, reproject

from geoinfinite.engine import generate
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.files.stored_pyramid import covering
from geoinfinite.stores.planning import Plan

HALF = 20037508.342789244
Address = tuple[int, int, int]
"""Zoom, column, row from the north."""


def read_pmtiles(path: Path) -> dict[Address, bytes]:
    """Every map tile, in the order of its directory."""
    with path.open("rb") as stream:
        return {address: data for address, data in all_tiles(MmapSource(stream))}


def header_of(path: Path) -> dict[str, object]:
    """The header of a PMTiles file."""
    with path.open("rb") as stream:
        return dict(Reader(MmapSource(stream)).header())


def read_mbtiles(path: Path) -> dict[Address, bytes]:
    """Every map tile."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT * FROM tiles").fetchall()
    return {(zoom, x, 2**zoom - 1 - y): data for zoom, x, y, data in rows}


def decoded(data: bytes) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The picture ``(band, y, x)`` of a map tile, three bands, and where there is one."""
    with Image.open(io.BytesIO(data)) as image:
        rgba = np.asarray(image.convert("RGBA")).transpose(2, 0, 1)
    return rgba[:3], rgba[3] > 0


def warped(plan: Plan, level: int, tile: Address, size: int = 256) -> tuple[NDArray[np.float64], NDArray]:
    """The picture of a map tile ``(band, y, x)`` of a level as GDAL warps it, and where it has all of it.

    The map is turned so that the tile lies in its middle: GDAL does not know that longitudes go round.
    """
    zoom, x, y = tile
    side = 2 * HALF / 2**zoom
    middle = -180 + (x + 0.5) * 360 / 2**zoom
    crs = f"+proj=merc +a=6378137 +b=6378137 +lon_0={middle!r} +over +units=m +nadgrids=@null +no_defs"
    window, grid = covering(plan, level), plan.recipe.grid
    pixels = _drawn(plan.recipe, level, window).astype(np.float64)
    transform = grid.transform(level, window)
    there, seen = np.zeros((len(pixels), size, size)), np.zeros((size, size))
    for source, target in ((pixels, there), (np.ones(window.shape), seen)):
        reproject(
            source,
            target,
            src_transform=transform,
            src_crs=grid.crs,
            dst_transform=type(transform)(side / size, 0, -side / 2, 0, -side / size, HALF - y * side),
            dst_crs=crs,
            resampling=Resampling.bilinear,
            init_dest_nodata=False,
        )
    return there, seen > 0.999


@lru_cache(maxsize=8)
def _drawn(recipe: Recipe, level: int, window: Window) -> NDArray:
    return generate(recipe, level, window)


def offset_of(found: NDArray, expected: NDArray, known: NDArray[np.bool_]) -> tuple[int, int]:
    """By how many rows and columns a picture is shifted against another, at most one."""
    moves = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]

    def error(move: tuple[int, int]) -> float:
        both = known & np.roll(known, move, axis=(-2, -1))
        # What is moved out at one side comes in at the other.
        both[:1], both[-1:], both[:, :1], both[:, -1:] = False, False, False, False
        moved = np.roll(found.astype(np.float64), move, axis=(-2, -1))
        return float(np.abs(moved - expected)[:, both].mean())

    return min(moves, key=error)
