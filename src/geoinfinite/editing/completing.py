"""``fill`` and ``extend``: what a real raster lacks is drawn, its known pixels stay bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import xarray as xr

from geoinfinite.editing.completion import completed
from geoinfinite.editing.drawing import Drawing, DrawingOptions, root_of
from geoinfinite.editing.guide import Guide
from geoinfinite.editing.kept_files import folder_of
from geoinfinite.editing.real import real_of
from geoinfinite.editing.sides import Sides, SidesOptions
from geoinfinite.editing.zoom import drawn_from, file_of
from geoinfinite.errors import WindowError, WorldError
from geoinfinite.recipe.root import Root


def fill(da: xr.DataArray, drawing: Drawing, *, holes: xr.DataArray | None = None) -> xr.DataArray:
    """Return an array of a real raster as a lazy one without holes.

    Holes are nodata, NaN, what the file masks, and where ``holes`` is true. All other pixels stay bit for
    bit. Raises `WorldError` for an array that no world can have.
    """
    return completed(_file(da, drawing, holes), Sides(), drawing, name="fill")


class ExtendOptions(DrawingOptions, SidesOptions, total=False):
    """The keywords of `extend`: what it is drawn with, and how far."""


def extend(
    da: xr.DataArray, bounds: Sequence[float] | None, options: ExtendOptions, *, guide: Any = None
) -> xr.DataArray:
    """Return an array of a real raster as a larger lazy one, drawn beyond its edges and in its holes.

    ``bounds`` = (left, bottom, right, top) in the array's CRS, or ``options`` say how far. ``guide`` is an
    array, or the path of a raster, that shows what lies beyond; without it the coarse shapes are mirrored.
    Raises `WorldError` for an array that no world can have, `WindowError` for sides that it cannot have.
    """
    sides, drawing = _said(options)
    if (bounds is None) == (sides is None):
        raise WindowError(
            f"extend(bounds={bounds!r}, north, south, east, west): give bounds=(W, S, E, N), or pixels such "
            "as north=100"
        )
    path = _file(da, drawing, None)
    if sides is None:
        sides = Sides.around(root_of(path).raster(), bounds or ())
    seen = None if guide is None else Guide(_guide(guide, drawing))
    return completed(path, sides, drawing, name="extend", guide=seen)


def _said(options: ExtendOptions) -> tuple[Sides | None, Drawing]:
    """Return the sides that the options name, if they do, and what is drawn with."""
    said: dict[str, Any] = {**options}
    sides = {field.name: said.pop(field.name) for field in fields(Sides) if field.name in said}
    return Sides(**sides) if sides else None, Drawing(**said)


def _file(da: xr.DataArray, drawing: Drawing, holes: xr.DataArray | None) -> Path:
    if drawn_from(da) is not None:
        raise WorldError(
            "the array is drawn by a world, and has neither holes nor edges but its grid's; write it first, "
            "and open what was written: da.geoinfinite.to_cog(PATH), rioxarray.open_rasterio(PATH)"
        )
    return file_of(da, drawing, holes)


def _guide(guide: Any, drawing: Drawing) -> Path:
    if isinstance(guide, xr.DataArray):
        return real_of(guide).file(folder_of(drawing.folder))
    return Root(guide).path
