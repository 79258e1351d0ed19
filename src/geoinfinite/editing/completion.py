"""Worlds that keep the pixels of a raster and draw what it lacks: in its holes and beyond its edges."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from geoinfinite.conditions.known import Known
from geoinfinite.conditions.source_raster import SourceRaster, source_raster
from geoinfinite.editing.canvas import Canvas, canvas_of
from geoinfinite.editing.coarse import Coarse
from geoinfinite.editing.drawing import Drawing, root_of
from geoinfinite.editing.guide import Guide
from geoinfinite.editing.kept_files import Header, Strip, folder_of, keep
from geoinfinite.editing.sides import Sides
from geoinfinite.errors import WorldError
from geoinfinite.plane.grid import Grid

_AT_ONCE = 2**24
"""Values of a raster that are held at once."""


def completed(
    path: Path, sides: Sides, drawing: Drawing, *, name: str, guide: Guide | None = None
) -> xr.DataArray:
    """Return the raster of a file as a lazy array that has no holes and is wider by some sides.

    Known pixels stay bit for bit. Its world has a root of block means of known pixels; the root's own holes
    are filled smoothly, mirrored or taken from a guide. The levels between know the same means and are drawn
    elsewhere. ``name`` is the world's. Raises `WorldError` for a raster without a known pixel.
    """
    raster = root_of(path).raster()
    sides.check(raster)
    canvas = canvas_of(raster, sides, drawing.factor())
    coarse = _coarse(source_raster(path, str(path)), canvas)
    folder = folder_of(drawing.folder)
    files = [keep(_header(canvas, 0, coarse[0]), [_root(coarse[0], canvas, guide)], folder)]
    files += [keep(_header(canvas, n, part), [part.strip()], folder) for n, part in enumerate(coarse) if n]
    known = [Known(str(file), level=n) for n, file in enumerate([*files, path]) if n]
    world = drawing.world(files[0], levels=canvas.depth + 1, name=name).replace(conditions=known)
    return world.array(canvas.depth, window=canvas.window)


def _coarse(header: SourceRaster, canvas: Canvas) -> list[Coarse]:
    """Return the levels above a raster, the root first; raise `WorldError` if nothing is known."""
    factor, depth = canvas.factor, canvas.depth
    shape = header.picture_bands, *canvas.shape_at(depth - 1)
    levels = [Coarse.of_strips(_strips(header), shape, canvas.corner, factor)]
    while len(levels) < depth:
        levels.insert(0, levels[0].coarser(factor))
    if not levels[0].known.any():
        raise WorldError("the array has no known pixel to go on from; take one that has")
    return levels


def _strips(header: SourceRaster) -> Iterator[Strip]:
    """Yield the pixels of a file and which of them are known, as conditions read them."""
    rows, columns = header.shape
    step = max(1, _AT_ONCE // (header.picture_bands * columns))
    with header.opened() as opened:
        for top in range(0, rows, step):
            yield Strip(top, *opened.picture((top, min(top + step, rows)), (0, columns)))


def _root(coarse: Coarse, canvas: Canvas, guide: Guide | None) -> Strip:
    t = canvas.transform(0)
    grid = Grid(canvas.raster.crs, (t.c, t.f), t.a, canvas.shape_at(0), periodic=canvas.raster.periodic)
    pixels: NDArray[Any] = coarse.filled() if guide is None else guide.fill(coarse, grid)
    return Strip(0, pixels, np.ones(pixels.shape[1:], bool))


def _header(canvas: Canvas, level: int, coarse: Coarse) -> Header:
    return Header(canvas.raster.crs, canvas.transform(level), coarse.means.shape, str(coarse.means.dtype))
