"""The index of a level's rows and columns: labels to positions by arithmetic, never by a list of labels."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any, cast

import numpy as np
import rioxarray  # noqa: F401  it registers .rio
import xarray as xr
from rasterix import RasterIndex
from xarray.core.indexing import IndexSelResult

from geoinfinite.arrays.variables import LazyCoordinate
from geoinfinite.errors import WindowError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window

_SNAP = 1e-6
"""Labels within this part of a pixel from an edge lie on it, as in `Grid.window`."""


class GridIndex(RasterIndex):  # type: ignore[misc]
    """rasterix' ``RasterIndex`` whose coordinates stay lazy and whose slices are windows of the grid.

    ``.sel`` with a slice selects the pixels that cover the interval, exactly those of
    `Grid.window`; single labels need ``method="nearest"``. On a periodic grid slices may cross the
    antimeridian, as ``slice(179, 181)`` or ``slice(179, -179)``.
    """

    @classmethod
    def of(cls, grid: Grid, level: int, window: Window) -> GridIndex:
        """Return the index of a window of a level."""
        period = grid.shape[1] * grid.resolution if grid.periodic else None
        index = cls.from_transform(
            grid.transform(level, window),
            width=window.width,
            height=window.height,
            crs=grid.crs,
            x_period=period,
        )
        return cast(GridIndex, index)

    @classmethod
    def _again(cls, index: RasterIndex | None) -> GridIndex | None:
        return None if index is None else cls(index._index, crs=index.crs)

    def create_variables(
        self, variables: Mapping[Any, xr.Variable] | None = None
    ) -> dict[Hashable, xr.Variable]:
        """Return lazy x and y."""
        made = super().create_variables(variables)
        return {
            name: LazyCoordinate(v.dims, v._data, v.attrs, v.encoding, fastpath=True)
            for name, v in made.items()
        }

    def isel(self, indexers: Mapping[Any, Any]) -> GridIndex | None:
        """Return the index of a selection by position, if it is a run of pixels."""
        return self._again(super().isel(indexers))

    def _new_with_bbox(self, bbox: Any) -> GridIndex | None:
        return self._again(super()._new_with_bbox(bbox))

    def _proj_set_crs(self, spatial_ref: Hashable, crs: Any) -> GridIndex | None:
        return self._again(super()._proj_set_crs(spatial_ref, crs))

    def sel(self, labels: dict[Any, Any], method: str | None = None, tolerance: Any = None) -> IndexSelResult:
        """Return the positions of labels; raise `WindowError` for a slice against the axis."""
        empty: dict[Hashable, Any] = {}
        rest = {}
        for name, label in labels.items():
            snapped = self._snapped(name, label) if isinstance(label, slice) and label.step is None else label
            if snapped is None:
                empty[name] = slice(0, 0)
            else:
                rest[name] = snapped
        found = super().sel(rest, method=method, tolerance=tolerance) if rest else IndexSelResult({})
        for name, label in rest.items():
            if not isinstance(label, slice):
                dim = self._axis(name).dim
                found.dim_indexers[dim] = self._inside(name, label, found.dim_indexers[dim])
        return IndexSelResult({**found.dim_indexers, **empty})

    def _axis(self, name: Hashable) -> Any:
        return next(i.axis_transform for i in self._xy_indexes if i.axis_transform.coord_name == name)

    def _inside(self, name: Hashable, label: Any, found: Any) -> Any:
        """Return nearest positions; a label outside would otherwise count from the other end."""
        axis = self._axis(name)
        exact = np.asarray(axis.reverse({name: np.asarray(label, dtype=np.float64)})[axis.dim])
        if not ((exact >= -0.5 - _SNAP) & (exact <= axis.size - 0.5 + _SNAP)).all():
            low, high = sorted(axis.forward({axis.dim: np.array([-0.5, axis.size - 0.5])})[name].tolist())
            outside = np.extract(~((exact >= -0.5) & (exact <= axis.size - 0.5)), np.asarray(label))[0]
            raise WindowError(
                f"{name}={outside:g} lies outside the array, which reaches from {low:g} to {high:g}; "
                "select within it, or from the whole level"
            )
        nearest = np.clip(np.rint(exact), 0, axis.size - 1).astype(np.int64)
        return found.copy(data=nearest) if isinstance(found, xr.Variable | xr.DataArray) else nearest

    def _snapped(self, name: Hashable, label: slice) -> slice | None:
        """Return the slice from the first to the last pixel's centre; ``None`` where there is no pixel."""
        axis = self._axis(name)

        def edge(value: Any) -> float:
            return float(axis._positions(np.float64(value))) + 0.5

        def centre(position: int) -> float:
            return float(axis.forward({axis.dim: np.int64(position)})[name])

        start = None if label.start is None else math.floor(edge(label.start) + _SNAP)
        stop = None if label.stop is None else math.ceil(edge(label.stop) - _SNAP) - 1
        if start is not None and stop is not None and stop < start:
            if edge(label.start) <= edge(label.stop):
                return None
            if axis.period_cells is None:
                raise WindowError(_against(name, label, axis.scale))
        return slice(*(None if p is None else centre(p) for p in (start, stop)))


def _against(name: Hashable, label: slice, scale: float) -> str:
    way, order = ("north to south", "N, S") if scale < 0 else ("west to east", "W, E")
    return (
        f"{name}=slice({label.start:g}, {label.stop:g}) runs against the axis, which goes from {way}; "
        f"write {name}=slice({order}): slice({label.stop:g}, {label.start:g})"
    )


def spatial_ref(grid: Grid, level: int, window: Window, index: GridIndex) -> xr.Variable:
    """Return the CF grid mapping of a window: CRS, and GDAL's ``GeoTransform``.

    Selections keep it as it is. Readers take the pixel size from it and the corner from x and y, so
    for a selection with a step rioxarray needs ``.rio.transform(recalc=True)``.
    """
    attrs = index.crs.to_cf()
    attrs["spatial_ref"] = attrs["crs_wkt"]
    attrs["GeoTransform"] = " ".join(repr(v) for v in grid.transform(level, window).to_gdal())
    return xr.Variable((), np.int32(0), attrs)
