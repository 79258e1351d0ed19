"""Real rasters as arrays: off-origin, not square, every pixel of every band another value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rioxarray
import xarray as xr
from affine import Affine

LEFT, TOP, STEP = 412_305.0, 5_207_715.0, 15.0
UTM = "EPSG:32633"
HOLE = np.s_[9:30, 17:44]
"""Rows and columns of a hole that covers whole blocks of 4 x 4, and parts of others."""


def pixels(rows: int = 38, columns: int = 61, dtype: str = "uint8") -> np.ndarray:
    """Smooth values ``(3, y, x)`` with some grain, none of them 0."""
    band, y, x = np.mgrid[:3, :rows, :columns]
    values = (
        0.5 + 0.3 * np.sin(y / 9 + band) * np.cos(x / 13 - band) + 0.1 * ((7 * y + 3 * x + band) % 11) / 11
    )
    if dtype == "float32":
        return values.astype(dtype)
    return np.rint(values * {"uint8": 250, "uint16": 60_000}[dtype]).astype(dtype)


def scene(values: np.ndarray | None = None, **place: Any) -> xr.DataArray:
    """An array in memory; ``crs``, ``left``, ``top`` and ``step`` say where."""
    values = pixels() if values is None else values
    crs, step = place.get("crs", UTM), place.get("step", STEP)
    left, top = place.get("left", LEFT), place.get("top", TOP)
    labels = {
        "band": np.arange(1, len(values) + 1),
        "y": top - step * (np.arange(values.shape[1]) + 0.5),
        "x": left + step * (np.arange(values.shape[2]) + 0.5),
    }
    return xr.DataArray(values, labels, ("band", "y", "x")).rio.write_crs(crs)


def written(path: Path, values: np.ndarray, **more: Any) -> Path:
    """A GeoTIFF of values where `scene` has them; ``mask``, ``colours`` and settings of the profile."""
    mask, colours = more.pop("mask", None), more.pop("colours", None)
    count, height, width = values.shape
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": values.dtype}
    place = {"crs": UTM, "transform": Affine(STEP, 0, LEFT, 0, -STEP, TOP)}
    with rasterio.open(path, "w", **profile | place | more) as raster:
        raster.write(values)
        if mask is not None:
            raster.write_mask(mask)
        if colours is not None:
            raster.write_colormap(1, colours)
    return path


def opened(path: Path, **how: Any) -> xr.DataArray:
    """A file as rioxarray opens it."""
    return rioxarray.open_rasterio(path, **how)
