"""``generate(world, level, window)``: the one pure function under everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.engine.drawing import Drawing, Ground
from geoinfinite.engine.layers import level_layers
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.recipe.solver_settings import sampling_of
from geoinfinite.tiling import Layer, TileCache, cone

Read = Callable[[Window], NDArray[Any]]
"""Pixels ``(band, y, x)`` of a window of one level, in the world's dtype."""

tile_cache = TileCache(max_bytes=256 * 2**20)
"""Finished tiles that neighbouring windows share within a process."""


def generate(
    world: Recipe, level: int, window: Window, *, cache: TileCache | None = tile_cache
) -> NDArray[Any]:
    """Return the pixels of a window, ``(band, y, x)`` in the world's dtype.

    A pixel is a pure function of (recipe, level, row, column): any window is the crop of any larger
    one, bit for bit, whatever was asked before. Level 0 is the root raster, or generated; every other
    level is drawn on its parent's window, which is generated first. ``cache`` changes cost, never pixels.
    Raises `WindowError` for pixels that the grid does not have.

    >>> import geoinfinite as gi
    >>> world = gi.World.load("earth").replace(model=gi.models.from_pretrained("analytic:gaussian"))
    >>> big = gi.generate(world, 2, gi.Window(1000, 1040, -20, 30))
    >>> small = gi.generate(world, 2, gi.Window(1011, 1017, -3, 9))
    >>> big.shape, bool((big[:, 11:17, 17:29] == small).all())
    ((3, 40, 50), True)
    """
    world.grid.check_window(level, window)
    if window.size == 0:
        return np.empty((world.bands, *window.shape), world.dtype)
    if level == 0 and not world.root.generated:
        return world.root.read(window)
    return draw(world, level, window, lambda w: generate(world, level - 1, w, cache=cache), cache=cache)


def draw(
    world: Recipe, level: int, window: Window, read_parent: Read | None, *, cache: TileCache | None = None
) -> NDArray[Any]:
    """Return a window of a level, given how to read its parent: computed, or stored earlier.

    A level is quantised before its children see it, so a stored parent and a computed one are the
    same parent. Level 0 of a generated world has none.
    """
    aligned = whole_blocks(world, level, window)
    layers = level_layers(world, level)
    ground = read_ground(world, level, _seen(world, level, layers, aligned), read_parent)
    fused = begin(world, level, ground, cache).fused(layers, aligned)
    return settle(world, level, fused, aligned, ground)[:, *window.slices(aligned)]


def whole_blocks(world: Recipe, level: int, window: Window) -> Window:
    """Return the smallest window of whole parent pixels that holds a window."""
    factor = world.grid.factor if level else 1
    return window.coarsen(factor).refine(factor)


def _seen(world: Recipe, level: int, layers: tuple[Layer, ...], window: Window) -> Window:
    """Return the pixels of all tiles from which a window is drawn."""
    return cone(layers, window)[0].hull.refine(world.model_at(level).facts().latent)


def parent_of(world: Recipe, level: int, window: Window) -> Window:
    """Return the pixels of level ``level - 1`` that drawing a window of ``level`` is told, domain or not."""
    seen = _seen(world, level, level_layers(world, level), whole_blocks(world, level, window))
    return seen.coarsen(world.grid.factor).expand(world.model_at(level).facts().margin)


def read_ground(world: Recipe, level: int, window: Window, read_parent: Read | None) -> Ground | None:
    """Return the parent under a window of a level, with the margin that the model wants to see."""
    if level == 0 or read_parent is None:
        return None
    factor = world.grid.factor
    where = window.coarsen(factor).expand(world.model_at(level).facts().margin)
    values = read_extended(read_parent, world.grid, level - 1, where)
    return Ground(values, world.encoding.to_unit(values), where, factor)


def begin(world: Recipe, level: int, ground: Ground | None, cache: TileCache | None) -> Drawing:
    """Return what draws tiles of a level on its ground."""
    name = "" if cache is None else world.token
    model = world.model_at(level)
    sampling = sampling_of(world.sampler_at(level), model)
    return Drawing(world, level, model.facts(), sampling, ground, cache, name)


def settle(
    world: Recipe, level: int, fused: NDArray[Any], window: Window, ground: Ground | None
) -> NDArray[Any]:
    """Return fused images of whole blocks in the world's dtype, each block with its parent's mean."""
    if ground is None or world.sampler_at(level).consistency == "none":
        return world.encoding.settle(fused)
    factor = world.grid.factor
    parents = ground.pixels[:, *window.coarsen(factor).slices(ground.window)]
    return world.encoding.settle(fused, parents, factor)


def in_domain(grid: Grid, level: int, window: Window) -> Window:
    """Return the pixels that must be read to know a window that may hang over the grid's edges."""
    rows, columns = grid.shape_at(level)
    y0, y1 = _clamped(window.y0, window.y1, rows)
    if grid.periodic:
        return Window(y0, y1, window.x0, min(window.x1, window.x0 + columns))
    return Window(y0, y1, *_clamped(window.x0, window.x1, columns))


def _clamped(start: int, stop: int, size: int) -> tuple[int, int]:
    """Return those of an axis's pixels that are nearest to ``start <= p < stop``, at least one.

    >>> _clamped(-3, 5, 9), _clamped(-3, -1, 9), _clamped(12, 15, 9)
    ((0, 5), (0, 1), (8, 9))
    """
    first = min(max(start, 0), size - 1)
    return first, max(min(stop, size), first + 1)


def read_extended(read: Read, grid: Grid, level: int, window: Window) -> NDArray[Any]:
    """Return a window that may hang over the grid: the nearest edge pixel beyond edges, wrapped in x."""
    inside = in_domain(grid, level, window)
    values = read(inside)
    if inside == window:
        return values
    rows = (np.arange(window.y0, window.y1) - inside.y0).clip(0, inside.height - 1)
    columns = np.arange(window.x0, window.x1) - inside.x0
    columns = columns % inside.width if grid.periodic else columns.clip(0, inside.width - 1)
    return values[:, rows[:, None], columns]
