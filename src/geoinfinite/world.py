"""``World``: a recipe that loads, saves and becomes lazy arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import xarray as xr

from geoinfinite.arrays import ReadBudget, level_array, level_tree
from geoinfinite.arrays.budget import DEFAULT_BUDGET
from geoinfinite.arrays.dataarray import checked_level
from geoinfinite.errors import WindowError
from geoinfinite.plane.window import Window
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

    def save(self, path: str | Path) -> None:
        """Write the world file; `load` reads it back to an equal world."""
        Path(path).expanduser().write_text(worldfile.dump(self), encoding="utf-8")

    def array(
        self,
        level: int | None = None,
        *,
        gsd: float | None = None,
        bounds: Sequence[float] | None = None,
        window: Any = None,
        chunks: Any = None,
        budget: ReadBudget = DEFAULT_BUDGET,
    ) -> xr.DataArray:
        """Return a level as a lazy ``(band, y, x)`` array; nothing is drawn before values are asked for.

        Say ``level``, or ``gsd``: metres, for the coarsest level whose pixels are at most as large. The array
        covers the whole level, or ``bounds`` = (left, bottom, right, top) in CRS units, or ``window`` =
        `Window` or ``((row0, row1), (col0, col1))``. ``chunks`` is as in ``xarray.open_dataset``: ``None``
        for no Dask, ``{}`` for the preferred chunks, a size, or sizes per dimension.

        Values are not kept when they have been read: ``.load()`` or ``.compute()`` keeps them. Reads that
        take long warn with `CostWarning`, and those beyond ``budget`` are refused with `BudgetError`. Raises
        `WindowError` for levels and pixels that the grid does not have.

        >>> da = World.load("analytic").array(level=3).sel(x=slice(6, 8), y=slice(47, 45))
        >>> da.shape
        (3, 1920, 1920)
        >>> World.load("analytic").array(gsd=500, bounds=(6, 45, 8, 47)).sizes
        Frozen({'band': 3, 'y': 480, 'x': 480})
        """
        if (level is None) == (gsd is None):
            raise WindowError(
                f"array(level={level!r}, gsd={gsd!r}): give one of the two, a level from 0 to "
                f"{self.grid.levels - 1} or metres per pixel"
            )
        number = self.grid.level_for(gsd_m=gsd) if level is None else level
        if bounds is not None and window is not None:
            raise WindowError(f"array(bounds={bounds!r}, window={window!r}): give one of the two")
        part = None if window is None else Window.of(window)
        if bounds is not None:
            part = self.grid.window(checked_level(self, number), bounds)
        return level_array(self, number, window=part, chunks=chunks, budget=budget)

    def tree(self, *, chunks: Any = None) -> xr.DataTree:
        """Return every level as a node of a tree, ``/0`` the coarsest; each holds the variable ``image``."""
        return level_tree(self, chunks=chunks)
