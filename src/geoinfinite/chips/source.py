"""``PixelSource``: a level of a world, drawn when it is read, or of a store, read as it is."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from geoinfinite.arrays.dataarray import checked_level
from geoinfinite.arrays.opening import open_stored
from geoinfinite.engine import Resources, generate_many
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.quantise import Encoding
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores import layout
from geoinfinite.stores.objects import Objects, open_objects

Readable: TypeAlias = Recipe | str | Path | Objects
"""A world, or the path, URL or objects of a store."""


@dataclass(frozen=True, slots=True, eq=False)
class PixelSource:
    """A level whose pixels can be read window by window, with what is to be said of them."""

    grid: Grid
    level: int
    within: Window
    """The pixels that there are: the whole level of a world, what a store holds."""
    token: str
    name: str
    seed: int
    dtype: str
    bands: int
    recipe: str
    """The world file that makes the pixels."""
    drawn_by: Recipe | None = None
    """The world that draws the pixels; of a store ``None``."""
    kept_in: Objects | None = None
    """The store that holds the pixels."""
    stored: xr.DataArray | None = None
    """The level as the store has it, lazy."""

    @property
    def encoding(self) -> Encoding:
        """How values of the dtype map to the network's."""
        return Encoding(self.dtype)

    @property
    def period(self) -> int | None:
        """Columns once round the Earth, where windows may run on."""
        return None if self.stored is not None else self.grid.period(self.level)

    @property
    def wraps(self) -> bool:
        """Whether windows may lie across the antimeridian."""
        return self.period is not None and self.within.width == self.period

    def read(self, windows: Sequence[Window], resources: Resources | None = None) -> list[NDArray[Any]]:
        """Return the pixels ``(band, y, x)`` of windows; values do not depend on what else is asked for."""
        if self.drawn_by is not None:
            return generate_many(self.drawn_by, self.level, windows, resources=resources)
        return [self._stored_pixels(window) for window in windows]

    def at(self, level: int) -> PixelSource:
        """Return another level of the same world or store."""
        readable = self.drawn_by or self.kept_in
        assert readable is not None
        return source_of(readable, level)

    def _stored_pixels(self, window: Window) -> NDArray[Any]:
        assert self.stored is not None
        rows, columns = window.slices(self.within)
        return np.asarray(self.stored.isel(y=rows, x=columns).values)


def source_of(readable: Readable, level: int) -> PixelSource:
    """Return a level of a world or of a store; nothing is drawn or read but headers.

    Raises `WindowError` for a level that a world does not have, and `StoreError` for one that a store does
    not hold.

    >>> from geoinfinite import World
    >>> source_of(World.load("analytic"), 1).within.shape
    (10800, 21600)
    """
    if isinstance(readable, Recipe):
        return _of_world(readable, checked_level(readable, level))
    return _of_store(readable if isinstance(readable, Objects) else open_objects(readable), level)


def _of_world(world: Recipe, level: int) -> PixelSource:
    return PixelSource(
        grid=world.grid,
        level=level,
        within=world.grid.full(level),
        token=world.token,
        name=world.name,
        seed=world.seed,
        dtype=world.dtype,
        bands=world.bands,
        recipe=worldfile.dump(world),
        drawn_by=world,
    )


def _of_store(objects: Objects, level: int) -> PixelSource:
    header = layout.read_header(objects)
    stored = open_stored(objects.zarr_store(), level)["image"]
    said = tomllib.loads(header.recipe)
    known = {field.name for field in fields(Grid)}
    world = said.get("world", {})
    return PixelSource(
        grid=Grid(**{key: value for key, value in said["grid"].items() if key in known}),
        level=level,
        within=header.windows[str(level)],
        token=header.token,
        name=str(world.get("name", "world")),
        seed=int(world.get("seed", 0)),
        dtype=str(stored.dtype),
        bands=int(stored.sizes["band"]),
        recipe=header.recipe,
        kept_in=objects,
        stored=stored,
    )
