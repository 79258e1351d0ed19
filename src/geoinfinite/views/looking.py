"""A picture of any part of a world in bounded time: the level that suits its size, in plot axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from geoinfinite.arrays.dataarray import level_array
from geoinfinite.errors import WindowError, WorldError
from geoinfinite.plane.crs import parse_crs
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.views.canvas import Canvas
from geoinfinite.views.map_tiles import MapPyramid, MapTile, render

LARGEST_SIDE = 4096
"""Pixels along a side of a picture; beyond, it is no glance any more: write a file."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a world to look at."""

    recipe: Recipe
    finest: int
    """The finest level that may be drawn for it."""
    window: Window
    """Pixels of that level."""
    bands: tuple[int, ...] | None = None
    """Selected bands, counted from 0; ``None`` for all."""

    @classmethod
    def of(cls, recipe: Recipe, level: int | None, bounds: Sequence[float] | None) -> Part:
        """Return a part by its bounds, by default all, down to a level, by default the finest."""
        finest = recipe.grid.levels - 1 if level is None else level
        whole = recipe.grid.full(finest)
        return cls(recipe, finest, whole if bounds is None else recipe.grid.window(finest, bounds))

    def canvas(self, size: int) -> Canvas:
        """Return the pixels of a picture: ``size`` along its longer side, or those of the level if fewer."""
        if not 1 <= size <= LARGEST_SIDE:
            raise WindowError(
                f"size={size!r} must be from 1 to {LARGEST_SIDE} pixels; write larger pictures as a file: "
                "da.geoinfinite.to_cog(PATH)"
            )
        height, width = self.window.shape
        shrink = min(1.0, size / max(height, width, 1))
        shape = max(1, round(height * shrink)), max(1, round(width * shrink))
        grid = self.recipe.grid
        return Canvas(grid.crs, grid.bounds(self.finest, self.window), shape)

    def pyramid(self) -> MapPyramid:
        """Return the levels that may be drawn for it."""
        arrays = {level: level_array(self.recipe, level) for level in range(self.finest + 1)}
        if self.bands is not None:
            arrays = {level: da.isel(band=list(self.bands)) for level, da in arrays.items()}
        # Of two levels the one whose pixels are nearer in size to the picture's.
        return MapPyramid(arrays, stretch=math.sqrt(self.recipe.grid.factor))


def plot(part: Part, size: int, ax: Any = None) -> Any:
    """Draw a picture of a part of a world into matplotlib axes, by default new ones, and return these.

    The axes are in units of the CRS. It is made of the level whose pixels are nearest in size to those of a
    picture of ``size`` pixels, which takes bounded time wherever and however large the part is.
    """
    canvas = part.canvas(size)
    picture = render(part.pyramid(), canvas)
    if ax is None:
        _, ax = _pyplot().subplots()
    _show(picture, canvas, ax)
    recipe, grid = part.recipe, part.recipe.grid
    gsd_m = grid.gsd_m(picture.level)
    length = f"{gsd_m:,.0f}" if gsd_m >= 100 else f"{gsd_m:.3g}"
    ax.set_title(f"{recipe.name[:60]}, level {picture.level}: {length} m per pixel")
    unit = "degrees" if parse_crs(grid.crs).is_geographic else "CRS units"
    is_root = picture.level == 0 and not recipe.root.drawn
    note = "the root raster, not drawn" if is_root else "synthetic: drawn by a diffusion model"
    ax.set_xlabel(f"x, {unit} of {grid.crs[:40]}\n{note}")
    ax.set_ylabel("y")
    return ax


def _show(picture: MapTile, canvas: Canvas, ax: Any) -> None:
    left, bottom, right, top = canvas.bounds
    pixels = picture.pixels.transpose(1, 2, 0)
    shown = pixels if pixels.shape[2] == 3 else pixels[..., 0]
    ax.imshow(
        shown, extent=(left, right, bottom, top), interpolation="nearest", cmap="gray", vmin=0, vmax=255
    )


def _pyplot() -> Any:
    try:
        return import_module("matplotlib.pyplot")
    except ImportError as error:
        raise WorldError(
            "plot() needs matplotlib, which is not installed: pip install 'geoinfinite[notebook]'"
        ) from error
