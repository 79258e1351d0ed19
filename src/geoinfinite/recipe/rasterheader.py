"""The header of a raster file, checked: what a file must be to be level 0 of a grid."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from pyproj.exceptions import CRSError
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags

from geoinfinite.errors import WorldError
from geoinfinite.plane.crs import horizontal, in_full, is_on_earth, shorten, turn
from geoinfinite.plane.grid import ALIKE
from geoinfinite.recipe.raster import Colour, Raster
from geoinfinite.recipe.rasterfile import OPTIONS, open_raster, states

LARGEST_BLOCK = 2**28
"""Bytes of the largest block that is decoded at once: a file of one huge block takes all memory."""
MOST_BANDS = 512


def read_header(source: str, path: Path, scale: float | None, offset: float | None) -> Raster:
    """Read the header of a raster file; raise `WorldError` for one that cannot be level 0 of a grid."""
    stood = states(path)
    name = f"root.source={in_full(source)!r}"
    with open_raster(path, source) as dataset, rasterio.Env(**OPTIONS):
        _check_real(dataset, name)
        _check_size(dataset, name)
        crs = _crs(dataset.crs, name)
        transform = dataset.transform
        _check_transform(dataset, crs, name)
        kinds = zip(dataset.indexes, dataset.colorinterp, strict=True)
        around = turn(crs)
        flags = {flag for flags in dataset.mask_flag_enums for flag in flags}
        width = dataset.width * transform.a
        return Raster(
            source=source,
            path=path,
            crs=crs,
            origin=(transform.c, transform.f),
            resolution=transform.a,
            shape=(dataset.height, dataset.width),
            indexes=tuple(i for i, kind in kinds if kind is not ColorInterp.alpha),
            palette=_palette(dataset),
            stored_dtype=str(dataset.dtypes[0]),
            scaling=_scaling(dataset, scale, offset, name),
            masked=flags != {MaskFlags.all_valid},
            nodata=None if MaskFlags.nodata in flags else dataset.nodata,
            periodic=around is not None and abs(width - around) <= ALIKE * transform.a,
            files=stood,
        )


def _check_real(dataset: Any, name: str) -> None:
    """Raise `WorldError` for complex numbers, whose imaginary part would be dropped without a word."""
    if str(dataset.dtypes[0]).startswith("complex"):
        raise WorldError(
            f"{name} holds complex numbers ({dataset.dtypes[0]}), and pixels are real; to keep the real "
            "part: rio convert SRC DST --dtype float32"
        )


def _palette(dataset: Any) -> tuple[Colour, ...]:
    """Return the colour of every index that a pixel of the file can hold; nothing if it holds values."""
    if dataset.colorinterp[0] is not ColorInterp.palette:
        return ()
    known = dataset.colormap(1)
    return tuple(known.get(i, (0, 0, 0, 0)) for i in range(2 ** (8 * np.dtype(dataset.dtypes[0]).itemsize)))


def _check_size(dataset: Any, name: str) -> None:
    """Raise `WorldError` for a file that takes too much memory to read a pixel of."""
    if dataset.count > MOST_BANDS:
        raise WorldError(
            f"{name} has {dataset.count} bands, of {MOST_BANDS} at most; choose some: "
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


def _crs(crs: CRS | None, name: str) -> str:
    """Return the horizontal CRS as an authority's code if that is the same, otherwise as it was given."""
    if crs is None:
        raise WorldError(
            f"{name} has no CRS, so its pixels have no place on Earth; "
            "write one into it: rio edit-info --crs EPSG:4326 FILE"
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
        "rio edit-info --crs EPSG:4326 FILE"
    )


def _check_transform(dataset: Any, crs: str, name: str) -> None:
    t = dataset.transform
    if t.is_identity or not all(map(math.isfinite, t[:6])):
        raise WorldError(
            f"{name} has no place in its CRS; write pixel size, left and top into it: rio edit-info "
            "--transform '[30.0, 0, 400000.0, 0, -30.0, 5000000.0]' FILE"
        )
    side = min(math.hypot(t.a, t.d), math.hypot(t.b, t.e))
    if t.b or t.d or t.e >= 0 or t.a <= 0:
        raise WorldError(
            f"{name} is rotated or not north-up; warp it, and its empty corners will be masked: rio warp SRC "
            f"DST --dst-crs {shorten(crs)} --res {side!r} --src-nodata 0 --dst-nodata 0"
        )
    if abs(t.a + t.e) * max(dataset.shape) > ALIKE * side:
        raise WorldError(f"{name} has oblong pixels; make them square: rio warp SRC DST --res {side!r}")


def _scaling(
    dataset: Any, scale: float | None, offset: float | None, name: str
) -> tuple[float, float] | None:
    """Return the scale and offset that a world file states; raise `WorldError` if only the tags do."""
    tags = {(s, o) for s, o in zip(dataset.scales, dataset.offsets, strict=True)}
    if scale is None and offset is None:
        if tags - {(1.0, 0.0)}:
            s, o = sorted(tags)[0]
            raise WorldError(
                f"{name} says that its values are stored with scale {s:g} and offset {o:g}; to draw from the "
                f'values set root.scale = {s!r}, root.offset = {o!r} and world.dtype = "float32"; to draw '
                "from what is stored set root.scale = 1.0"
            )
        return None
    stated = (1.0 if scale is None else scale), (0.0 if offset is None else offset)
    return None if stated == (1.0, 0.0) else stated
