"""The way back from a lazy array to the recipe, level, window, bands and order that it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from geoinfinite.arrays.hooks import held
from geoinfinite.arrays.lazy import LazyPoints
from geoinfinite.arrays.variables import box_of
from geoinfinite.errors import StoreError
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe

AXES = "band", "y", "x"


@dataclass(frozen=True, slots=True)
class Selection:
    """What a lazy array is a window of, with the bands and the order of dimensions that it has.

    Invariant: the array is ``generate(recipe, level, window)[list(bands)]``, its dimensions put in ``order``;
    a band that was picked, not sliced, has no dimension.
    """

    recipe: Recipe
    level: int
    window: Window
    bands: tuple[int, ...]
    """Selected bands, counted from 0."""
    order: tuple[str, ...] = AXES
    """Which of ``band``, ``y``, ``x`` the dimensions are, whatever they are called."""

    @property
    def is_whole(self) -> bool:
        """Whether it has all bands, in the order ``(band, y, x)``."""
        return self.bands == tuple(range(self.recipe.bands)) and self.order == AXES

    def arranged(self, pixels: Any) -> Any:
        """Return pixels ``(band, y, x)`` of the window, of all bands, as the array has them."""
        picked = np.asarray(pixels)[list(self.bands)]
        kept = [name for name in AXES if name in self.order]
        return (picked if "band" in kept else picked[0]).transpose([kept.index(name) for name in self.order])


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
    found = selection_of(da)
    if found.bands != tuple(range(found.recipe.bands)):
        raise _lost("bands were selected, and the network draws all of them")
    if found.order != AXES:
        raise _lost('its dimensions are in another order: use .transpose("band", "y", "x")')
    return Origin(found.recipe, found.level, found.window)


def selection_of(da: xr.DataArray) -> Selection:
    """Return what an array is a window of, also where bands were selected or dimensions turned.

    Raises `StoreError` for arrays that were computed, loaded or strided, and for single rows or columns.
    """
    if not isinstance(da, xr.DataArray):
        raise StoreError(
            f"a {type(da).__name__} is not a lazy array of a world; take its variable: dataset['image']"
        )
    box = box_of(da.variable)
    if box is None:
        raise _lost(_what_happened(da))
    bands, rows, columns = box.axes
    if not (isinstance(rows, range) and isinstance(columns, range) and rows.step == columns.step == 1):
        raise _lost("its pixels are not neighbours: a row or column was picked, or a step taken")
    picked = (bands,) if isinstance(bands, int) else tuple(int(b) for b in bands)
    if len(rows) == 0 or len(columns) == 0 or not picked:
        raise _lost("the selection is empty")
    return Selection(
        recipe=box.level.recipe,
        level=box.level.number,
        window=Window(rows.start, rows.stop, columns.start, columns.stop),
        bands=picked,
        order=tuple(AXES[axis] for axis in box.order),
    )


def _what_happened(da: xr.DataArray) -> str:
    if da.chunks is not None:
        return "it was computed from a world's array"
    if isinstance(held(da.variable), LazyPoints):
        return "single pixels were selected"
    return "its values were computed or loaded"


def _lost(reason: str) -> StoreError:
    return StoreError(
        f"the array is no longer a window of a world: {reason}. Take it from the world again: "
        "world.array(level=L).sel(x=slice(W, E), y=slice(N, S)), or store its values: da.rio.to_raster(PATH) "
        "or xarray's own da.to_zarr(PATH)"
    )
