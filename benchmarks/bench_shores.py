"""Whether drawn shores lie where they lie on Earth, on coasts that training never saw.

Run ``python -m pytest benchmarks/bench_shores.py --benchmark-enable -s`` for the table; every other run draws
one window. Coasts are chosen at random in the held-out boxes. Water is found in the picture by its colour,
and compared with GSHHG's shoreline on the pixels farther than two from the line: by one threshold for all
pictures, which takes dark forest for water, and by the one that parts the picture's own colours best. Windows
whose water level 0 does not show, rivers and reservoirs that are as brown there as their banks, are told
apart: no level below can show it either, for the means of its pixels are level 0.

``GEOINFINITE_BENCH_TILES`` names a folder of map tiles, ``8/X/Y.jpeg`` of 256 px: ``tiles`` of a clone of
https://github.com/freetiler/nasa-bluemarble. Then what the judge says of that real picture is printed too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.windows
from drawings import UNCACHED
from numpy.typing import NDArray
from PIL import Image
from rasterio.transform import from_origin
from rasterio.warp import Resampling, reproject
from scipy.ndimage import distance_transform_edt

from geoinfinite.engine import generate
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.web_map import HALF_M, map_tile_bounds
from geoinfinite.plane.window import Window
from geoinfinite.rasters.bundled import raster_path
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe

BOXES = ((110.0, -50.0, 180.0, 0.0), (-82.0, -56.0, -34.0, 13.0))
"""Australia with Oceania, and South America: (west, south, east, north)."""
COASTS, SEED, SIDE = 20, 12, 240
PER_DEGREE = 240
CELLS = 16
"""Of the raster of water along each pixel of level 0."""
LEVELS = {2: 1, 3: 4}
"""Pixels of the level along each pixel of the raster of water."""
BLUER = 4
"""Counts by which blue exceeds red where there is water."""
BEYOND = 2.0
GREYEST = 6
ZOOM, TILE, WEB_MAP = 8, 256, "EPSG:3857"
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of one window."""

    far: float
    """Share of the pixels farther than two from the line on which colour and shoreline agree."""
    parted: float
    """The same, with the picture's own threshold."""
    grey: float
    """Share of the pixels nearer than that which are grey, and brighter than water and land are."""
    shown: bool
    """Whether level 0 shows water there: a pixel that is mostly water is blue."""


def water_at(row: int, column: int, side: int) -> Mask:
    """Return where water is on a square of the raster, ``(side, side)``."""
    with rasterio.open(raster_path("bundled:water")) as dataset:
        part = rasterio.windows.Window(column, row, side, side)
        return np.asarray(dataset.read(1, window=part) > 127)


def coasts(level: int) -> Iterator[Window]:
    """Yield windows of a level of which 25 to 75 % are water, the same ones always."""
    rng, finer = np.random.default_rng(SEED), LEVELS[level]
    side, found = SIDE // finer, 0
    while found < COASTS:
        west, south, east, north = BOXES[int(rng.integers(len(BOXES)))]
        lon, lat = rng.uniform(west, east), rng.uniform(south, north)
        row, column = int((90 - lat) * PER_DEGREE), int((lon + 180) * PER_DEGREE)
        if column + side > 360 * PER_DEGREE:
            continue
        share = water_at(row, column, side).mean()
        if 0.25 <= share <= 0.75:
            found += 1
            y, x = row * finer, column * finer
            yield Window(y, y + SIDE, x, x + SIDE)


