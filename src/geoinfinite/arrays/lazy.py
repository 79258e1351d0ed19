"""Lazy selections of a level as xarray sees them: values only when they are asked for."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from dask.base import normalize_token
from numpy.typing import NDArray

from geoinfinite.arrays.budget import DEFAULT_BUDGET, ReadBudget
from geoinfinite.arrays.hooks import (
    ExplicitIndexer,
    ExplicitlyIndexedNDArrayMixin,
    NumpyIndexingAdapter,
    OuterIndexer,
    VectorizedIndexer,
    apply_indexer,
)
from geoinfinite.arrays.reading import hull, read_box, read_points
from geoinfinite.arrays.selection import Axis, Key, Positions, compose, points
from geoinfinite.engine import Level
from geoinfinite.errors import WindowError
from geoinfinite.plane.window import Window


class _Lazy(ExplicitlyIndexedNDArrayMixin):
    """What both kinds of selection have in common."""

    __slots__ = ()
    level: Level

    @property
    def dtype(self) -> np.dtype[Any]:
        """The world's dtype."""
        return self.level.dtype

    async def async_get_duck_array(self) -> NDArray[Any]:
        """Return the values, drawn in another thread."""
        return await asyncio.to_thread(self.get_duck_array)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise WindowError(
            "values cannot be assigned into a lazy array of a world, which holds none; load it first: "
            "da = da.load()"
        )

    def _oindex_set(self, indexer: OuterIndexer, value: Any) -> None:
        self[indexer] = value

    def _vindex_set(self, indexer: VectorizedIndexer, value: Any) -> None:
        self[indexer] = value

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


@dataclass(frozen=True, slots=True, eq=False)
class LazyBox(_Lazy):
    """Selected bands x rows x columns of a level: a frozen value that holds no pixel.

    Selecting from it composes integers, in time that does not depend on its size.
    """

    level: Level
    axes: tuple[Axis, Axis, Axis]
    """Selected bands, rows, columns; columns may run past a periodic grid's last one."""
    order: tuple[int, ...] = (0, 1, 2)
    """Which of ``axes`` the dimensions are."""
    budget: ReadBudget = DEFAULT_BUDGET
    """What reading it may cost."""

    @classmethod
    def of(cls, level: Level, window: Window, budget: ReadBudget = DEFAULT_BUDGET) -> LazyBox:
        """Return all bands of a window."""
        axes = range(level.bands), range(window.y0, window.y1), range(window.x0, window.x1)
        return cls(level, axes, budget=budget)

    @property
    def shape(self) -> tuple[int, ...]:
        """Size of every dimension."""
        return tuple(len(self._run(a)) for a in self.order)

    def _run(self, axis: int) -> range | Positions:
        run = self.axes[axis]
        return range(run, run + 1) if isinstance(run, int) else run

    def get_duck_array(self) -> NDArray[Any]:
        """Draw the pixels."""
        values = read_box(self.level, self.axes, self.budget)
        kept = tuple(a for a in range(3) if not isinstance(self.axes[a], int))
        values = values[tuple(slice(None) if a in kept else 0 for a in range(3))]
        return values.transpose([kept.index(a) for a in self.order])

    def select(self, key: tuple[Key, ...]) -> LazyBox:
        """Return the selection of every dimension by an integer, a slice or an array, independently."""
        axes = list(self.axes)
        period = self.level.period
        for axis, k in zip(self.order, key, strict=False):
            axes[axis] = compose(self._run(axis), k, period if axis == 2 else None)
        order = tuple(a for a in self.order if not isinstance(axes[a], int))
        return replace(self, axes=(axes[0], axes[1], axes[2]), order=order)

    def __getitem__(self, indexer: ExplicitIndexer) -> LazyBox:
        return self.select(indexer.tuple)

    def _oindex_get(self, indexer: OuterIndexer) -> LazyBox:
        return self.select(indexer.tuple)

    def _vindex_get(self, indexer: VectorizedIndexer) -> LazyPoints:
        return self.select_points(indexer.tuple)

    def select_points(self, key: tuple[slice | NDArray[Any], ...]) -> LazyPoints:
        """Return single pixels: arrays of one shape pick points, slices stay dimensions behind them."""
        runs = [self._run(axis) for axis in self.order]
        lengths = [len(run[k]) for run, k in zip(runs, key, strict=True) if isinstance(k, slice)]
        front = np.broadcast_shapes(*(k.shape for k in key if not isinstance(k, slice)))
        drawn = math.prod((*front, *lengths)) // self.level.bands
        self.budget.refuse_excess(self.level, hull(self._run(1), self._run(2)), drawn)
        positions = [np.asarray(axis if isinstance(axis, int) else 0) for axis in self.axes]
        behind = len(lengths)
        for axis, run, k in zip(self.order, runs, key, strict=True):
            if isinstance(k, slice):
                behind -= 1
                positions[axis] = np.asarray(run[k], dtype=np.int64).reshape((-1,) + (1,) * behind)
            else:
                index = np.broadcast_to(points(run, k), front)
                positions[axis] = index.reshape(front + (1,) * len(lengths))
        return LazyPoints(self.level, positions[0], positions[1], positions[2], self.budget)

    def check(self, pixels: int) -> None:
        """Warn of, or refuse, drawing so many pixels of the selection; see `ReadBudget.check`."""
        self.budget.check(self.level, hull(self._run(1), self._run(2)), pixels)

    def transpose(self, order: tuple[int, ...]) -> LazyBox:
        """Return the same pixels with their dimensions in another order."""
        return replace(self, order=tuple(self.order[i] for i in order))

    def __dask_tokenize__(self) -> Any:
        axes = [(a.start, a.stop, a.step) if isinstance(a, range) else a for a in self.axes]
        return _name(self.level, axes, self.order)


