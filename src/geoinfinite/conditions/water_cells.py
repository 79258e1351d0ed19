"""Which cells of a lattice in degrees lie in water, by their middles, and which places do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.shorelines import ORDER, Numbers, Shorelines, batches, following
from geoinfinite.plane.window import Window

Degrees = NDArray[np.float64]
Water = NDArray[np.bool_]
SIDE = 1024
"""Cells along a side of a block, which is painted at once and kept."""
_TURN = 360.0
_SPARE = 1e-4
"""Degrees by which more edges are looked at: what float32 may be wrong by when it is compared."""


@dataclass(frozen=True, slots=True)
class Lattice:
    """Cells counted from a corner, ``step`` degrees high and ``wide`` times as wide.

    >>> Lattice(-180.0, 90.0, 0.5).rows(np.array([89.75, 89.0]))
    array([0. , 1.5])
    """

    west: float
    north: float
    step: float
    wide: float = 1.0

    def rows(self, latitude: Degrees) -> Degrees:
        """Return rows of latitudes: a whole number is the middle of a cell."""
        return (self.north - latitude) / self.step - 0.5

    def columns(self, longitude: Degrees) -> Degrees:
        """Return columns of longitudes: a whole number is the middle of a cell."""
        return (longitude - self.west) / (self.step * self.wide) - 0.5


def in_water(shores: Shorelines, lattice: Lattice, window: Window) -> Water:
    """Say of cells ``(row, column)`` of a window whether their middles lie in water.

    A cell is a function of the lattice alone: windows that share it agree.
    """
    water = np.ones(window.shape, np.bool_)
    polygons, turns = _near(shores, lattice, window)
    for kind, value in ORDER:
        of_kind = shores.kind[polygons] == kind
        if of_kind.any():
            water[_within(shores, polygons[of_kind], turns[of_kind], lattice, window)] = value
    return water


def water_at_crossings(shores: Shorelines, lattice: Lattice, rows: Numbers, columns: Numbers) -> Water:
    """Say of the cells where some rows and some columns cross whether they lie in water."""
    found = np.empty((len(rows), len(columns)), np.bool_)
    for down, at_rows in _grouped(rows // SIDE):
        for across, at_columns in _grouped(columns // SIDE):
            block = _block(shores, lattice, down, across)
            taken = block[np.ix_(rows[at_rows] % SIDE, columns[at_columns] % SIDE)]
            found[np.ix_(at_rows, at_columns)] = taken
    return found


def water_at_places(shores: Shorelines, step: float, longitude: Degrees, latitude: Degrees) -> Water:
    """Say of places whether they lie in water, each as the cell of at most ``step`` degrees that it lies in.

    Cells are wider in degrees toward the poles, to be squares on the ground as nearly as a factor of two.
    What is no place on the Earth is water.
    """
    water = np.ones(longitude.shape, np.bool_)
    known = np.flatnonzero(np.isfinite(longitude) & np.isfinite(latitude))
    east, down = longitude[known] + _TURN / 2, _TURN / 4 - latitude[known]
    rows = np.floor(down / step).astype(np.int64).clip(0, math.ceil(_TURN / 2 / step) - 1)
    for band, in_band in _grouped(rows // SIDE):
        lattice = Lattice(-_TURN / 2, _TURN / 4, step, _widening(step, band))
        columns = np.floor(east[in_band] % _TURN / (step * lattice.wide)).astype(np.int64)
        for across, among in _grouped(columns // SIDE):
            at = in_band[among]
            block = _block(shores, lattice, band, across)
            water[known[at]] = block[rows[at] % SIDE, columns[among] % SIDE]
    return water


def _widening(step: float, band: int) -> float:
    """Return how many times wider than high cells of a row of blocks are, a power of two."""
    top = _TURN / 4 - band * SIDE * step
    bottom = top - SIDE * step
    nearest = 0.0 if bottom <= 0 <= top else min(abs(top), abs(bottom))
    return float(2.0 ** math.floor(-math.log2(math.cos(math.radians(nearest)))))


def _grouped(numbers: Numbers) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Yield each number once, and where it stands."""
    for number in np.unique(numbers):
        yield int(number), np.flatnonzero(numbers == number)


