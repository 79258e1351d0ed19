"""Where an image and its pixels lie: bounds in degrees, the pixel under a click, the window of a view."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr

from geoinfinite.arrays.index import GridIndex
from geoinfinite.engine import Level, RasterSource, cold_cost, resolve
from geoinfinite.plane.crs import Bounds, carry_bounds, transformer
from geoinfinite.plane.ground import LONLAT
from geoinfinite.plane.window import Window
from geoinfinite.serve.asking import matrices
from geoinfinite.serve.refusals import Refused
from geoinfinite.serve.subject import Shown
from geoinfinite.views.canvas import Canvas, crs_of_tiles
from geoinfinite.views.map_reading import reading_of, unwrapped
from geoinfinite.views.map_tiles import MapPyramid, locate
from geoinfinite.views.pixel_axes import Places

_SNAP = 1e-6
"""Edges of a view within this part of a pixel from a pixel's edge lie on it."""
_ALONG_A_VIEW = 65
"""Points along each side of a view by which its pixels are found."""


def geographic_bounds(pyramid: MapPyramid) -> list[float]:
    """Return west, south, east and north of an image in degrees; the whole turn where it crosses 180."""
    axes = pyramid.axes[pyramid.levels[-1]]
    (left, top), (across, down), (rows, columns) = axes.origin, axes.step, axes.shape
    right, bottom = left + columns * across, top + rows * down
    box: Bounds = (min(left, right), min(bottom, top), max(left, right), max(bottom, top))
    if axes.period is not None:
        return [-180.0, max(-90.0, round(box[1], 9)), 180.0, min(90.0, round(box[3], 9))]
    west, south, east, north = carry_bounds(box, axes.crs, LONLAT)
    if west > east or east > 180 or west < -180:
        west, east = -180.0, 180.0
    return [round(value, 9) for value in (west, south, east, north)]


def levels_of(shown: Shown) -> list[dict[str, Any]]:
    """Return number, ground sample distance and size of every level, the coarsest first."""
    levels = []
    for number in shown.pyramid.levels:
        da, axes = shown.pyramid.arrays[number], shown.pyramid.axes[number]
        gsd = da.attrs.get("ground_sample_distance_m")
        real = shown.world is not None and not is_drawn(shown, number)
        rows, columns = axes.shape
        levels.append({"level": number, "gsd_m": gsd, "rows": rows, "columns": columns, "real": real})
    return levels


def is_drawn(shown: Shown, level: int) -> bool:
    """Say whether a network draws a level: it is neither stored nor a raster."""
    return shown.world is not None and not isinstance(resolve(shown.world, level).source, RasterSource)


def level_at(shown: Shown, place: tuple[float, float], zoom: int, tms_name: str = "WebMercatorQuad") -> int:
    """Return the level that a map shows at a zoom around a place in degrees."""
    tms = matrices(tms_name)
    if not tms.minzoom <= zoom <= tms.maxzoom:
        raise Refused(404, f"z={zoom} is not a zoom of {tms_name}; take {tms.minzoom} to {tms.maxzoom}")
    crs = crs_of_tiles(tms)
    x, y = transformer(LONLAT, crs).transform(*place)
    if not np.isfinite(x + y):
        raise Refused(404, f"lon={place[0]:g}, lat={place[1]:g} is not on {tms_name}; name a place on it")
    side, pixels = tms.matrix(zoom).cellSize, 4
    half = side * pixels / 2
    return locate(shown.pyramid, Canvas(crs, (x - half, y - half, x + half, y + half), (pixels, pixels))).key


def pixel_at(shown: Shown, level: int, place: tuple[float, float]) -> Window:
    """Return the pixel of a level's array at a place in degrees, as a window; refuse a place beside it."""
    axes = shown.pyramid.axes[level]
    half = 1e-9
    lon, lat = place
    spot = Canvas(LONLAT, (lon - half, lat - half, lon + half, lat + half), (1, 1))
    reading = reading_of(axes, level, spot.centres_on(axes.crs), 1.0)
    if not reading.mask.any():
        raise Refused(404, f"lon={lon:g}, lat={lat:g} lies beside the image; name a place on it")
    row, column = int(np.floor(reading.rows[0, 0])), int(np.floor(reading.columns[0, 0]))
    column = column if axes.period is None else column % axes.period
    return Window(row, row + 1, column, column + 1)


def on_level(da: xr.DataArray, window: Window) -> Window:
    """Return rows and columns of an array as those of its level."""
    y, x = da.xindexes.get("y"), da.xindexes.get("x")
    if not (isinstance(y, GridIndex) and isinstance(x, GridIndex)):
        return window
    return window.shift(int(y.run[0]), int(x.run[0]))


def view_window(shown: Shown, level: int, bounds: Bounds) -> Window:
    """Return the part of a level's array that bounds in degrees cover; refuse bounds beside it."""
    west, south, east, north = bounds
    east += 360 if east <= west else 0
    if not (-90 <= south < north <= 90 and -540 <= west < east <= west + 360):
        raise Refused(400, f"bounds={west:g},{south:g},{east:g},{north:g} are inverted or no place; W,S,E,N")
    axes = shown.pyramid.axes[level]
    # Centres of the outermost cells lie on the sides of the view.
    half = (east - west) / (_ALONG_A_VIEW - 1) / 2, (north - south) / (_ALONG_A_VIEW - 1) / 2
    wider = west - half[0], south - half[1], east + half[0], north + half[1]
    view = Canvas(LONLAT, wider, (_ALONG_A_VIEW, _ALONG_A_VIEW))
    rows, columns = axes.rows_and_columns(*view.centres_on(axes.crs))
    y0, y1 = _edges(rows, axes.shape[0])
    # From west to east without a jump, once round at most.
    columns = np.unwrap(columns, period=axes.period) if axes.period else unwrapped(axes, columns)
    x0, x1 = _edges(columns, None if axes.period else axes.shape[1])
    if y0 >= y1 or x0 >= x1:
        raise Refused(404, "the view lies beside the image; move to where it is")
    if axes.period is None:
        return Window(y0, y1, x0, x1)
    if x1 - x0 >= axes.period:
        return Window(y0, y1, 0, axes.period)
    first = x0 % axes.period
    return Window(y0, y1, first, first + x1 - x0)


def _edges(along: Places, size: int | None) -> tuple[int, int]:
    """Return the first pixel and the one after the last of places along an axis, within its size."""
    known = along[np.isfinite(along)]
    if known.size == 0:
        return 0, 0
    first, last = math.floor(known.min() + _SNAP), math.ceil(known.max() - _SNAP)
    return (first, last) if size is None else (max(first, 0), min(last, size))


def evaluations_at(shown: Shown, level: int, window: Window) -> tuple[int, list[list[int]]]:
    """Return what a cold read of a pixel takes, and the tiles that cover it, ``[row, column]`` each."""
    if shown.world is None:
        return 0, []
    held: Level = resolve(shown.world, level)
    if isinstance(held.source, RasterSource):
        return 0, []
    lattice = held.drawn.layers[-1].lattice
    return cold_cost(held, window).evaluations, [list(index) for index in lattice.touching(window)]
