"""Data in memory as files that conditions name: recipes stay small, and workers read the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.windows
import rioxarray  # noqa: F401  (gives arrays their ``.rio``)
import xarray as xr
from rasterio.enums import Resampling

from geoinfinite.conditions.whole_files import whole_file
from geoinfinite.errors import WorldError

RASTERS = ".tif", ".tiff"
VECTORS = {".gpkg": "GPKG", ".fgb": "FlatGeobuf", ".geojson": "GeoJSON"}
"""Drivers of files of polygons, by their ending."""
_STORED = {"bool": "uint8", "int64": "int32", "uint64": "uint32", "float16": "float32"}
"""Types that GeoTIFFs of all programs hold, for those that some lack."""
TILE = 256
"""Rows and columns of the pieces in which GeoTIFFs are stored."""
_AT_ONCE = 2**24
"""Values of an array that are held at once."""
_OVERVIEWS_FROM = 512
"""Pixels of a side beyond which a raster has overviews."""


def save(data: Any, path: str | Path) -> Path:
    """Write a georeferenced DataArray or GeoDataFrame to a file that a condition can name; return its path.

    A DataArray ``(band, y, x)`` or ``(y, x)`` becomes a GeoTIFF with its CRS, its nodata and the names of its
    bands, and with overviews where it is large. A GeoDataFrame becomes a GeoPackage, FlatGeobuf or GeoJSON
    file. An array that is computed when it is read is written in strips. Raises `WorldError` for data without
    a CRS, and for an ending that does not fit.

    >>> import tempfile
    >>> import rioxarray, xarray as xr
    >>> da = xr.DataArray([[1, 2], [3, 4]], {"y": [49.5, 48.5], "x": [7.5, 8.5]}, ("y", "x"))
    >>> save(da.rio.write_crs("EPSG:4326").astype("uint8"), tempfile.mkdtemp() + "/map.tif").name
    'map.tif'
    """
    target = Path(path).expanduser()
    if isinstance(data, xr.DataArray):
        check_ending("save", target, RASTERS)
        save_raster(data, target, "save(data")
    elif hasattr(data, "to_file") and hasattr(data, "crs"):
        check_ending("save", target, tuple(VECTORS))
        if data.crs is None:
            raise WorldError(
                "save(data): the GeoDataFrame has no CRS; give it one: data.set_crs('EPSG:4326')"
            )
        data.to_file(target, driver=VECTORS[target.suffix])
    else:
        raise WorldError(
            f"save({type(data).__name__}): data must be a DataArray or a GeoDataFrame; make one of it, or "
            "name its file in the condition"
        )
    return target


def check_ending(function: str, path: Path, known: tuple[str, ...]) -> None:
    """Raise `WorldError` unless a path that a function is given has one of some endings."""
    if path.suffix not in known:
        raise WorldError(
            f"{function}(path={str(path)!r}): the ending is not one of {', '.join(known)}; choose one"
        )


def save_raster(data: xr.DataArray, path: Path, argument: str) -> None:
    """Write a DataArray as a GeoTIFF; errors call it by its argument, such as ``"save(data"``."""
    if data.rio.crs is None:
        raise WorldError(f"{argument}): data has no CRS; give it one: data.rio.write_crs('EPSG:4326')")
    y, x = data.rio.y_dim, data.rio.x_dim
    others = [dim for dim in data.dims if dim not in (y, x)]
    if len(others) > 1:
        raise WorldError(
            f"{argument}): the DataArray has dimensions {data.dims}; select one of {others[0]} first"
        )
    ordered = _north_up(data.transpose(*others, y, x), y, x)
    dtype = _STORED.get(str(data.dtype), str(data.dtype))
    bands, (rows, columns) = ordered.shape[0] if others else 1, ordered.shape[-2:]
    profile = {"driver": "GTiff", "count": bands, "height": rows, "width": columns, "dtype": dtype}
    placed = {"crs": ordered.rio.crs, "transform": ordered.rio.transform(recalc=True)}
    how = {"nodata": ordered.rio.nodata, "tiled": True, "compress": "deflate", "bigtiff": "IF_SAFER"}
    with whole_file(path) as unfinished, rasterio.open(unfinished, "w", **profile, **placed, **how) as raster:
        step = max(1, _AT_ONCE // (bands * columns * TILE)) * TILE
        for top in range(0, rows, step):
            strip = np.asarray(ordered.isel({y: slice(top, top + step)}).values).astype(dtype, copy=False)
            height = min(step, rows - top)
            window = rasterio.windows.Window(0, top, columns, height)
            raster.write(strip.reshape(bands, height, columns), window=window)
        raster.descriptions = _names(ordered, others, bands)
        factors = [2**n for n in range(1, 8) if max(rows, columns) >= _OVERVIEWS_FROM * 2 ** (n - 1)]
        if factors:
            raster.build_overviews(factors, Resampling.average)


def _north_up(data: xr.DataArray, y: Any, x: Any) -> xr.DataArray:
    """Return data with rows from north to south and columns from west to east, without reading it."""
    for dim, ascending in ((y, False), (x, True)):
        labels = data[dim].values
        if len(labels) > 1 and (labels[-1] > labels[0]) != ascending:
            data = data.isel({dim: slice(None, None, -1)})
    return data


def _names(data: xr.DataArray, others: list[Any], bands: int) -> tuple[str | None, ...]:
    """Return names of bands: the labels of their dimension, if they are texts."""
    if others and others[0] in data.coords and data[others[0]].dtype.kind in "UO":
        return tuple(str(name) for name in data[others[0]].values)
    return (None,) * bands
