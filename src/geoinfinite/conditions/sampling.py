"""How densely a raster is sampled on a level: overviews and samples per pixel, from the two resolutions."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.gather import Gathering, Samples
from geoinfinite.conditions.place import LONLAT, Place
from geoinfinite.conditions.source_raster import SourceRaster
from geoinfinite.errors import CostWarning
from geoinfinite.plane.crs import transformer
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.ground import ground_m

DENSE = 4
"""Samples along a side of a pixel beyond which a raster should have overviews."""
DENSEST = 64
"""Samples along a side of a pixel at most: beyond, single pixels of the raster are passed over."""


@dataclass(frozen=True, slots=True)
class Density:
    """How a raster is sampled on one level, the same for every window of it."""

    overview: int | None
    """Which overview is read; ``None``: the raster itself."""
    parts: int
    """Samples along each side of a pixel that is told."""


@lru_cache(maxsize=256)
def density(header: SourceRaster, grid: Grid, level: int, pixels: int, overviews: bool) -> Density:
    """Return how to sample a raster for cells of ``pixels`` pixels of a level: no pixel is passed over.

    It follows from the true sizes of both pixels in the middle of the raster. The coarsest overview that is
    still as fine as the cells is read, where overviews may be used.
    """
    ratio = _cell_m(header, grid, level) * pixels / ground_m(header.crs, header.centre(), header.side())
    chosen = None
    if overviews:
        fine = [i for i, factor in enumerate(header.overviews) if factor <= ratio]
        chosen = max(fine, key=lambda i: header.overviews[i], default=None)
    rest = ratio if chosen is None else ratio / header.overviews[chosen]
    parts = min(max(1, math.ceil(rest - 1e-3)), DENSEST)
    if parts > DENSE:
        warnings.warn(
            f"{header.named} is {ratio:.0f} times finer than level {level}, which reads {parts * parts} "
            "samples a pixel; give it overviews: rio overview --build 2,4,8 --resampling average "
            f"{header.path}",
            CostWarning,
            stacklevel=2,
        )
    return Density(chosen, parts)


def _cell_m(header: SourceRaster, grid: Grid, level: int) -> float:
    """Return the true side of a level's pixel in the middle of a raster, or else of the grid."""
    step = grid.resolution_at(level)
    lonlat = transformer(header.crs, LONLAT).transform(*header.centre())
    at = transformer(LONLAT, grid.crs).transform(*lonlat)
    side = ground_m(grid.crs, (float(at[0]), float(at[1])), step) if np.isfinite(at).all() else math.nan
    if math.isfinite(side) and side > 0:
        return side
    return Place(grid, level, grid.full(level)).ground_m()


def sampled(
    header: SourceRaster,
    place: Place,
    pixels: int,
    bands: tuple[int, ...],
    dense: Density,
    interpolates: bool,
) -> tuple[Samples, tuple[int, int]]:
    """Return samples at a place and how many rows and columns of them there are."""
    rows, columns = place.cells(pixels, dense.parts)
    x, y = place.coordinates(rows, columns, pixels)
    with header.opened(dense.overview) as opened:
        return Gathering(opened, bands, interpolates).at(place.grid.crs, x, y), (len(y), len(x))


def averaged(samples: NDArray[np.float32], parts: int) -> NDArray[np.float32]:
    """Return means ``(band, y, x)`` of ``parts`` x ``parts`` samples, added up in a fixed order."""
    if parts == 1:
        return samples
    total = np.zeros_like(samples[:, ::parts, ::parts])
    for y in range(parts):
        for x in range(parts):
            total += samples[:, y::parts, x::parts]
    return total / np.float32(parts * parts)


def most_frequent(samples: NDArray[np.generic], parts: int) -> NDArray[np.generic]:
    """Return the value that most of ``parts`` x ``parts`` samples have; of several, the least.

    >>> most_frequent(np.array([[[1, 2, 7, 7], [2, 2, 5, 5]]]), 2)
    array([[[2, 5]]])
    """
    bands, rows, columns = (n // d for n, d in zip(samples.shape, (1, parts, parts), strict=True))
    grouped = samples.reshape(bands, rows, parts, columns, parts).swapaxes(2, 3)
    ordered = np.sort(grouped.reshape(bands, rows, columns, parts * parts), axis=-1)
    counts = np.zeros(ordered.shape, np.int64)
    for i in range(parts * parts):
        counts += ordered == ordered[..., i : i + 1]
    best = counts.argmax(axis=-1)
    return np.take_along_axis(ordered, best[..., None], axis=-1)[..., 0]
