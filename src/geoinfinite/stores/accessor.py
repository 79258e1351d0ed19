"""``gi.plan(da)`` and ``da.geoinfinite``: lazy arrays become stores and files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, Unpack, overload

import dask
import xarray as xr
from dask.delayed import Delayed, delayed

from geoinfinite.arrays.origin import Origin, origin_of
from geoinfinite.engine import resolve, warn_if_cold
from geoinfinite.errors import StoreError
from geoinfinite.plane.window import Window
from geoinfinite.progress import Progress, Silent, progress_on
from geoinfinite.stores.identity import Header, numerics_profile
from geoinfinite.stores.manifest import begin
from geoinfinite.stores.objects import Objects, open_objects
from geoinfinite.stores.pictures import write_cog, write_png
from geoinfinite.stores.planning import Plan, plan_window
from geoinfinite.stores.pools.settings import RunOptions, RunSettings
from geoinfinite.stores.writing import WriteReport, resume_store, write_zarr
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


class GeoInfiniteAccessor:
    """The accessor ``da.geoinfinite`` of lazy arrays: their world, level and window; plans, stores, files."""

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
        storage_options: Mapping[str, Any] | None = None,
        part: tuple[int, int] = (1, 1),
        compute: bool = True,
        **run_options: Unpack[RunOptions],
    ) -> WriteReport | Delayed:
        """Write the array as a Zarr store at a path or URL, or go on with one; see `write_zarr`.

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
        planned, objects = _planned(found, shard), open_objects(path, storage_options)
        if compute:
            shown, settings = _shown(progress), RunSettings.of(run_options)
            return write_zarr(planned, objects, resume=resume, progress=shown, part=part, settings=settings)
        begin(objects, planned, Header.of(planned, numerics_profile(planned.recipe)), resume=resume)
        # The plan is a value: Dask need not look for its own collections in it.
        draw: Delayed = delayed(write_with_threads, pure=False, traverse=False)(planned, objects)
        return draw

    def to_cog(self, path: str | Path, *, overwrite: bool = False, progress: bool | Progress = True) -> Path:
        """Write the array's bands as a cloud-optimised GeoTIFF; see `write_cog`."""
        found = origin_of(self._da, whole=False)
        shown = _shown(progress)
        return write_cog(_planned(found), path, overwrite=overwrite, bands=found.bands, progress=shown)

    def to_png(self, path: str | Path, *, overwrite: bool = False, progress: bool | Progress = True) -> Path:
        """Write the array as an 8-bit PNG; see `write_png`."""
        found = origin_of(self._da, whole=False)
        shown = _shown(progress)
        return write_png(_planned(found), path, overwrite=overwrite, bands=found.bands, progress=shown)


def _planned(found: Origin, shard: int | None = None) -> Plan:
    """Return the plan of a store, whose layers are drawn once whatever a read of them would cost."""
    return plan_window(found.recipe, found.level, found.window, shard=shard)


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
    shown, settings = _shown(progress), RunSettings.of(run_options)
    return resume_store(path, progress=shown, storage_options=storage_options, part=part, settings=settings)


def write_with_threads(planned: Plan, objects: Objects) -> WriteReport:
    """Write a store with the threads of this process, whatever runs the task that calls it."""
    with dask.config.set(scheduler="threads"):
        return write_zarr(planned, objects)


def _shown(progress: bool | Progress) -> Progress:
    if isinstance(progress, bool):
        return progress_on() if progress else Silent()
    return progress
