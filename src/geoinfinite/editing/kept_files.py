"""Rasters that worlds name, kept under the digest of their content: equal pixels are one file."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import rasterio
import rasterio.windows
from affine import Affine
from numpy.typing import NDArray

from geoinfinite.errors import WorldError
from geoinfinite.file_memo import file_digest
from geoinfinite.models.systems.first_use import CACHE

FOLDER = "rasters"
"""The folder of the cache in which they lie."""
_BLOCK = 256
"""Rows and columns of the pieces in which they are stored."""
_NAME = 24
"""Characters of the digest in a file's name."""


class Strip(NamedTuple):
    """Rows of a raster from west to east."""

    top: int
    values: NDArray[Any]
    """``(band, y, x)``; 0 where not known."""
    known: NDArray[np.bool_]
    """``(y, x)``."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a raster is, but for its pixels."""

    crs: Any
    """As rasterio has it."""
    transform: Affine
    shape: tuple[int, int, int]
    """``(band, y, x)``."""
    dtype: str


def folder_of(folder: str | Path | None) -> Path:
    """Return where rasters are kept: a folder, or by default ``rasters`` in the cache.

    The cache is the folder that ``GEOINFINITE_CACHE`` names, else ``~/.cache/geoinfinite``. Raises
    `WorldError` for a path that is no folder.
    """
    cache = Path(os.environ.get(CACHE, "~/.cache/geoinfinite")).expanduser()
    found = cache / FOLDER if folder is None else Path(folder).expanduser()
    try:
        found.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorldError(
            f"folder={str(found)!r} cannot be made ({error.strerror}); name one that can: folder=PATH"
        ) from error
    return found.absolute()


def keep(header: Header, strips: Iterable[Strip], folder: Path) -> Path:
    """Write a GeoTIFF of some strips, and return its path: its name is the digest of its content.

    Pixels that are not known are masked by a mask in the file, so that every value may be one.
    """
    unfinished = folder / f".{uuid.uuid4().hex}.tif"
    try:
        _write(unfinished, header, strips)
        digest = file_digest(unfinished)
        target = folder / f"{digest[:_NAME]}.tif"
        # A world that is in use would take another file, even of the same bytes, for a change of its raster.
        if not target.is_file() or file_digest(target) != digest:
            os.replace(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)
    return target


def _write(path: Path, header: Header, strips: Iterable[Strip]) -> None:
    bands, rows, columns = header.shape
    profile = {"driver": "GTiff", "count": bands, "height": rows, "width": columns, "dtype": header.dtype}
    stored = {"tiled": True, "blockxsize": _BLOCK, "blockysize": _BLOCK, "compress": "deflate"}
    # Of four bands GDAL would call the last one alpha, which is a mask.
    photometric = "RGB" if bands == 3 and header.dtype == "uint8" else "MINISBLACK"
    placed = {"crs": header.crs, "transform": header.transform, "photometric": photometric}
    known = np.zeros((rows, columns), bool)
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "w", **profile, **stored, **placed, bigtiff="IF_SAFER") as raster,
    ):
        for strip in strips:
            height = strip.values.shape[1]
            window = rasterio.windows.Window(0, strip.top, columns, height)
            raster.write(strip.values, window=window)
            known[strip.top : strip.top + height] = strip.known
        if not known.all():
            raster.write_mask(known)
