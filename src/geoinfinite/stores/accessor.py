"""``gi.plan(da)`` and ``da.geoinfinite``: lazy arrays become stores and files."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from geoinfinite.arrays.origin import origin_of
from geoinfinite.engine import resolve, warn_if_cold
from geoinfinite.progress import Progress, Silent, progress_on
from geoinfinite.stores.pictures import write_cog, write_png
from geoinfinite.stores.planning import Plan, plan_window
from geoinfinite.stores.writing import WriteReport, write_zarr


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
    origin = origin_of(da)
    warn_if_cold(resolve(origin.recipe, origin.level), origin.window)
    return plan_window(origin.recipe, origin.level, origin.window, shard=shard)


class GeoInfiniteAccessor:
    """What a lazy array of a world can do besides what every DataArray can."""

    def __init__(self, da: xr.DataArray) -> None:
        self._da = da

    def plan(self, *, shard: int | None = None) -> Plan:
        """Return what storing the array takes; computes nothing."""
        return plan(self._da, shard=shard)

    def _plan(self, shard: int | None = None) -> Plan:
        """Return the plan of a store, whose layers are drawn once whatever a read of them would cost."""
        origin = origin_of(self._da)
        return plan_window(origin.recipe, origin.level, origin.window, shard=shard)

    def to_zarr(
        self,
        path: str | Path,
        *,
        resume: bool = True,
        progress: bool | Progress = True,
        shard: int | None = None,
    ) -> WriteReport:
        """Write the array as a Zarr store, or go on with one; see `write_zarr`."""
        return write_zarr(self._plan(shard), path, resume=resume, progress=_shown(progress))

    def to_cog(self, path: str | Path, *, overwrite: bool = False, progress: bool | Progress = True) -> Path:
        """Write the array as a cloud-optimised GeoTIFF; see `write_cog`."""
        return write_cog(self._plan(), path, overwrite=overwrite, progress=_shown(progress))

    def to_png(self, path: str | Path, *, overwrite: bool = False, progress: bool | Progress = True) -> Path:
        """Write the array as an 8-bit PNG; see `write_png`."""
        return write_png(self._plan(), path, overwrite=overwrite, progress=_shown(progress))


def _shown(progress: bool | Progress) -> Progress:
    if isinstance(progress, bool):
        return progress_on() if progress else Silent()
    return progress
