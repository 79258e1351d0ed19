"""``zoom``: a real raster drawn finer than it is, each of its pixels kept as the mean of those beneath it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import xarray as xr

from geoinfinite.arrays.origin import Origin, origin_of
from geoinfinite.editing.drawing import Drawing, check_bands, root_of
from geoinfinite.editing.kept_files import folder_of
from geoinfinite.editing.real import real_of
from geoinfinite.errors import StoreError, WindowError, WorldError
from geoinfinite.world import World

NAME = "zoom"
"""The name of a world beneath a raster: with the seed it is the key of the noise."""


def zoom(da: xr.DataArray, factor: int, drawing: Drawing) -> xr.DataArray:
    """Return an array of a real raster as a lazy one, ``factor`` times finer along each side.

    The raster is level 0 of a world, and each level below is drawn on the one above: the mean of the pixels
    beneath a pixel of the raster is that pixel, exactly for integers. A lazy array of a world is drawn on by
    its own world, as further levels. Raises `WorldError` for an array that no world can begin with.
    """
    drawn = drawn_from(da)
    if drawn is not None:
        return _deeper(drawn, factor, drawing)
    depth = depth_of(factor, drawing.factor())
    return world_beneath(file_of(da, drawing), factor, drawing).array(depth)


def world_beneath(path: Path, factor: int, drawing: Drawing) -> World:
    """Return the world whose level 0 is a raster file and whose finest level is ``factor`` times finer."""
    return drawing.world(path, levels=depth_of(factor, drawing.factor()) + 1, name=NAME)


def depth_of(factor: int, step: int) -> int:
    """Return how many levels a factor is; raise `WindowError` for one that is no power of the model's.

    >>> depth_of(16, 4)
    2
    """
    depth, reached = 0, 1
    while type(factor) is int and reached < factor:
        depth, reached = depth + 1, reached * step
    if depth and reached == factor:
        return depth
    fits = [str(n) for n in dict.fromkeys((reached // step, reached)) if n > 1] or [str(step)]
    coarsened = " and coarsen it: .coarsen(y=N, x=N).mean()" if depth > 1 else ""
    raise WindowError(
        f"factor={factor!r} is no power of {step}, by which the model draws each level; take "
        f"{' or '.join(fits)}{coarsened}"
    )


def file_of(da: xr.DataArray, drawing: Drawing, holes: xr.DataArray | None = None) -> Path:
    """Return a file of an array's pixels, those of ``holes`` masked.

    Raises `WorldError` for an array that no world can have, or whose bands the model does not draw.
    """
    real, model = real_of(da, holes), drawing.reference()
    if not real.is_opened:
        check_bands(real.header.shape[0], da, model)
    path = real.file(folder_of(drawing.folder))
    check_bands(root_of(path).raster().bands, da, model)
    return path


def drawn_from(da: xr.DataArray) -> Origin | None:
    """Return what a lazy array of a world shows; ``None`` for pixels from elsewhere."""
    try:
        return origin_of(da)
    except StoreError:
        return None


def _deeper(drawn: Origin, factor: int, drawing: Drawing) -> xr.DataArray:
    """Return the same window of a finer level of the same world, which gets levels where it lacks them."""
    for name in ("model", "seed"):
        default = getattr(Drawing(), name)
        if getattr(drawing, name) != default:
            raise WorldError(
                f"zoom({name}={getattr(drawing, name)!r}): the array is drawn by a world with a {name} of "
                f"its own; change it there: world.replace({name}=...)"
            )
    grid = drawn.recipe.grid
    depth = depth_of(factor, grid.factor)
    levels = max(grid.levels, drawn.level + depth + 1)
    fields = {f.name: getattr(drawn.recipe, f.name) for f in dataclasses.fields(drawn.recipe)}
    world = World(**fields | {"grid": dataclasses.replace(grid, levels=levels)})
    return world.array(drawn.level + depth, window=drawn.window.refine(factor))
