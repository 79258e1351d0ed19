"""``generate(recipe, level, window)``: the pure function that all pixels come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.diffusion.model import Array
from geoinfinite.engine.known_tiles import settle_around
from geoinfinite.engine.layer_drawing import LayerDrawing
from geoinfinite.engine.level import Level
from geoinfinite.engine.parent_pixels import (
    ParentPixels,
    ReadMany,
    ReadPixels,
    one_by_one,
    read_many_extended,
)
from geoinfinite.engine.raster_source import RasterSource
from geoinfinite.engine.resolve import resolve
from geoinfinite.engine.resources import Resources, process_resources
from geoinfinite.plane.window import Window, WindowLike
from geoinfinite.recipe.recipe import Recipe


def generate(
    recipe: Recipe, level: int, window: WindowLike, *, resources: Resources | None = None
) -> NDArray[Any]:
    """Return the pixels of a window, ``(band, y, x)`` in the world's dtype.

    A pixel is a pure function of (recipe, level, row, column): any window is the crop of any larger one, bit
    for bit, whatever was asked before. Level 0 is the root raster, or drawn; every other level is drawn on
    its parent's window, which is generated first. ``window`` may be in rasterio's forms, see `Window.of`.
    ``resources`` change cost, never pixels. Raises `WindowError` for pixels that the grid does not have.

    >>> import geoinfinite as gi
    >>> world = gi.World.load("analytic")
    >>> big = gi.generate(world, 2, gi.Window(1000, 1040, -20, 30))
    >>> small = gi.generate(world, 2, gi.Window(1011, 1017, -3, 9))
    >>> big.shape, bool((big[:, 11:17, 17:29] == small).all())
    ((3, 40, 50), True)
    """
    wanted = Window.of(window)
    recipe.grid.check_window(level, wanted)
    return read(resolve(recipe, level), wanted, resources or process_resources())


def read(level: Level, window: Window, resources: Resources) -> NDArray[Any]:
    """Return the pixels of a window of a resolved level, drawing the levels above it as far as needed."""
    return next(read_each(level, [window], resources))


def read_each(level: Level, windows: Sequence[Window], resources: Resources) -> Iterator[NDArray[Any]]:
    """Yield the pixels of windows of a resolved level, in their order; shared tiles are drawn once."""
    source = level.source
    drawn: Iterator[NDArray[Any]]
    if isinstance(source, RasterSource):
        drawn = (source.read(window, resources.rasters) for window in windows if window.size)
    else:
        parent = level.parent
        read_parents = None if parent is None else partial(read_each, parent, resources=resources)
        drawn = draw_each(level, [window for window in windows if window.size], read_parents, resources)
    for window in windows:
        yield next(drawn) if window.size else np.empty((level.bands, *window.shape), level.dtype)


def draw(level: Level, window: Window, read_parent: ReadPixels | None, resources: Resources) -> NDArray[Any]:
    """Return a window of a level that is drawn, given how to read its parent: computed, or stored earlier.

    A level is in the world's dtype before its children see it, so a stored parent and a computed one are
    the same parent. Level 0 has none.
    """
    read_parents = None if read_parent is None else one_by_one(read_parent)
    return next(draw_each(level, [window], read_parents, resources))


def draw_each(
    level: Level, windows: Sequence[Window], read_parents: ReadMany | None, resources: Resources
) -> Iterator[NDArray[Any]]:
    """Yield windows of a level that is drawn, none of them empty, given how to read its parent."""
    aligned = [level.blocks(window) for window in windows]
    parents = parents_of(level, [level.seen(window) for window in windows], read_parents)
    fields = LayerDrawing(level, resources).fused(level.drawn.layers, aligned, parents)
    for window, whole, parent, fused in zip(windows, aligned, parents, fields, strict=True):
        yield settle(level, fused, whole, parent)[:, *window.slices(whole)]


def parents_of(
    level: Level, seen: Sequence[Window], read_parents: ReadMany | None
) -> list[ParentPixels | None]:
    """Return the parent under windows of a level, with the margin that the model wants to see."""
    if level.parent is None or read_parents is None:
        return [None] * len(seen)
    under = [level.parent_under(window) for window in seen]
    pixels = read_many_extended(read_parents, level.recipe.grid, level.parent.number, under)
    return [
        ParentPixels.of(values, level.encoding, window, level.factor)
        for values, window in zip(pixels, under, strict=True)
    ]


def settle(level: Level, fused: Array, window: Window, parent: ParentPixels | None) -> NDArray[Any]:
    """Return a fused image of whole blocks in the world's dtype, each block with its parent's mean.

    Known pixels are kept as they are, also where a parent says otherwise.
    """
    parents = None
    if parent is not None and level.drawn.keeps_means:
        parents = parent.pixels_under(window)
    if level.drawn.known is not None:
        known = level.drawn.known.read(window)
        return settle_around(level.encoding, fused, known, parents, level.factor)
    if parents is None:
        return level.encoding.settle(fused)
    return level.encoding.settle(fused, parents, level.factor)
