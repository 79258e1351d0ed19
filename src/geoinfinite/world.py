"""``World``: a recipe that loads, saves and becomes lazy arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import xarray as xr

from geoinfinite.arrays import ReadBudget, level_array, level_tree
from geoinfinite.arrays.budget import DEFAULT_BUDGET
from geoinfinite.arrays.dataarray import checked_level
from geoinfinite.conditions.protocol import Condition
from geoinfinite.errors import WindowError
from geoinfinite.models.reference import ModelReference, from_pretrained
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.fitting import fitted_fields
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.views.exploring import explore
from geoinfinite.views.looking import Part, plot
from geoinfinite.views.world_table import world_table


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

    @classmethod
    def for_model(
        cls,
        ref: str | Path | ModelReference,
        *,
        crs: str | None = None,
        bounds: Sequence[float] | None = None,
        resolution: float | None = None,
        root: str | None = None,
        conditions: Iterable[Condition] = (),
    ) -> Self:
        """Return a world that fits a model: its own size of tile, solver, schedule and steps.

        A model without a parent draws ``bounds`` = (left, bottom, right, top) of a CRS, in pixels of
        ``resolution`` CRS units. A model that is told a parent draws one level below the raster ``root``.
        Tiles overlap by an eighth; guidance is 7.5 where a condition fills a slot that guidance compares.
        Change what does not suit with `replace`, and keep the world with `save`. Raises `WorldError` if what
        is said does not suffice for the model.

        >>> bounds = 400_000, 5_200_000, 404_000, 5_202_000
        >>> world = World.for_model("analytic:planet", crs="EPSG:32632", bounds=bounds, resolution=20)
        >>> world.array(level=0).shape
        (3, 100, 200)
        """
        model = ref if isinstance(ref, ModelReference) else from_pretrained(ref)
        return cls(**fitted_fields(model, crs, bounds, resolution, root, conditions))

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
        seeds: Iterable[int] | None = None,
        chunks: Any = None,
        budget: ReadBudget = DEFAULT_BUDGET,
    ) -> xr.DataArray:
        """Return a level as a lazy ``(band, y, x)`` array; nothing is drawn before values are asked for.

        Say ``level``, or ``gsd``: metres, for the coarsest level whose pixels are at most as large. The array
        covers the whole level, or ``bounds`` = (left, bottom, right, top) in CRS units, or ``window`` =
        `Window` or ``((row0, row1), (col0, col1))``. ``chunks`` is as in ``xarray.open_dataset``: ``None``
        for no Dask, ``{}`` for the preferred chunks, a size, or sizes per dimension. With ``seeds`` it is
        ``(seed, band, y, x)``: the same place in worlds that differ in their seed alone; ``.sel(seed=3)`` is
        the array of ``replace(seed=3)``.

        Values are not kept when they have been read: ``.load()`` or ``.compute()`` keeps them. Reads that
        take long warn with `CostWarning`, and those beyond ``budget`` are refused with `BudgetError`. Raises
        `WindowError` for levels and pixels that the grid does not have.

        >>> da = World.load("analytic").array(level=3).sel(x=slice(6, 8), y=slice(47, 45))
        >>> da.shape
        (3, 1920, 1920)
        >>> World.load("analytic").array(gsd=500, bounds=(6, 45, 8, 47)).sizes
        Frozen({'band': 3, 'y': 480, 'x': 480})
        >>> ensemble = World.load("analytic").array(level=3, seeds=range(4), bounds=(6, 45, 6.1, 45.1))
        >>> ensemble.std("seed").sizes
        Frozen({'band': 3, 'y': 96, 'x': 96})
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
        return level_array(self, number, window=part, chunks=chunks, budget=budget, seeds=seeds)

    def plot(
        self,
        level: int | None = None,
        bounds: Sequence[float] | None = None,
        *,
        size: int = 512,
        ax: Any = None,
    ) -> Any:
        """Draw a picture of the world, or of ``bounds`` = (left, bottom, right, top), into matplotlib axes.

        It takes bounded time for any part: ``size`` pixels along the longer side, of the level whose pixels
        are nearest in size to these, and of none finer than ``level``. The axes are in CRS units. Returns the
        axes, ``ax`` or new ones. Raises `WorldError` where matplotlib is not installed.
        """
        number = None if level is None else checked_level(self, level)
        return plot(Part.of(self, number, bounds), size, ax)

    def explore(self, bounds: Sequence[float] | None = None, *, height: int = 600) -> Any:
        """Return a map of the world for a notebook, a lonboard ``Map``: pan and zoom, no server, no network.

        Map tiles are drawn in the kernel as the map asks for them, and those that scrolled away are not. It
        begins at ``bounds`` in CRS units, by default at the world's. Raises `WorldError` where lonboard is
        not installed.
        """
        return explore(self, bounds, height)

    def _repr_html_(self) -> str:
        return world_table(self)

    def tree(self, *, chunks: Any = None) -> xr.DataTree:
        """Return every level as a node of a tree, ``/0`` the coarsest; each holds the variable ``image``."""
        return level_tree(self, chunks=chunks)
