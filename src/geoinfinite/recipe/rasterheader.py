"""The header of a raster file, checked: what a file must be to be level 0 of a grid."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import RasterioIOError
from rasterio.windows import Window

from geoinfinite.errors import WorldError, in_full, shorten
from geoinfinite.plane.crs import turn
from geoinfinite.plane.grid import ALIKE
from geoinfinite.rasters.checks import DEGREES, check_real, check_size, crs_of, likely_crs, palette_of
from geoinfinite.rasters.files import header_of, states
from geoinfinite.recipe.raster import INSTEAD, Raster, as_near_infrared

_SAMPLE = 32
"""Side in pixels of the windows in which an alpha band is looked at."""
_SAMPLES = 5
"""How many of them there are along each diagonal."""


def read_header(source: str, path: Path, scale: float | None, offset: float | None) -> Raster:
    """Read the header of a raster file; raise `WorldError` for one that cannot be level 0 of a grid."""
    stood = states(path)
    name = f"root.source={in_full(source)!r}"
    with header_of(path, name, INSTEAD) as dataset:
        check_real(dataset, name)
        check_size(dataset, name)
        crs = crs_of(dataset, name)
        transform = dataset.transform
        _check_transform(dataset, crs, name)
        kinds = zip(dataset.indexes, dataset.colorinterp, strict=True)
        _check_alpha(dataset, name)
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
    _check_latitudes(dataset, crs, name)


def _check_latitudes(dataset: Any, crs: str, name: str) -> None:
    """Raise `WorldError` for rows beyond a pole; the middle of a row may lie on it."""
    around, t = turn(crs), dataset.transform
    south, north = t.f + t.e * dataset.height, t.f
    if around is None or max(north, -south) <= around / 4 + (0.5 + ALIKE) * t.a:
        return
    said = f"{name} has latitudes from {south:g} to {north:g}, beyond the poles of {shorten(crs, 40)}"
    if (likely := likely_crs(dataset)) != DEGREES:
        raise WorldError(
            f"{said}: its coordinates are of another CRS; write that into it: rio edit-info --crs {likely} "
            "FILE"
        )
    side = min(t.a, around / 2 / dataset.height)
    raise WorldError(
        f"{said}; write pixel size, left and top into it: rio edit-info --transform "
        f"'[{side!r}, 0, {t.c!r}, 0, {-side!r}, {around / 4!r}]' FILE"
    )


def _check_alpha(dataset: Any, name: str) -> None:
    """Raise `WorldError` if what a file calls alpha varies as pixels do: it would be dropped without a word.

    A mask is 0 or opaque but for soft edges; samples from all over the file are looked at.
    """
    bands = [i for i, kind in zip(dataset.indexes, dataset.colorinterp, strict=True) if kind.name == "alpha"]
    if not bands:
        return
    try:
        seen = np.concatenate([dataset.read(bands[0], window=part).ravel() for part in _samples(dataset)])
    except RasterioIOError:
        return  # Reading pixels says it, and where.
    low, high = seen.min(), seen.max()
    between = seen[(seen > 0) & (seen < high)]
    if between.size * 2 > seen.size and len(np.unique(between)) > 1:
        others = ",".join(str(i) for i in dataset.indexes if i not in bands)
        raise WorldError(
            f"{name} has an alpha band that is no mask: it takes values from {low} to {high}; if it is near "
            f"infrared, say so: {as_near_infrared(dataset)} FILE; if it is nothing, leave it out: rio stack "
            f"SRC --bidx {others} --output DST"
        )


def _samples(dataset: Any) -> list[Window]:
    """Return small windows along both diagonals of a raster."""
    height, width = dataset.shape
    down, across = (np.linspace(0, max(n - _SAMPLE, 0), _SAMPLES, dtype=int) for n in (height, width))
    places = {*zip(down, across, strict=True), *zip(down, across[::-1], strict=True)}
    return [Window(x, y, min(_SAMPLE, width), min(_SAMPLE, height)) for y, x in sorted(places)]


def _scaling(
    dataset: Any, scale: float | None, offset: float | None, name: str
) -> tuple[float, float] | None:
    """Return the scale and offset that a world file states; raise `WorldError` if only the tags do."""
    tags = list(zip(dataset.scales, dataset.offsets, strict=True))
    if scale is None and offset is None:
        if set(tags) - {(1.0, 0.0)}:
            raise WorldError(f"{name} {_what_tags_say(tags, list(dataset.indexes))}")
        return None
    stated = (1.0 if scale is None else scale), (0.0 if offset is None else offset)
    return None if stated == (1.0, 0.0) else stated


def _what_tags_say(tags: list[tuple[float, float]], bands: list[int]) -> str:
    """Return what a file says of the scales of its bands, and what to do about it."""
    stored = "to draw from what is stored set root.scale = 1.0"
    if len(set(tags)) == 1:
        s, o = tags[0]
        return (
            f"says that its values are stored with scale {s:g} and offset {o:g}; to draw from the "
            f'values set root.scale = {s!r}, root.offset = {o!r} and world.dtype = "float32"; {stored}'
        )
    each = [f"{s:g} and {o:g} (band {i})" for i, (s, o) in zip(bands, tags, strict=True)]
    terms = [f"(+ (* {s!r} (read 1 {i})) {o!r})" for i, (s, o) in zip(bands, tags, strict=True)]
    return (
        f"says that its bands are stored with scales and offsets of their own, {', '.join(_few(each))}, and "
        f'root.scale is one for all; to draw from the values write them: rio calc --dtype float32 "(asarray '
        f'{" ".join(_few(terms))})" SRC DST, then set world.dtype = "float32"; {stored}'
    )


def _few(said: list[str]) -> list[str]:
    return said if len(said) < 6 else [*said[:2], "...", said[-1]]
