"""Where a raster of known pixels lies on a level, and the command that warps it onto the level's pixels."""

from __future__ import annotations

import math

from rasterio.enums import MaskFlags

from geoinfinite.conditions.source_raster import SourceRaster
from geoinfinite.errors import WindowError, WorldError, shorten
from geoinfinite.plane.crs import Bounds, carry_over_seams, parse_crs, turn
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window

OFF_LATTICE = 1e-3
"""Part of a pixel by which a raster may lie beside the pixels of its level: headers round."""


def extent_on(header: SourceRaster, grid: Grid, level: int) -> Window:
    """Return the pixels of a level that a raster has; raise `WorldError` if it has none, or lies between."""
    if not _is_on_pixels(header, grid, level):
        raise WorldError(
            f"{header.named} does not lie on the pixels of level {level}; "
            f"warp it onto them: {warp_command(header, grid, level)}"
        )
    step = grid.resolution_at(level)
    left, top = header.transform[2], header.transform[5]
    y, x = round((grid.origin[1] - top) / step), round((left - grid.origin[0]) / step)
    if grid.periodic:
        x %= grid.shape_at(level)[1]
    window = Window(y, y + header.shape[0], x, x + header.shape[1])
    _part_within(header, window, grid, level)
    return window


def _is_on_pixels(header: SourceRaster, grid: Grid, level: int) -> bool:
    step = grid.resolution_at(level)
    a, b, left, d, e, top = header.transform
    beside = ((left - grid.origin[0]) / step, (grid.origin[1] - top) / step)
    stretched = ((a / step - 1) * header.shape[1], (-e / step - 1) * header.shape[0])
    off = max(*(abs(place - round(place)) for place in beside), *map(abs, stretched))
    return not b and not d and off <= OFF_LATTICE and parse_crs(header.crs) == parse_crs(grid.crs)


def warp_command(header: SourceRaster, grid: Grid, level: int) -> str:
    """Return the command that brings a raster onto the pixels of a level, as far as they lie within the grid.

    Raises `WorldError` for a raster beyond the grid.
    """
    step, around = grid.resolution_at(level), turn(grid.crs)
    box = _box(header)
    if parse_crs(header.crs) != parse_crs(grid.crs):
        if grid.periodic:
            around = grid.shape[1] * grid.resolution
        try:
            box = carry_over_seams(box, header.crs, grid.crs, around, f"{header.named}, {box}")
        except WindowError as error:
            raise WorldError(f"{error}") from error
    (left, bottom, right, top), (west, north) = box, grid.origin
    y0, x0 = (math.floor(pixels / step + OFF_LATTICE) for pixels in (north - top, left - west))
    y1, x1 = (math.ceil(pixels / step - OFF_LATTICE) for pixels in (north - bottom, right - west))
    window = _part_within(header, Window(y0, y1, x0, x1), grid, level)
    first, source, nodata = _with_nodata(header)
    bounds = " ".join(repr(edge) for edge in map(float, grid.bounds(level, window)))
    return (
        f"{first}rio warp {source} DST --dst-crs {shorten(grid.crs)} --res {step!r} --dst-bounds {bounds}"
        f"{nodata}"
    )


def _box(header: SourceRaster) -> Bounds:
    """Return the bounds of a raster in its own CRS."""
    a, b, left, d, e, top = header.transform
    rows, columns = header.shape
    corners = [(x, y) for x in (0, columns) for y in (0, rows)]
    xs, ys = [a * x + b * y + left for x, y in corners], [d * x + e * y + top for x, y in corners]
    return min(xs), min(ys), max(xs), max(ys)


def _with_nodata(header: SourceRaster) -> tuple[str, str, str]:
    """Return a command that goes before, what is warped then, and what is said of nodata.

    Warping fills what the raster does not cover, and goes by no other mask than nodata and an alpha band.
    """
    with header.opened() as opened:
        flags, nodata = opened.dataset.mask_flag_enums[0], opened.dataset.nodata
    if header.alpha is not None or nodata is not None:
        return "", "SRC", ""
    nothing = "nan" if header.dtype.startswith("float") else "0"
    if MaskFlags.all_valid in flags:
        return "", "SRC", f" --src-nodata {nothing} --dst-nodata {nothing}"
    return f"rio calc '(read 1)' SRC MASKED --masked --profile nodata={nothing} && ", "MASKED", ""


def _part_within(header: SourceRaster, window: Window, grid: Grid, level: int) -> Window:
    """Return the part of a window that a level has; raise `WorldError` if there is none."""
    full = grid.full(level)
    if grid.periodic:
        full = Window(full.y0, full.y1, window.x0, window.x1)
    part = window.intersect(full)
    if not part.size:
        raise WorldError(
            f"{header.named} lies beyond the grid, whose bounds are {grid.bounds(level, grid.full(level))} "
            f"(W, S, E, N) in {shorten(grid.crs)}; name a raster within them"
        )
    return part
