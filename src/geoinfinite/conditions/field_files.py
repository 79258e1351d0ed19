"""Fields of vectors as GeoTIFFs whose bands are the channels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import numpy as np
import rasterio
import rasterio.windows
from numpy.typing import NDArray

from geoinfinite.conditions.field_cells import Cells, Picture
from geoinfinite.conditions.whole_files import whole_file
from geoinfinite.errors import WorldError
from geoinfinite.plane.window import Window

Vectors = NDArray[np.float32]
Describe = Callable[[Sequence[Picture]], Vectors]
"""A function of pictures that returns their vectors ``(cell, channel)``."""
BLOCK = 16
"""Rows and columns of vectors that are held, and stored, as one piece: the least that GeoTIFFs have."""


def write_field(path: Path, cells: Cells, describe: Describe, batch: int) -> Path:
    """Write a vector for every cell that is known wholly, and NaN for the others; return the path.

    Raises `WorldError` where no cell is known, and for vectors that are not finite or differ in length.
    """
    blocks = ((block, _described(cells, block, describe, batch)) for block in _blocks(cells.shape))
    empty, first = [], None
    for block, vectors in blocks:
        if vectors is not None:
            first = block, vectors
            break
        empty.append(block)
    if first is None:
        raise WorldError(
            f"cell={cells.cell}: no cell of {cells.values.named} is known wholly; choose fewer pixels, or "
            "fill the raster where it knows nothing"
        )
    channels = len(first[1])
    rows, columns = cells.shape
    profile = {"driver": "GTiff", "count": channels, "height": rows, "width": columns, "dtype": "float32"}
    placed = {"crs": cells.grid.crs, "transform": cells.transform}
    stored = {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "interleave": "pixel"}
    how = {"compress": "deflate", "bigtiff": "IF_SAFER"}
    nothing = ((block, None) for block in empty)
    with (
        whole_file(path) as unfinished,
        rasterio.open(unfinished, "w", **profile, **placed, **stored, **how) as field,
    ):
        for block, vectors in chain(nothing, [first], blocks):
            written = np.full((channels, *block.shape), np.nan, np.float32) if vectors is None else vectors
            _check_length(len(written), channels)
            window = rasterio.windows.Window(block.x0, block.y0, block.width, block.height)
            field.write(written, window=window)
    return path


def _blocks(shape: tuple[int, int]) -> Iterator[Window]:
    rows, columns = shape
    for y in range(0, rows, BLOCK):
        for x in range(0, columns, BLOCK):
            yield Window(y, min(y + BLOCK, rows), x, min(x + BLOCK, columns))


def _described(cells: Cells, block: Window, describe: Describe, batch: int) -> Vectors | None:
    """Return vectors ``(channel, row, column)`` of a block of cells, NaN where a cell is not known wholly."""
    known, found = cells.known(block), None
    while some := list(islice(known, batch)):
        vectors = describe([picture for _, picture in some])
        for ((row, column), _), vector in zip(some, vectors, strict=True):
            if not np.isfinite(vector).all():
                place = cells.around(block.y0 + row, block.x0 + column)
                raise WorldError(f"the vector of the cell around {place} is not finite; check the encoder")
            if found is None:
                found = np.full((len(vector), *block.shape), np.nan, np.float32)
            _check_length(len(vector), len(found))
            found[:, row, column] = vector
    return found


def _check_length(channels: int, wanted: int) -> None:
    if channels != wanted:
        raise WorldError(
            f"the encoder returned vectors of {channels} channels after vectors of {wanted}; all vectors of "
            "a field have as many"
        )