@dataclass(frozen=True, slots=True, eq=False)
class LazyPoints(_Lazy):
    """Single pixels of a level; the three arrays broadcast to the selection's shape."""

    level: Level
    bands: Positions
    rows: Positions
    columns: Positions
    budget: ReadBudget = DEFAULT_BUDGET

    @property
    def shape(self) -> tuple[int, ...]:
        """Size of every dimension."""
        return np.broadcast_shapes(self.bands.shape, self.rows.shape, self.columns.shape)

    def get_duck_array(self) -> NDArray[Any]:
        """Draw the pixels."""
        bands, rows, columns = np.broadcast_arrays(self.bands, self.rows, self.columns)
        return read_points(self.level, (bands, rows, columns), self.budget)

    def _each(self, indexer: ExplicitIndexer) -> LazyPoints:
        plain: Any = NumpyIndexingAdapter
        arrays = (np.broadcast_to(a, self.shape) for a in (self.bands, self.rows, self.columns))
        bands, rows, columns = (np.asarray(apply_indexer(plain(a), indexer)) for a in arrays)
        return LazyPoints(self.level, bands, rows, columns, self.budget)

    def __getitem__(self, indexer: ExplicitIndexer) -> LazyPoints:
        return self._each(indexer)

    def _oindex_get(self, indexer: OuterIndexer) -> LazyPoints:
        return self._each(indexer)

    def _vindex_get(self, indexer: VectorizedIndexer) -> LazyPoints:
        return self._each(indexer)

    def transpose(self, order: tuple[int, ...]) -> LazyPoints:
        """Return the same points with their dimensions in another order."""
        arrays = (np.broadcast_to(a, self.shape) for a in (self.bands, self.rows, self.columns))
        bands, rows, columns = (a.transpose(order) for a in arrays)
        return LazyPoints(self.level, bands, rows, columns, self.budget)

    def __dask_tokenize__(self) -> Any:
        return _name(self.level, self.bands, self.rows, self.columns)


def _name(level: Level, *parts: Any) -> Any:
    # Normalised here: Dask would print what is returned, and arrays are printed with their middle left out.
    return normalize_token(("geoinfinite", level.token, level.number, parts))
