"""One map tile of a pyramid of arrays: the level that fits, the window that it needs, a picture of 8 bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from geoinfinite.arrays.variables import box_of
from geoinfinite.engine import cold_cost
from geoinfinite.errors import BudgetError, WindowError
from geoinfinite.plane.window import Window
from geoinfinite.views.canvas import Canvas, TileAddress, TileMatrices
from geoinfinite.views.eight_bits import encoded, limits_of, to_eight_bits
from geoinfinite.views.map_reading import (
    MapReading,
    ReadWindow,
    interpolated,
    nearest,
    read_blocks,
    reading_of,
)
from geoinfinite.views.pixel_axes import PixelAxes, Places

MOST_PIXELS = 2**26
"""Pixels of the coarsest array that one canvas may read."""
_PIXELS_EACH = 32
"""Pixels of an array that one pixel of a canvas may take, where a coarser array is at hand."""


@dataclass(frozen=True, slots=True, eq=False)
class MapPyramid:
    """The levels of one image, each a ``(band, y, x)`` array on one CRS, lazy or stored.

    >>> import geoinfinite as gi
    >>> world = gi.World.load("analytic")
    >>> pyramid = MapPyramid({level: world.array(level) for level in range(3)})
    >>> alps = Canvas("EPSG:3857", (800_000, 5_800_000, 820_000, 5_810_000), (20, 40))
    >>> tile = render(pyramid, alps)
    >>> tile.level, tile.pixels.shape, bool(tile.mask.all())
    (2, (3, 20, 40), True)
    """

    arrays: Mapping[int, xr.DataArray]
    """Arrays by their level; what is finer follows from their labels."""
    stretch: float = 1.0
    """Pixels of a canvas that one of an array may cover along a side before a finer array is taken."""
    resampling: Literal["bilinear", "nearest"] = "bilinear"
    """How a canvas's pixel follows from an array's: between the nearest four, or the nearest one.

    Bilinear pixels are means of blocks first, where a canvas's pixel is larger than two of the array's.
    """
    limits: tuple[float, float] | None = None
    """Values that become 0 and 255; ``None`` for the range that a world of the dtype has."""
    most_pixels: int = MOST_PIXELS
    """Pixels of the coarsest array that one canvas may read; more is refused with `BudgetError`."""
    axes: Mapping[int, PixelAxes] = field(init=False)
    """Where the pixels of each array lie, the coarsest array first."""

    def __post_init__(self) -> None:
        if not self.arrays:
            raise WindowError("arrays={} has no level; give one at least: {level: world.array(level)}")
        found = {level: PixelAxes.of(da) for level, da in self.arrays.items()}
        coarse_first = sorted(found, key=lambda level: -found[level].size_of_pixel)
        object.__setattr__(self, "axes", {level: found[level] for level in coarse_first})
        first, *others = self.axes.values()
        if any(other.crs != first.crs for other in others):
            raise WindowError(
                f"arrays have different CRSs, {first.crs[:80]} and others; give levels of one image"
            )

    @property
    def crs(self) -> str:
        """The CRS of all arrays."""
        return next(iter(self.axes.values())).crs

    @property
    def levels(self) -> tuple[int, ...]:
        """The levels, the coarsest first."""
        return tuple(self.axes)


@dataclass(frozen=True, slots=True, eq=False)
class MapTile:
    """A picture of 8 bits, and what it was made of."""

    pixels: NDArray[np.uint8]
    """``(band, y, x)``, three bands or a grey one; 0 where the mask is not set."""
    mask: NDArray[np.bool_]
    """``(y, x)``: where there is an image."""
    level: int
    """The level that was read."""
    window: Window
    """Its rows and columns, counted from the first pixel of the array; empty beside the image."""
    evaluations: int
    """Network evaluations that reading them takes with nothing cached; 0 for what is stored."""

    def encode(self, image_format: str = "png") -> bytes:
        """Return it as ``"png"``, ``"webp"`` or ``"jpeg"``, transparent beside the image (JPEG: black)."""
        return encoded(self.pixels, self.mask, image_format)


def render_tile(
    pyramid: MapPyramid,
    tms: TileMatrices,
    tile: TileAddress,
    size: int | None = None,
    *,
    level: int | None = None,
) -> MapTile:
    """Return a map tile of a morecantile ``TileMatrixSet``, ``size`` pixels along each side.

    ``level`` names the level to read; by default it follows from the size of a pixel, see `locate`.
    """
    return render(pyramid, Canvas.of_tile(tms, tile, size), level=level)


def render(pyramid: MapPyramid, canvas: Canvas, *, level: int | None = None) -> MapTile:
    """Return the picture of a pyramid on a canvas.

    Raises `BudgetError` for a canvas that takes too many pixels of the coarsest array.
    """
    reading = locate(pyramid, canvas, level=level)
    return finish(pyramid, reading, partial(read_window, pyramid, reading.key))


def locate(pyramid: MapPyramid, canvas: Canvas, *, level: int | None = None) -> MapReading:
    """Return the array and the window that a canvas needs; nothing is read.

    It is the coarsest array whose pixels are at most ``stretch`` times as large as the canvas's, or the
    finest one; a coarser one where that would take too many pixels, as at a pole on a grid in degrees.
    Raises `BudgetError` where even the coarsest would.
    """
    if level is not None and level not in pyramid.arrays:
        raise WindowError(f"level={level!r} is not there; take one of {', '.join(map(str, pyramid.levels))}")
    places = canvas.centres_on(pyramid.crs)
    size = _size_of_pixel(places)
    chosen = _fitting(pyramid, size * pyramid.stretch) if level is None else level
    coarser = [
        key for key in pyramid.levels if pyramid.axes[key].size_of_pixel >= pyramid.axes[chosen].size_of_pixel
    ]
    averages, most = pyramid.resampling == "bilinear", _PIXELS_EACH * canvas.shape[0] * canvas.shape[1]
    for key in reversed(coarser):
        axes = pyramid.axes[key]
        reading = reading_of(axes, key, places, size / axes.size_of_pixel if averages else 1.0)
        if reading.window.size <= most:
            return reading
    if reading.window.size > pyramid.most_pixels:
        raise BudgetError(
            f"a picture of {canvas.shape[1]} x {canvas.shape[0]} px takes {reading.window.size:,} pixels of "
            f"level {reading.key}, more than {pyramid.most_pixels:,}; zoom in, or add a coarser array to the "
            "pyramid: MapPyramid({-1: coarse, **arrays})"
        )
    return reading


def finish(pyramid: MapPyramid, reading: MapReading, read: ReadWindow) -> MapTile:
    """Return the picture of what `locate` found, given how to read a window of the array."""
    da = pyramid.arrays[reading.key]
    limits = pyramid.limits or limits_of(da.dtype)
    bands = _bands_shown(da)
    if reading.is_empty:
        blank = np.zeros((len(bands), *reading.mask.shape), np.uint8)
        return MapTile(blank, reading.mask, reading.key, reading.window, 0)
    values = read_blocks(reading, read)[bands]
    drawn = (nearest if pyramid.resampling == "nearest" else interpolated)(reading, values)
    mask = reading.mask & np.isfinite(drawn).all(axis=0)
    pixels = np.where(mask, to_eight_bits(drawn, limits), np.uint8(0))
    return MapTile(pixels, mask, reading.key, reading.window, evaluations_of(da, reading.window))


def read_window(pyramid: MapPyramid, level: int, window: Window) -> NDArray[Any]:
    """Return the pixels ``(band, y, x)`` of a window of an array, also past its last column if it repeats."""
    da = pyramid.arrays[level]
    da = da.expand_dims("band") if "band" not in da.dims else da
    rows = da.transpose("band", "y", "x").isel(y=slice(window.y0, window.y1))
    parts = [rows.isel(x=run).values for run in pyramid.axes[level].runs(window)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)


def evaluations_of(da: xr.DataArray, window: Window) -> int:
    """Return the network evaluations that a cold read of rows and columns of an array takes."""
    box = box_of(da.variable)
    if box is None or window.size == 0:
        return 0
    _, rows, columns = box.axes
    if not (isinstance(rows, range) and isinstance(columns, range) and rows.step == columns.step == 1):
        return 0
    return cold_cost(box.level, window.shift(rows.start, columns.start)).evaluations


def _bands_shown(da: xr.DataArray) -> list[int]:
    """Return the bands of a picture: the first three, or the first one where there are fewer."""
    return [0, 1, 2] if da.sizes.get("band", 1) >= 3 else [0]


def _fitting(pyramid: MapPyramid, size: float) -> int:
    """Return the coarsest level whose pixels are at most so large, or the finest."""
    fine = (level for level, axes in pyramid.axes.items() if axes.size_of_pixel <= size * (1 + 1e-9))
    return next(fine, pyramid.levels[-1])


def _size_of_pixel(places: tuple[Places, Places]) -> float:
    """Return the side of a square of the area that a canvas's pixel covers on the arrays' CRS.

    It is the median over the canvas; 0 where too little of it has a place there.
    """
    x_across, y_across = (np.diff(v, axis=1)[:-1] for v in places)
    x_down, y_down = (np.diff(v, axis=0)[:, :-1] for v in places)
    area = np.abs(x_across * y_down - x_down * y_across)
    known = area[np.isfinite(area)]
    return float(np.sqrt(np.median(known))) if known.size else 0.0
