"""Values of a raster at exact points: every value is a function of its point alone.

A warp of a window fits its own approximation to the window, and gives other values in another one. Here the
place of every sample is computed exactly, point by point in float64, and read from the raster's own pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.slerp import slerp
from geoinfinite.conditions.source_raster import OpenedRaster, SourceRaster
from geoinfinite.plane.crs import parse_crs, transformer

Coordinates = NDArray[np.float64]
Indices = NDArray[np.int64]

POINTS = 2**20
"""Points whose places are computed at once."""
STRIP = 2**14
"""Points gathered at once: what fits a processor's cache is several times as fast."""
VECTORS = 2**20
"""Values of vectors that are interpolated at once."""
LARGEST_BLOCK = 2**24
"""Values of the raster that are read at once; points that need more are divided."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Values of a raster at points."""

    values: NDArray[Any]
    """``(band, point)``; 0 where nothing is known."""
    known: NDArray[np.bool_]
    """``(point,)``."""


@dataclass(frozen=True, slots=True)
class Gathering:
    """How values are taken from an open raster."""

    opened: OpenedRaster
    bands: tuple[int, ...]
    interpolates: bool
    """Between the four nearest pixels; else the nearest is taken."""
    spherical: bool = False
    """Interpolates between the directions of vectors over bands, first along rows, then down columns."""

    def at(self, crs: str, x: Coordinates, y: Coordinates) -> Samples:
        """Return samples at the crossings of columns ``x`` and rows ``y`` of a CRS, row by row."""
        rows = max(1, POINTS // len(x))
        parts = [self._at(crs, x, y[start : start + rows]) for start in range(0, len(y), rows)]
        return _joined(parts)

    def _at(self, crs: str, x: Coordinates, y: Coordinates) -> Samples:
        points = np.broadcast_to(x, (len(y), len(x))).ravel(), np.repeat(y, len(x))
        column, row = pixels_at(self.opened.header, crs, *points)
        (rows, columns), (whole_rows, whole_columns) = self.opened.shape, self.opened.header.shape
        return self.gather(column * (columns / whole_columns), row * (rows / whole_rows))

    def gather(self, column: Coordinates, row: Coordinates) -> Samples:
        """Return samples at fractional pixels of what is open; 0.5 is the middle of the first."""
        rows, columns = self.opened.shape
        there = (row >= 0) & (row <= rows) & (column >= 0) & (column <= columns)
        dtype = np.float32 if self.interpolates else np.dtype(self.opened.header.dtype)
        values = np.zeros((len(self.bands), len(column)), dtype)
        known = np.zeros(len(column), bool)
        if there.any():
            found = self._inside(column[there], row[there])
            values[:, there], known[there] = found.values, found.known
        return Samples(values, known)

    def _inside(self, column: Coordinates, row: Coordinates) -> Samples:
        """Return samples at points that lie on the raster, reading the pixels that they need at once."""
        middle = 0.5 if self.interpolates else 0.0
        left, upper = _floor(column - middle), _floor(row - middle)
        x, y = self._unfolded(left), upper.clip(0, self.opened.shape[0] - 1)
        beyond = 2 if self.interpolates else 1
        x0, x1 = self._bounded(int(x.min())), self._bounded(int(x.max()) + beyond - 1) + 1
        y0, y1 = int(y.min()), min(int(upper.max()) + beyond, self.opened.shape[0])
        y1 = max(y1, y0 + 1)
        if len(self.bands) * (x1 - x0) * (y1 - y0) > LARGEST_BLOCK and len(column) > 1:
            # Points are gathered one by one, so that halves give the bits of the whole.
            half = len(column) // 2
            return _joined(
                [self._inside(column[part], row[part]) for part in (slice(half), slice(half, None))]
            )
        block, known = self.opened.block(self.bands, (y0, y1), (x0, x1))
        if not self.interpolates:
            index = (upper.clip(y0, y1 - 1) - y0) * (x1 - x0) + self._bounded(x) - x0
            return _taken(block, known, index)
        corners = _Corners(
            (upper.clip(y0, y1 - 1) - y0) * (x1 - x0),
            ((upper + 1).clip(y0, y1 - 1) - y0) * (x1 - x0),
            self._bounded(x) - x0,
            self._bounded(x + 1) - x0,
        )
        across = (column - middle - left).astype(np.float32)
        down = (row - middle - upper).astype(np.float32)
        between = _slerped if self.spherical else _interpolated
        return between(block, known, corners, across, down)

    def _bounded(self, x: Any) -> Any:
        """Return columns of a raster that ends at its sides; those of one round the Earth as they are."""
        return x if self.opened.header.wraps else np.clip(x, 0, self.opened.shape[1] - 1)

    def _unfolded(self, left: Indices) -> Indices:
        """Return columns of which neighbours differ by little, also across the seam of the Earth."""
        width = self.opened.shape[1]
        if not self.opened.header.wraps or int(left.max()) - int(left.min()) < width // 2:
            return left
        return np.where(left < width // 2, left + width, left)


def pixels_at(
    header: SourceRaster, crs: str, x: Coordinates, y: Coordinates
) -> tuple[Coordinates, Coordinates]:
    """Return fractional columns and rows of points of a CRS; not finite where PROJ knows no place."""
    if parse_crs(crs) != parse_crs(header.crs):
        x, y = transformer(crs, header.crs).transform(x, y)
    a, b, c, d, e, f = header.transform
    if header.turn is not None:
        start = min(c, c + a * header.shape[1])
        x = x - header.turn * np.floor((x - start) / header.turn)
    determinant = a * e - b * d
    with np.errstate(invalid="ignore"):
        return (e * (x - c) - b * (y - f)) / determinant, (a * (y - f) - d * (x - c)) / determinant


@dataclass(frozen=True, slots=True)
class _Corners:
    """Offsets in a block of the four pixels around every point."""

    upper: Indices
    lower: Indices
    left: Indices
    right: Indices


def _interpolated(
    block: NDArray[Any],
    known: NDArray[np.bool_],
    corners: _Corners,
    across: NDArray[np.float32],
    down: NDArray[np.float32],
) -> Samples:
    """Return values between four pixels, strip by strip; unknown where a pixel that counts is."""
    flat = block.reshape(len(block), -1).astype(np.float32, copy=False)
    sound = known.ravel()
    values, fine = np.zeros((len(block), len(across)), np.float32), np.ones(len(across), bool)
    whole = bool(sound.all())
    for start in range(0, len(across), STRIP):
        part = slice(start, start + STRIP)
        u, v = across[part], down[part]
        for rows, by_row in ((corners.upper, 1 - v), (corners.lower, v)):
            for columns, by_column in ((corners.left, 1 - u), (corners.right, u)):
                index, weight = rows[part] + columns[part], by_row * by_column
                if not whole:
                    fine[part] &= sound[index] | (weight == 0)
                for band in range(len(flat)):
                    values[band, part] += weight * np.where(weight == 0, 0, flat[band].take(index))
    values[:, ~fine] = 0
    return Samples(values, fine)


def _slerped(
    block: NDArray[Any],
    known: NDArray[np.bool_],
    corners: _Corners,
    across: NDArray[np.float32],
    down: NDArray[np.float32],
) -> Samples:
    """Return vectors between those of four pixels, as `_interpolated` does values."""
    flat, sound = block.reshape(len(block), -1), known.ravel()
    values, fine = np.zeros((len(block), len(across)), np.float32), np.ones(len(across), bool)
    step = max(1, VECTORS // len(block))
    for start in range(0, len(across), step):
        part = slice(start, start + step)
        shares = across[part].astype(np.float64), down[part].astype(np.float64)
        rows = []
        for row, by_row in ((corners.upper, shares[1] < 1), (corners.lower, shares[1] > 0)):
            ends = []
            for column, by_column in ((corners.left, shares[0] < 1), (corners.right, shares[0] > 0)):
                index = row[part] + column[part]
                fine[part] &= sound[index] | ~(by_row & by_column)
                ends.append(np.where(sound[index], flat.take(index, axis=1), 0).T.astype(np.float64))
            rows.append(slerp(ends[0], ends[1], shares[0]))
        values[:, part] = slerp(rows[0], rows[1], shares[1]).T
    values[:, ~fine] = 0
    return Samples(values, fine)


def _taken(block: NDArray[Any], known: NDArray[np.bool_], index: Indices) -> Samples:
    flat = block.reshape(len(block), -1)
    fine = known.ravel().take(index)
    return Samples(np.where(fine, flat.take(index, axis=1), 0).astype(block.dtype), fine)


def _joined(parts: list[Samples]) -> Samples:
    if len(parts) == 1:
        return parts[0]
    values = np.concatenate([part.values for part in parts], axis=1)
    return Samples(values, np.concatenate([part.known for part in parts]))


def _floor(values: Coordinates) -> Indices:
    return np.floor(values).astype(np.int64)
