"""The header of a raster file, checked: what a file must be to be level 0 of a grid."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import rasterio
from rasterio.enums import ColorInterp, MaskFlags

from geoinfinite.errors import WorldError
from geoinfinite.plane.crs import in_full, shorten, turn
from geoinfinite.plane.grid import ALIKE
from geoinfinite.rasters.checks import check_real, check_size, crs_of, palette_of
from geoinfinite.rasters.files import OPTIONS, open_raster, states
from geoinfinite.recipe.raster import INSTEAD, Raster


def read_header(source: str, path: Path, scale: float | None, offset: float | None) -> Raster:
    """Read the header of a raster file; raise `WorldError` for one that cannot be level 0 of a grid."""
    stood = states(path)
    name = f"root.source={in_full(source)!r}"
    with open_raster(path, name, instead=INSTEAD) as dataset, rasterio.Env(**OPTIONS):
        check_real(dataset, name)
        check_size(dataset, name)
        crs = crs_of(dataset.crs, name)
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
            palette=palette_of(dataset),
            stored_dtype=str(dataset.dtypes[0]),
            scaling=_scaling(dataset, scale, offset, name),
            masked=flags != {MaskFlags.all_valid},
            nodata=None if MaskFlags.nodata in flags else dataset.nodata,
            periodic=around is not None and abs(width - around) <= ALIKE * transform.a,
            files=stood,
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
