"""The way back from a lazy array to the recipe, level and window that it is."""

from __future__ import annotations

from dataclasses import dataclass

import xarray as xr

from geoinfinite.arrays.hooks import held
from geoinfinite.arrays.lazy import LazyPoints
from geoinfinite.arrays.variables import box_of
from geoinfinite.errors import StoreError
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Origin:
    """What a lazy array is a window of."""

    recipe: Recipe
    level: int
    window: Window


def origin_of(da: xr.DataArray) -> Origin:
    """Return the recipe, level and window of an array that is a window of a world and nothing else.

    It is read from the data, not from attributes, which survive arithmetic. Raises `StoreError`
    for arrays that were computed, loaded, strided, turned or lack a band.
    """
    if not isinstance(da, xr.DataArray):
        raise StoreError(
            f"a {type(da).__name__} is not a lazy array of a world; take its variable: dataset['image']"
        )
    box = box_of(da.variable)
    if box is None:
        raise _lost(_what_happened(da))
    _, rows, columns = box.axes
    if not (isinstance(rows, range) and isinstance(columns, range) and rows.step == columns.step == 1):
        raise _lost("its pixels are not neighbours: a row or column was picked, or a step taken")
    if len(rows) == 0 or len(columns) == 0:
        raise _lost("the selection is empty")
    if box.axes[0] != range(box.level.shape[0]):
        raise _lost("bands were selected, and the network draws all of them")
    if box.order != (0, 1, 2):
        raise _lost('its dimensions are in another order: use .transpose("band", "y", "x")')
    window = Window(rows.start, rows.stop, columns.start, columns.stop)
    return Origin(box.level.recipe, box.level.number, window)


def _what_happened(da: xr.DataArray) -> str:
    if da.chunks is not None:
        return "it was computed from a world's array"
    if isinstance(held(da.variable), LazyPoints):
        return "single pixels were selected"
    return "its values were computed or loaded"


def _lost(reason: str) -> StoreError:
    return StoreError(
        f"the array is no longer a window of a world: {reason}. Take it from the world again: "
        "world.array(level=L).sel(x=slice(W, E), y=slice(N, S)), or store values with xarray's own to_zarr"
    )