def shows_water(row: int, column: int, side: int) -> bool:
    """Return whether level 0 shows the water on a square of the raster of water."""
    top, left = row // CELLS, column // CELLS
    across = -(-side // CELLS) + 1
    with rasterio.open(raster_path("bundled:blue-marble")) as dataset:
        part = rasterio.windows.Window(left, top, across, across)
        red, _, blue = dataset.read(window=part).astype(int)
    wet = water_at(top * CELLS, left * CELLS, across * CELLS)
    mostly = wet.reshape(across, CELLS, across, CELLS).mean((1, 3)) > 0.5
    return bool((blue - red >= BLUER)[mostly].any())


def agreement(picture: NDArray[Any], water: Mask, shown: bool) -> Agreement:
    """Return how a picture (3, y, x) agrees with where water is (y, x)."""
    red, green, blue = picture.astype(int)
    bluer = blue - red
    distance = np.where(water, distance_transform_edt(water), distance_transform_edt(~water))
    far = distance > BEYOND
    brightness = picture.mean(0)
    sides = max(float(np.median(brightness[far & water])), float(np.median(brightness[far & ~water])))
    neither = (abs(blue - red) < GREYEST) & (abs(green - red) < GREYEST) & (brightness > sides + GREYEST)
    by_one, by_own = (float(((bluer >= least) == water)[far].mean()) for least in (BLUER, parting(bluer)))
    return Agreement(by_one, by_own, float(neither[~far].mean()), shown)


def parting(values: NDArray[Any]) -> int:
    """Return the least of the upper values where two parts have the most variance between their means.

    Source: Otsu 1979 (doi:10.1109/TSMC.1979.4310076), equation 18.
    """
    values, counts = np.unique(values, return_counts=True)
    share = counts.cumsum()[:-1] / counts.sum()
    below = (values * counts).cumsum()[:-1] / counts.sum()
    mean = float((values * counts).sum() / counts.sum())
    between = (mean * share - below) ** 2 / (share * (1 - share))
    return int(values[1:][between.argmax()])


def shown(tiles: Path, grid: Grid, level: int, place: Window) -> NDArray[np.uint8]:
    """Return what map tiles show, resampled to a window (3, y, x) of a level."""
    side = 2 * HALF_M / 2**ZOOM
    west, south, east, north = grid.bounds(level, place, WEB_MAP)
    columns, rows = (
        range(int((first + HALF_M) // side), int((last + HALF_M) // side) + 1)
        for first, last in ((west, east), (-north, -south))
    )
    lines = [[np.asarray(Image.open(tiles / f"{ZOOM}/{x}/{y}.jpeg")) for x in columns] for y in rows]
    joined = np.concatenate([np.concatenate(line, 1) for line in lines]).astype(np.float32)
    left, _, _, top = map_tile_bounds(ZOOM, columns[0], rows[0])
    found = np.zeros((3, *place.shape), np.float32)
    reproject(
        np.moveaxis(joined, 2, 0),
        found,
        src_transform=from_origin(left, top, side / TILE, side / TILE),
        src_crs=WEB_MAP,
        dst_transform=grid.transform(level, place),
        dst_crs=grid.crs,
        resampling=Resampling.bilinear,
    )
    return np.rint(found).astype(np.uint8)


def figures(recipe: Recipe, level: int, count: int, tiles: str | None) -> dict[str, list[Agreement]]:
    """Return the agreement of the first coasts of a level as drawn, and as map tiles show them."""
    found: dict[str, list[Agreement]] = {"drawn": []}
    for _, window in zip(range(count), coasts(level), strict=False):
        finer = LEVELS[level]
        place = window.y0 // finer, window.x0 // finer, SIDE // finer
        water = water_at(*place).repeat(finer, 0).repeat(finer, 1)
        pictures = {"drawn": generate(recipe, level, window, resources=UNCACHED)}
        if tiles is not None:
            pictures["real"] = shown(Path(tiles), recipe.grid, level, window)
        for name, picture in pictures.items():
            found.setdefault(name, []).append(agreement(picture, water, shows_water(*place)))
    return found


@pytest.mark.parametrize("level", LEVELS)
def test_shores(level: int, benchmark: Any) -> None:
    count = COASTS if benchmark.enabled else 1
    recipe = worldfile.load("earth", Recipe)
    tiles = os.environ.get("GEOINFINITE_BENCH_TILES")
    by_name = benchmark.pedantic(figures, (recipe, level, count, tiles), rounds=1)
    for name, found in by_name.items():
        far, parted, grey, seen = (
            np.array([getattr(a, figure) for a in found]) for figure in ("far", "parted", "grey", "shown")
        )
        print(
            f"level {level}, {name}: agrees on {far.mean():.4f} of pixels, least {far.min():.4f}, grey"
            f" {grey.mean():.4f}; where level 0 shows the water ({int(seen.sum())} of {count}) on"
            f" {far[seen].mean():.4f}, with each picture's own threshold on {parted[seen].mean():.4f},"
            f" least {parted[seen].min():.4f}"
        )
        assert far.mean() > 0.5
