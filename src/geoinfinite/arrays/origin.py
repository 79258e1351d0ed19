"""Finds the recipe, level, window, bands and order of dimensions of a lazy array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import xarray as xr
from numpy.typing import NDArray

from geoinfinite.arrays.hooks import held
from geoinfinite.arrays.lazy import LazyPoints
from geoinfinite.arrays.stored import place_of
from geoinfinite.arrays.variables import box_of
from geoinfinite.errors import StoreError
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe

AXES = "band", "y", "x"


@dataclass(frozen=True, slots=True)
class Origin:
    """The recipe, level and window that a lazy array shows, with its bands and its order of dimensions.

    Invariant: `arranged` makes the array of the pixels that ``generate(recipe, level, window)`` returns.
    """

    recipe: Recipe
    level: int
    window: Window
    bands: tuple[int, ...] | None = None
    """Selected bands, counted from 0; ``None`` for all in their order."""
    order: tuple[str, ...] = AXES
    """Which of ``band``, ``y``, ``x`` the dimensions are, whatever their names; a picked band has none."""

    @property
    def is_whole(self) -> bool:
        """Whether it has all bands, in the order ``(band, y, x)``."""
        return self.bands is None and self.order == AXES

    def arranged(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Return pixels ``(band, y, x)`` of the window, of all bands, as the array has them."""
        picked = pixels if self.bands is None else pixels[list(self.bands)]
        kept = [name for name in AXES if name in self.order]
        image = picked if "band" in kept else picked[0]
        return image.transpose([kept.index(name) for name in self.order])


def origin_of(da: xr.DataArray, *, whole: bool = True) -> Origin:
    """Return the recipe, level and window of an array that is a window of a world and nothing else.

    It is read from the data, not from attributes, which survive arithmetic. Raises `StoreError` for arrays
    that were computed, loaded or strided, and for single rows or columns; with ``whole`` also for arrays that
    lack a band or have their dimensions in another order.
    """
    if not isinstance(da, xr.DataArray):
        raise StoreError(
            f"a {type(da).__name__} is not a lazy array of a world; take its variable: dataset['image']"
        )
    box = box_of(da.variable)
    place = place_of(da.variable)
    if place is not None:
        raise StoreError(
            f"the array is read from {place}, and is not drawn: plans, stores and pictures are made of "
            "arrays of a world. Write its pixels: da.rio.to_raster(PATH) or xarray's da.to_zarr(PATH), or "
            'draw it anew: geoinfinite.World.loads(da.attrs["geoinfinite_recipe"]).array(level=L)'
        )
    if box is None:
        raise _lost(_what_happened(da))
    if box.has_seeds:
        raise StoreError(
            f"the array has a dimension of {len(box.levels)} seeds, and plans, stores and pictures are made "
            f"of one world. Take one: da.sel(seed={box.level.recipe.seed})"
        )
    bands, rows, columns = box.axes
    if not (isinstance(rows, range) and isinstance(columns, range) and rows.step == columns.step == 1):
        raise _lost("its pixels are not neighbours: a row or column was picked, or a step taken")
    picked = (bands,) if isinstance(bands, int) else tuple(int(b) for b in bands)
    if len(rows) == 0 or len(columns) == 0 or not picked:
        raise _lost("the selection is empty")
    every = picked == tuple(range(box.level.bands)) and not isinstance(bands, int)
    order = tuple(AXES[axis] for axis in box.order)
    if whole and not every:
        raise _lost("bands were selected, and the network draws all of them")
    if whole and order != AXES:
        raise _lost('its dimensions are in another order: use .transpose("band", "y", "x")')
    window = Window(rows.start, rows.stop, columns.start, columns.stop)
    return Origin(box.level.recipe, box.level.number, window, None if every else picked, order)


def _what_happened(da: xr.DataArray) -> str:
    if da.chunks is not None:
        return "it was computed from a world's array, or is read in chunks from a store or file"
    if isinstance(held(da.variable), LazyPoints):
        return "single pixels were selected"
    return "its values were computed or loaded"


def _lost(reason: str) -> StoreError:
    return StoreError(
        f"the array is no longer a window of a world: {reason}. Take it from the world again: "
        "world.array(level=L).sel(x=slice(W, E), y=slice(N, S)), or store its values: da.rio.to_raster(PATH) "
        "or xarray's own da.to_zarr(PATH)"
    )
