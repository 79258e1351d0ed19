"""Fields of vectors made from rasters: one vector for every square of the ground."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from geoinfinite.conditions.field_files import BLOCK, Vectors, write_field
from geoinfinite.conditions.place import Place
from geoinfinite.conditions.raster_values import RasterValues
from geoinfinite.conditions.saving import save
from geoinfinite.conditions.source_raster import SourceRaster, source_raster
from geoinfinite.errors import WorldError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.told import Slot

Encoder = Callable[[NDArray[np.float32]], Any]
"""A function of pictures ``(tile, band, y, x)`` that returns vectors ``(tile, channel)``."""
_NEARLY_WHOLE = 1e-6
"""Part of a cell that a raster may lack of its last one: sizes of pixels are rounded."""


def embed(
    data: Any,
    encoder: Encoder,
    path: str | Path,
    *,
    cell: int = 256,
    resolution: float | None = None,
    batch: int = 8,
) -> Path:
    """Write the vectors that an encoder makes of a raster as a field that `Embedding` reads; return its path.

    ``data`` is the path of a raster or a georeferenced DataArray. It is divided into cells of ``cell`` x
    ``cell`` pixels of ``resolution`` CRS units, by default those of the raster, from its upper left corner. The
    encoder takes up to ``batch`` of them at a time as float32 ``(tile, band, y, x)``, integers mapped to 0..1,
    and returns an array ``(tile, channel)``. The field is a GeoTIFF of float32 whose bands are the channels
    and whose pixels are the cells: the vector of a cell lies in its middle. Cells that are not known wholly
    are NaN, and cells that the raster holds in part are left out. Memory holds a batch of pictures and 256
    vectors at most. Raises `WorldError` for data without a place, and for vectors that do not fit.

    >>> import tempfile
    >>> import rioxarray, xarray as xr
    >>> labels = {"y": 49.0 - 0.1 * np.arange(8), "x": 7.0 + 0.1 * np.arange(12)}
    >>> data = xr.DataArray(np.ones((3, 8, 12)), labels, ("band", "y", "x")).rio.write_crs("EPSG:4326")
    >>> field = embed(data, lambda tiles: tiles.mean(axis=(2, 3)), tempfile.mkdtemp() + "/f.tif", cell=4)
    >>> rioxarray.open_rasterio(field).shape
    (3, 2, 3)
    """
    if hasattr(encoder, "parameters") and hasattr(encoder, "eval"):
        raise WorldError(
            f"embed(encoder={type(encoder).__name__}) is a network that takes tensors; wrap it: "
            "lambda tiles: network(torch.from_numpy(tiles)).numpy(force=True)"
        )
    _check_counts("embed", cell=cell, batch=batch)
    with _cells_of("embed", "data", data, Path(path), cell, resolution) as cells:
        picture = Slot(
            "data", "raster", channels=cells.source.picture_bands if cells.source.palette else None
        )
        picture = Slot("data", "raster", channels=picture.channels, span=(0.0, 1.0))

        def describe(places: Sequence[Place]) -> list[NDArray[np.float32] | None]:
            read = [cells.values.known(place, picture) for place in places]
            tiles = [values for values, known in read if known.all()]
            vectors = iter(_encoded(encoder, tiles))
            return [next(vectors) if known.all() else None for _, known in read]

        return write_field(Path(path), cells.grid, cell, _described(cells, describe, batch))