@lru_cache(maxsize=64)
def _block(shores: Shorelines, lattice: Lattice, down: int, across: int) -> Water:
    window = Window(down * SIDE, (down + 1) * SIDE, across * SIDE, (across + 1) * SIDE)
    water = in_water(shores, lattice, window)
    if water.all() or not water.any():
        return np.broadcast_to(np.bool_(water[0, 0]), water.shape)
    return water


def _near(shores: Shorelines, lattice: Lattice, window: Window) -> tuple[Numbers, Degrees]:
    """Return polygons that may hold a middle of a cell of the window, once for every turn, and the turns."""
    top, bottom = np.floor(lattice.rows(shores.north)), np.floor(lattice.rows(shores.south))
    low = np.flatnonzero((bottom > top) & (bottom >= window.y0) & (top < window.y1 - 1))
    around = _TURN / (lattice.step * lattice.wide)
    left, right = lattice.columns(shores.west[low]), lattice.columns(shores.east[low])
    start = np.ceil((window.x0 - right) / around).astype(np.int64)
    stop = np.floor((window.x1 - left) / around).astype(np.int64) + 1
    count = np.maximum(stop - start, 0)
    polygons = np.repeat(low, count)
    nth = np.arange(len(polygons)) - np.repeat(np.cumsum(count) - count, count)
    turns = (np.repeat(start, count) + nth) * _TURN
    columns = (np.floor(lattice.columns(edge[polygons] + turns)) for edge in (shores.west, shores.east))
    left, right = columns
    holds = right > left
    return polygons[holds], turns[holds]


def _within(shores: Shorelines, polygons: Numbers, turns: Degrees, lattice: Lattice, window: Window) -> Water:
    """Say which cells lie within some polygons: the lines turn round them."""
    windings = np.zeros(window.shape, np.int16)
    for part in batches(shores.first[polygons + 1] - shores.first[polygons]):
        _count(windings, shores, polygons[part], turns[part], lattice, window)
    np.cumsum(windings, axis=1, dtype=windings.dtype, out=windings)
    return np.asarray(windings != 0)


def _count(
    windings: NDArray[np.int16],
    shores: Shorelines,
    polygons: Numbers,
    turns: Degrees,
    lattice: Lattice,
    window: Window,
) -> None:
    """Add to the cells right of where lines cross the middle of their row which way they cross."""
    ends, owner = _edges(shores, polygons, lattice, window)
    v = lattice.rows(ends[..., 1])
    u = lattice.columns(ends[..., 0] + turns[owner])
    floors = np.floor(v).astype(np.int64)
    # A point on the middle of a row belongs to what is above, so that edges that meet there count once.
    first = np.maximum(floors.min(axis=0) + 1, window.y0)
    count = np.maximum(np.minimum(floors.max(axis=0), window.y1 - 1) - first + 1, 0)
    edge = np.repeat(np.arange(len(count)), count)
    row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    slope = (u[1] - u[0])[edge] / (v[1] - v[0])[edge]
    column = np.floor(u[0][edge] + (row - v[0][edge]) * slope).astype(np.int64) + 1
    column = np.maximum(column, window.x0)
    sense = np.where(v[1] > v[0], 1, -1)[edge] * shores.sense[polygons][owner[edge]]
    held = column < window.x1
    at = (row[held] - window.y0) * window.width + column[held] - window.x0
    np.add.at(windings.reshape(-1), at, sense[held].astype(np.int16))


def _edges(
    shores: Shorelines, polygons: Numbers, lattice: Lattice, window: Window
) -> tuple[Degrees, NDArray[np.intp]]:
    """Return edges that may cross rows of a window, and the numbers of their polygons.

    They are ``(end, edge, (longitude, latitude))``, in the turn of the file.
    """
    starts, stops = shores.first[polygons], shores.first[polygons + 1]
    points = np.concatenate([shores.points[a:b] for a, b in zip(starts, stops, strict=True)])
    first = np.append(0, np.cumsum(stops - starts))
    after = following(first)
    latitude = points[:, 1]
    above = latitude > lattice.north - window.y0 * lattice.step + _SPARE
    below = latitude < lattice.north - window.y1 * lattice.step - _SPARE
    kept = np.flatnonzero(~((above & above[after]) | (below & below[after])))
    ends = np.stack([points[kept], points[after[kept]]]).astype(np.float64)
    return ends, np.searchsorted(first, kept, side="right") - 1
