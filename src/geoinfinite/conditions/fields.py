"""Fields of vectors made from rasters: one vector for every square of ground."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.field_cells import cells_over, checked_count, checked_side, raster_file
from geoinfinite.conditions.field_files import Vectors, write_field
from geoinfinite.conditions.saving import RASTERS, check_ending
from geoinfinite.conditions.whole_files import check_folder
from geoinfinite.errors import WorldError, shorten
from geoinfinite.told import Slot

Encoder = Callable[[NDArray[np.float32]], Any]
"""A function of pictures ``(cell, band, y, x)`` that returns vectors ``(cell, channel)``."""
_AT_ONCE = 256
"""Cells of a map of classes that are looked at together."""


def embed(
    raster: Any,
    encoder: Encoder,
    path: str | Path,
    *,
    cell: int = 256,
    resolution: float | None = None,
    batch: int = 8,
) -> Path:
    """Write the vectors that an encoder makes of a raster, as a field for `Embedding`; return its path.

    ``raster`` is a path or a georeferenced DataArray. It is divided into cells of ``cell`` x ``cell`` pixels
    of ``resolution`` CRS units, by default its own, from its upper left corner; what is left at the right
    and the bottom is less than a cell. The encoder takes up to ``batch`` cells at a time as float32
    ``(cell, band, y, x)`` and returns ``(cell, channel)``. Integers are mapped to 0..1 from the range of
    their type, palettes are colours, floats are as they are. The field is a GeoTIFF of float32: bands are
    channels, pixels are cells, and NaN stands for cells that the raster does not know wholly. Memory holds
    16 cells, a batch, and 256 vectors. Raises `WorldError` for a raster without a place, and for vectors
    that are not finite or differ in length.

    >>> import tempfile
    >>> import rioxarray, xarray as xr
    >>> labels = {"y": 49.0 - 0.1 * np.arange(8), "x": 7.0 + 0.1 * np.arange(12)}
    >>> data = xr.DataArray(np.ones((3, 8, 12)), labels, ("band", "y", "x")).rio.write_crs("EPSG:4326")
    >>> field = embed(data, lambda tiles: tiles.mean(axis=(2, 3)), tempfile.mkdtemp() + "/f.tif", cell=4)
    >>> rioxarray.open_rasterio(field).shape
    (3, 2, 3)
    """
    if hasattr(encoder, "parameters"):
        raise WorldError(
            f"embed(encoder={type(encoder).__name__}) is a network, which takes tensors; wrap it: "
            "lambda tiles: network(torch.from_numpy(tiles)).numpy(force=True)"
        )
    target = _target("embed", path)
    cell, batch = checked_count("embed(cell", cell), checked_count("embed(batch", batch)
    resolution = checked_side("embed(resolution", resolution)
    with raster_file("embed(raster", raster, target.parent) as source:
        channels = source.picture_bands if source.palette else None
        picture = Slot("picture", "raster", channels=channels, span=(0.0, 1.0))
        cells = cells_over(source, cell, resolution, picture)
        return write_field(target, cells, lambda pictures: _encoded(encoder, pictures), batch)


def field_of_classes(
    classes: Any,
    vectors: Mapping[int, Sequence[float]],
    path: str | Path,
    *,
    cell: int = 256,
    resolution: float | None = None,
) -> Path:
    """Write a field whose cells have the vector of the class of most of their pixels; return its path.

    ``classes`` is a raster of one band, by its path or as a DataArray, and ``vectors`` gives every class its
    vector, such as the mean of the vectors of some real cells of it. Cells are those of `embed`; of classes
    that cover equally much the least counts. Raises `WorldError` for a class without a vector.

    >>> import tempfile
    >>> import rioxarray, xarray as xr
    >>> labels = {"y": 49.0 - 0.1 * np.arange(2), "x": 7.0 + 0.1 * np.arange(4)}
    >>> data = xr.DataArray([[1, 1, 5, 5], [1, 5, 5, 5]], labels, ("y", "x")).rio.write_crs("EPSG:4326")
    >>> field = field_of_classes(data, {1: [0.5, 2.0], 5: [3.0, 4.0]}, tempfile.mkdtemp() + "/f.tif", cell=2)
    >>> rioxarray.open_rasterio(field).values.tolist()
    [[[0.5, 3.0]], [[2.0, 4.0]]]
    """
    target, known = _target("field_of_classes", path), _checked_vectors(vectors)
    cell = checked_count("field_of_classes(cell", cell)
    resolution = checked_side("field_of_classes(resolution", resolution)
    with raster_file("field_of_classes(classes", classes, target.parent) as source:
        if len(source.indexes) != 1 or np.dtype(source.dtype).kind not in "ui":
            raise WorldError(
                f"{source.named} has {len(source.indexes)} bands of {source.dtype}, and a map of classes has "
                "one of whole numbers; select it, and write it with data.astype('uint8')"
            )
        cells = cells_over(source, cell, resolution, Slot("classes", "raster", channels=1))
        return write_field(
            target, cells, lambda maps: np.stack([_of_class(known, _most(m)) for m in maps]), _AT_ONCE
        )


def _target(function: str, path: str | Path) -> Path:
    target = Path(path).expanduser()
    check_ending(function, target, RASTERS)
    check_folder(target)
    return target


def _encoded(encoder: Encoder, pictures: Sequence[NDArray[np.float32]]) -> Vectors:
    """Return the vectors ``(cell, channel)`` of some pictures."""
    found = np.asarray(encoder(np.stack(pictures)), np.float32)
    if found.ndim != 2 or len(found) != len(pictures) or not found.shape[1]:
        raise WorldError(
            f"embed(encoder) returned an array of shape {found.shape} for {len(pictures)} cells; it must be "
            f"(cell, channel); for a map of features return its mean: features.mean(axis=(2, 3))"
        )
    return found


def _checked_vectors(vectors: Mapping[int, Sequence[float]]) -> dict[int, Vectors]:
    try:
        found = {int(number): np.asarray(vector, np.float32) for number, vector in vectors.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise WorldError(
            f"field_of_classes(vectors={shorten(repr(vectors))}) must give numbers of classes their vectors, "
            "such as {1: [0.5, 2.0], 2: [0.1, 0.3]}"
        ) from error
    shapes = {vector.shape for vector in found.values()}
    sound = all(vector.ndim == 1 and vector.size and np.isfinite(vector).all() for vector in found.values())
    if not sound or len(shapes) != 1:
        raise WorldError(
            f"field_of_classes(vectors) has vectors of the shapes {sorted(shapes)}; all must be lists of "
            "finite numbers, each of as many, and there must be one"
        )
    return found


def _most(classes: NDArray[np.float32]) -> int:
    """Return the class of most pixels; of several, the least."""
    numbers, counts = np.unique(classes, return_counts=True)
    return int(numbers[counts.argmax()])


def _of_class(vectors: Mapping[int, Vectors], number: int) -> Vectors:
    if number not in vectors:
        given = ", ".join(map(str, sorted(vectors)))
        raise WorldError(
            f"field_of_classes(vectors) has vectors of the classes {shorten(given)}, and none of class "
            f"{number}, which most of a cell is of; give it one, or make it the raster's nodata"
        )
    return vectors[number]
