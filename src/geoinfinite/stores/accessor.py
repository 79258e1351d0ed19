"""``gi.plan(da)`` and ``da.geoinfinite``: lazy arrays become stores and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, Unpack, overload

import dask
import xarray as xr
from dask.delayed import Delayed, delayed

from geoinfinite import editing
from geoinfinite.arrays import level_array
from geoinfinite.arrays.origin import Origin, origin_of
from geoinfinite.editing import Drawing, DrawingOptions, ExtendOptions
from geoinfinite.engine import resolve, warn_if_cold
from geoinfinite.errors import StoreError
from geoinfinite.plane.window import Window
from geoinfinite.progress import Progress
from geoinfinite.stores.files.methods import FileMethods, shown
from geoinfinite.stores.identity import Header, numerics_profile
from geoinfinite.stores.listing import aligned_window
from geoinfinite.stores.manifest import begin
from geoinfinite.stores.objects import Objects, open_objects
from geoinfinite.stores.planning import Plan, plan_window
from geoinfinite.stores.pools.settings import RunOptions, RunSettings
from geoinfinite.stores.writing import WriteReport, resume_store, write_zarr
from geoinfinite.views.looking import Part, plot
from geoinfinite.world import World


def plan(da: xr.DataArray, *, shard: int | None = None) -> Plan:
    """Return what storing a lazy array takes: tiles, evaluations, bytes, shards; computes nothing.

    Warns (`CostWarning`) where reading the array without a store would cost more than four times as much
    as independent tiles; ``plan.cold_evaluations`` says how much.

    ``shard`` is the side of the shards in pixels, by default it follows from the window.

    >>> import geoinfinite as gi
    >>> world = gi.World.load("analytic")
    >>> gi.plan(world.array(level=2).isel(x=slice(100, 400), y=slice(50, 150))).evaluations > 0
    True
    """
    found = origin_of(da, whole=False)
    warn_if_cold(resolve(found.recipe, found.level), found.window)
    return _planned(found, shard)


class GeoInfiniteAccessor(FileMethods):
    """The accessor ``da.geoinfinite``.

    Of lazy arrays: their world, level and window, plans, stores, files. Of any raster with a CRS: `zoom`,
    `fill` and `extend`, which return lazy arrays.
    """

    def __init__(self, da: xr.DataArray) -> None:
        self._da = da

    @property
    def world(self) -> World:
        """The world that the array is a window of."""
        recipe = origin_of(self._da, whole=False).recipe
        return World(**{field.name: getattr(recipe, field.name) for field in fields(recipe)})

    @property
    def level(self) -> int:
        """The level that the array is a window of."""
        return origin_of(self._da, whole=False).level

    @property
    def window(self) -> Window:
        """The array's rows and columns on its level."""
        return origin_of(self._da, whole=False).window

    def plot(self, *, size: int = 512, ax: Any = None) -> Any:
        """Draw a picture of the array in bounded time, however large it is, see `World.plot`."""
        found = origin_of(self._da, whole=False)
        return plot(Part(found.recipe, found.level, found.window, found.bands), size, ax)

    def aligned(self, coarser: int) -> xr.DataArray:
        """Return the array, widened to whole pixels of the level so many coarser; all its bands.

        A store of it lists that level and those between, cut to the same extent, for programs that show
        pyramids. Raises `WindowError` unless the world has such a level.

        >>> import geoinfinite as gi
        >>> da = gi.World.load("analytic").array(level=2).isel(y=slice(50, 101), x=slice(33, 130))
        >>> da.shape, da.geoinfinite.aligned(1).shape
        ((3, 51, 97), (3, 56, 100))
        """
        found = origin_of(self._da, whole=False)
        window = aligned_window(found.recipe.grid, found.level, found.window, coarser)
        return level_array(found.recipe, found.level, window=window)

    def plan(self, *, shard: int | None = None) -> Plan:
        """Return what storing the array takes; computes nothing."""
        return plan(self._da, shard=shard)

    @overload
    def to_zarr(
        self,
        path: str | Path,
        *,
        resume: bool = True,
        progress: bool | Progress = True,
        shard: int | None = None,
        preset: str = "default",
        storage_options: Mapping[str, Any] | None = None,
        part: tuple[int, int] = (1, 1),
        compute: Literal[True] = True,
        **run_options: Unpack[RunOptions],
    ) -> WriteReport: ...

    @overload
    def to_zarr(
        self,
        path: str | Path,
        *,
        resume: bool = True,
        progress: bool | Progress = True,
        shard: int | None = None,
        preset: str = "default",
        storage_options: Mapping[str, Any] | None = None,
        compute: Literal[False],
    ) -> Delayed: ...

    def to_zarr(
        self,
        path: str | Path,
        *,
        resume: bool = True,
        progress: bool | Progress = True,
        shard: int | None = None,
        preset: str = "default",
        storage_options: Mapping[str, Any] | None = None,
        part: tuple[int, int] = (1, 1),
        compute: bool = True,
        **run_options: Unpack[RunOptions],
    ) -> WriteReport | Delayed:
        """Write the array as a Zarr store at a path or URL, or go on with one; see `write_zarr`.

        ``preset="gdal"`` keeps plain chunks, which GDAL before 3.13 reads, QGIS and rasterio among it.
        ``part=(i, n)`` draws the i-th of n parts. ``run_options`` are the fields of `RunSettings`: a
        ``client`` with ``resources``, ``priority`` and ``retries``, ``stall_s``, ``task_limit_s``.

        With ``compute=False`` the store is begun, and what is returned is a `dask.delayed.Delayed` that draws
        its shards as one task, with threads of the process that it runs in, and gives the report.
        """
        found = origin_of(self._da, whole=False)
        if not found.is_whole:
            raise StoreError(
                "a store holds all bands as (band, y, x), and this array has others or another order; select "
                "from the store when it is open, or write a file: .geoinfinite.to_cog(PATH) or "
                ".rio.to_raster(PATH)"
            )
        planned, objects = _planned(found, shard, preset), open_objects(path, storage_options)
        if compute:
            settings = RunSettings.of(run_options)
            return write_zarr(
                planned, objects, resume=resume, progress=shown(progress), part=part, settings=settings
            )
        begin(objects, planned, Header.of(planned, numerics_profile(planned.recipe)), resume=resume)
        # The plan is a value: Dask need not look for its own collections in it.
        draw: Delayed = delayed(write_with_threads, pure=False, traverse=False)(planned, objects)
        return draw

    def zoom(self, factor: int, **drawing: Unpack[DrawingOptions]) -> xr.DataArray:
        """Return a raster ``factor`` times finer along each side, as a lazy ``(band, y, x)`` array.

        The raster is level 0 of a world, below which a network draws: ``factor`` is a power of the network's
        own, 4 for the bundled one. Invariant for integers: the mean of the ``factor`` x ``factor`` pixels
        under a pixel of the raster is that pixel; for float32 to rounding. A lazy array of a world becomes a
        finer one of the same world.

        ``drawing`` are ``model``, ``seed`` and ``folder``, the fields of `geoinfinite.editing.Drawing`. An
        array that is not a file as it was opened is kept as one in ``folder``. Raises `WorldError` for an
        array that no world can begin with, `WindowError` for another factor.

        >>> import rioxarray
        >>> import geoinfinite as gi
        >>> real = rioxarray.open_rasterio(gi.World.load("earth").root.path)
        >>> fine = real.geoinfinite.zoom(16)
        >>> fine.shape, fine.geoinfinite.level
        ((3, 43200, 86400), 2)
        """
        return editing.zoom(self._da, factor, Drawing(**drawing))

    def fill(self, *, holes: xr.DataArray | None = None, **drawing: Unpack[DrawingOptions]) -> xr.DataArray:
        """Return a raster without holes, as a lazy ``(band, y, x)`` array; known pixels stay bit for bit.

        Holes are nodata, NaN, what the file masks, and where ``holes``, booleans ``(y, x)``, is true.
        ``drawing`` is as in `zoom`. Raises `WorldError` for an array that no world can have.
        """
        return editing.fill(self._da, Drawing(**drawing), holes=holes)

    def extend(
        self, *, bounds: Sequence[float] | None = None, guide: Any = None, **options: Unpack[ExtendOptions]
    ) -> xr.DataArray:
        """Return a raster drawn beyond its edges, as a lazy ``(band, y, x)`` array; known pixels stay.

        Say ``north``, ``south``, ``east``, ``west``: pixels that are added there, or ``bounds`` = (left,
        bottom, right, top) in units of its CRS. ``guide`` is a coarser raster of the ground beyond, an array
        or a path; without it the raster's large shapes are mirrored there. ``model``, ``seed`` and ``folder``
        are as in `zoom`. Raises `WindowError` for sides beyond a pole, `WorldError` for an array that no
        world can have.
        """
        return editing.extend(self._da, bounds, options, guide=guide)


def _planned(found: Origin, shard: int | None = None, preset: str = "default") -> Plan:
    """Return the plan of a store, whose layers are drawn once whatever a read of them would cost."""
    return plan_window(found.recipe, found.level, found.window, shard=shard, preset=preset)


def resume(
    path: str | Path,
    *,
    progress: bool | Progress = True,
    storage_options: Mapping[str, Any] | None = None,
    part: tuple[int, int] = (1, 1),
    **run_options: Unpack[RunOptions],
) -> WriteReport:
    """Finish, or mend, the store at a path or URL; what to draw is read from the store.

    What is sound is kept; what is missing or damaged is drawn again, to the same bytes. Raises `StoreError`
    if that cannot be done here: the root raster or the weights are not there, or the numerics are others.
    ``part`` and ``run_options`` are those of ``da.geoinfinite.to_zarr``.
    """
    settings = RunSettings.of(run_options)
    return resume_store(
        path, progress=shown(progress), storage_options=storage_options, part=part, settings=settings
    )


def write_with_threads(planned: Plan, objects: Objects) -> WriteReport:
    """Write a store with the threads of this process, whatever runs the task that calls it."""
    with dask.config.set(scheduler="threads"):
        return write_zarr(planned, objects)
