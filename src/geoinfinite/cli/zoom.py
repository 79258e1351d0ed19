"""The command ``zoom``: a raster file drawn finer than it is."""

from __future__ import annotations

import argparse
from pathlib import Path

from geoinfinite.cli.render import draw
from geoinfinite.editing import Drawing, world_beneath
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe


def run(options: argparse.Namespace) -> int:
    """Draw a raster finer, all of it or a part, and write it."""
    return draw(options, _place)


def _place(options: argparse.Namespace) -> tuple[Recipe, int, Window]:
    """Return the world beneath the raster, its finest level, and the window that the options name."""
    drawing = Drawing(model=options.model, seed=options.seed or 0)
    recipe = world_beneath(Path(options.raster).expanduser().absolute(), options.factor, drawing)
    grid, level = recipe.grid, recipe.grid.levels - 1
    if options.bbox is None:
        return recipe, level, grid.full(level)
    return recipe, level, grid.window(level, options.bbox, options.crs, name="bbox")
