"""Checks of raster headers that hold for every use of a file."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyproj.exceptions import CRSError
from rasterio.crs import CRS
from rasterio.enums import ColorInterp

from geoinfinite.errors import WorldError, shorten
from geoinfinite.plane.crs import horizontal, is_on_earth

Colour = tuple[int, int, int, int]
"""Red, green, blue, alpha, 0 to 255."""

LARGEST_BLOCK = 2**28
"""Bytes of the largest block that is decoded at once: a file of one huge block takes all memory."""
MOST_BANDS = 512
DEGREES = "EPSG:4326"


def check_real(dataset: Any, name: str) -> None:
    """Raise `WorldError` for complex numbers, whose imaginary part would be dropped without a word."""
    if str(dataset.dtypes[0]).startswith("complex"):
        raise WorldError(
            f"{name} holds complex numbers ({dataset.dtypes[0]}), and pixels are real; to keep the real "
            "part: rio convert SRC DST --dtype float32"
        )


def palette_of(dataset: Any) -> tuple[Colour, ...]:
    """Return the colour of every index that a pixel of the file can hold; nothing if it holds values."""
    if dataset.colorinterp[0] is not ColorInterp.palette:
        return ()
    known = dataset.colormap(1)
    return tuple(known.get(i, (0, 0, 0, 0)) for i in range(2 ** (8 * np.dtype(dataset.dtypes[0]).itemsize)))


def check_size(dataset: Any, name: str, most_bands: int = MOST_BANDS) -> None:
    """Raise `WorldError` for a file that takes too much memory to read a pixel of."""
    if dataset.count > most_bands:
        raise WorldError(
            f"{name} has {dataset.count} bands, of {most_bands} at most; choose some: "
            "rio stack SRC --bidx 1,2,3 --output DST"
        )
    height, width = dataset.block_shapes[0]
    together = dataset.count if str(dataset.interleaving or "").lower().endswith("pixel") else 1
    size = height * width * np.dtype(dataset.dtypes[0]).itemsize * together
    if size > LARGEST_BLOCK:
        raise WorldError(
            f"{name} is stored in blocks of {size} bytes, of {LARGEST_BLOCK} at most; write smaller ones: "
            "rio convert SRC DST --co TILED=YES"
        )


def crs_of(dataset: Any, name: str) -> str:
    """Return the horizontal CRS as an authority's code if that is the same, otherwise as it was given."""
    crs: CRS | None = dataset.crs
    if crs is None:
        raise WorldError(
            f"{name} has no CRS, so its pixels have no place on Earth; "
            f"write one into it: rio edit-info --crs {likely_crs(dataset)} FILE"
        )
    authority = crs.to_authority()
    code = ":".join(authority) if authority else ""
    try:
        flat = horizontal(code if code and CRS.from_user_input(code) == crs else crs.to_wkt())
        if is_on_earth(flat):
            return flat
    except CRSError:
        pass
    raise WorldError(
        f"{name} has no CRS on the Earth ({shorten(crs.to_wkt(), 40)}); write one into it: "
        f"rio edit-info --crs {likely_crs(dataset)} FILE"
    )


def likely_crs(dataset: Any) -> str:
    """Return a CRS that the coordinates of a file could be of: of degrees, or of metres."""
    left, bottom, right, top = dataset.bounds
    return DEGREES if max(-left, right) <= 361 and max(abs(bottom), abs(top)) <= 91 else "EPSG:32633"
