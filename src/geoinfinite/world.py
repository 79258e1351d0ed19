"""``World``: a recipe that loads, saves and becomes lazy arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import xarray as xr

from geoinfinite.arrays import level_array, level_tree
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe


@dataclass(frozen=True, slots=True)
class World(Recipe):
    """Everything that decides a pixel, and the lazy arrays that it describes.

    >>> world = World.load("analytic")
    >>> world.array(level=7).shape
    (3, 44236800, 88473600)
    """

    @classmethod
    def load(cls, name: str | Path) -> Self:
        """Return a bundled world, ``"earth"`` or ``"analytic"``, or the one that a world file describes."""
        return worldfile.load(name, cls)

    @classmethod
    def loads(cls, text: str, *, folder: str | Path | None = None) -> Self:
        r"""Return the world that a text describes: a world file's, or the recipe that every output carries.

        Relative paths in it start at ``folder``, by default the current one. Raises `WorldError` for a text
        that is no world.

        >>> World.loads('[root]\nsource = "bundled:blue-marble"').grid.levels
        1
        """
        return worldfile.loads(text, cls, folder=None if folder is None else Path(folder))

    def save(self, path: str | Path) -> None:
        """Write the world file; `load` reads it back to an equal world."""
        Path(path).expanduser().write_text(worldfile.dump(self), encoding="utf-8")

    def array(self, level: int, *, chunks: Any = None) -> xr.DataArray:
        """Return a level as a lazy ``(band, y, x)`` array; nothing is drawn before values are asked for.

        Values are not kept when they have been read: ``.load()`` or ``.compute()`` keeps them. ``chunks``
        is as in ``xarray.open_dataset``: ``None`` for no Dask, ``{}`` for the preferred chunks, a size, or
        sizes per dimension. Reads beyond 2**30 values are refused with `BudgetError`.

        >>> da = World.load("analytic").array(level=3).sel(x=slice(6, 8), y=slice(47, 45))
        >>> da.shape
        (3, 1920, 1920)
        """
        return level_array(self, level, chunks=chunks)

    def tree(self, *, chunks: Any = None) -> xr.DataTree:
        """Return every level as a node of a tree, ``/0`` the coarsest; each holds the variable ``image``."""
        return level_tree(self, chunks=chunks)
