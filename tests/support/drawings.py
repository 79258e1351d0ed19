"""Ways to draw that tests share: without a cache, on a given parent, with a part of a level exchanged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from geoinfinite.engine import (
    Cost,
    Level,
    ReadPixels,
    Resources,
    cold_cost,
    draw,
    process_resources,
    resolve,
)
from geoinfinite.engine.told_cache import ToldCache
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Numerics, Recipe
from geoinfinite.tiling import NoTileCache, TileCache


def caching(cache: TileCache | None) -> Resources:
    """The process's resources with another tile cache; None: with none. Conditions are asked again."""
    tiles = NoTileCache() if cache is None else cache
    return replace(process_resources(), tiles=tiles, told=ToldCache(2**24))


UNCACHED = caching(None)


def cost(recipe: Recipe, level: int, window: Window) -> Cost:
    """What a window of a level takes when its parent is at hand."""
    return resolve(recipe, level).cost(window)


def cold(recipe: Recipe, level: int, window: Window) -> Cost:
    """What a window takes with nothing at hand."""
    return cold_cost(resolve(recipe, level), window)


def on_parent(recipe: Recipe, level: int, window: Window, read: ReadPixels | None) -> np.ndarray:
    """A window drawn on a parent that ``read`` returns."""
    return draw(resolve(recipe, level), window, read, UNCACHED)


def exchanged(level: Level, **parts: Any) -> Level:
    """A level with parts of its source exchanged: the noise, the layers, the settings of its sampler."""
    return replace(level, source=replace(level.drawn, **parts))


def in_one_tile(recipe: Recipe, part: Window) -> Recipe:
    """The world with tiles so large that one of them holds a window, far from its edges."""
    side = max(part.shape)
    tile = side + 128
    # The lattice starts at pixel 0: the side grows until one tile holds the window.
    while not all(32 < at % tile < tile - side - 32 for at in (part.y0, part.x0)):
        tile += 16
    sampler = replace(recipe.sampler, tile=tile, stride=tile)
    # The window is far from the antimeridian, so whether the grid is periodic does not matter to it.
    grid = replace(recipe.grid, periodic=False)
    return recipe.replace(grid=grid, sampler=sampler, numerics=Numerics(micro_batch=1))
