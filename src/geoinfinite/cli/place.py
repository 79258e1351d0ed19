"""Turns ``WORLD --level L --bbox W S E N --crs CRS --seed N`` into a recipe, a level and a window."""

from __future__ import annotations

import argparse

from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.listing import aligned_window


def place_of(options: argparse.Namespace) -> tuple[Recipe, int, Window]:
    """Return the recipe, the level and the window that the options name; without a bbox, the whole level."""
    recipe = worldfile.load(options.world, Recipe)
    if options.seed is not None:
        recipe = recipe.replace(seed=options.seed)
    grid, level = recipe.grid, options.level
    if options.bbox is None:
        return recipe, level, grid.full(level)
    window = grid.window(level, options.bbox, options.crs, name="bbox")
    return recipe, level, aligned_window(grid, level, window, options.align, name="--align")
