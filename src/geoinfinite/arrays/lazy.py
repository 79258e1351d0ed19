"""Lazy selections of a level as xarray sees them: values only when they are asked for."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
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
from geoinfinite.arrays.reading import hull, read_boxes, read_seeds
from geoinfinite.arrays.selection import Axis, Key, Positions, compose, points
from geoinfinite.engine import Level
from geoinfinite.errors import WindowError
from geoinfinite.plane.window import Window

SEEDS = 3
"""The axis of seeds, beside 0, 1, 2 for bands, rows, columns."""
AXES = SEEDS, 0, 1, 2
"""In the order in which pixels are read."""


class _Lazy(ExplicitlyIndexedNDArrayMixin):
    """What both kinds of selection have in common."""

    __slots__ = ()
    levels: tuple[Level, ...]

    @property
    def level(self) -> Level:
        """The level, or that of the first seed."""
        return self.levels[0]

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
    """Selected bands x rows x columns of a level, or of one per seed: a frozen value that holds no pixel.

    Selecting from it composes integers, in time that does not depend on its size.
    """

    levels: tuple[Level, ...]
    """They differ in their seed; one where there is no dimension of seeds."""
    axes: tuple[Axis, Axis, Axis]
    """Selected bands, rows, columns; columns may run past a periodic grid's last one."""
    order: tuple[int, ...] = (0, 1, 2)
    """Which of ``axes`` the dimensions are; `SEEDS` is that of the levels."""
    budget: ReadBudget = DEFAULT_BUDGET
    """What reading it may cost."""
    seeds: int | range = 0
    """All levels, none of them, or the only one, without a dimension."""

    @classmethod
    def of(cls, level: Level, window: Window, budget: ReadBudget = DEFAULT_BUDGET) -> LazyBox:
        """Return all bands of a window."""
        axes = range(level.bands), range(window.y0, window.y1), range(window.x0, window.x1)
        return cls((level,), axes, budget=budget)

    def of_seeds(self, levels: tuple[Level, ...]) -> LazyBox:
        """Return the same pixels of levels that differ in their seed, ``(seed, ...)``."""
        return replace(self, levels=levels, order=(SEEDS, *self.order), seeds=range(len(levels)))

    @property
    def has_seeds(self) -> bool:
        """Whether seeds are a dimension."""
        return SEEDS in self.order

    @property
    def shape(self) -> tuple[int, ...]:
        """Size of every dimension."""
        return tuple(len(self._run(a)) for a in self.order)

    def _run(self, axis: int) -> range | Positions:
        run = self.seeds if axis == SEEDS else self.axes[axis]
        return range(run, run + 1) if isinstance(run, int) else run

    def get_duck_array(self) -> NDArray[Any]:
        """Draw the pixels."""
        if 0 in self.shape:
            return np.empty(self.shape, self.dtype)
        values = read_boxes(self.levels, self.axes, self.budget)
        kept = tuple(a for a in AXES if a in self.order)
        values = values[tuple(slice(None) if a in kept else 0 for a in AXES)]
        return values.transpose([kept.index(a) for a in self.order])

    def select(self, key: tuple[Key, ...]) -> LazyBox:
        """Return the selection of every dimension by an integer, a slice or an array, independently."""
        axes: list[Axis] = [*self.axes, self.seeds]
        period = self.level.period
        for axis, k in zip(self.order, key, strict=False):
            axes[axis] = compose(self._run(axis), k, period if axis == 2 else None)
        order = tuple(a for a in self.order if not isinstance(axes[a], int))
        levels, seeds = self._some_seeds(axes[SEEDS]) if self.has_seeds else (self.levels, self.seeds)
        return replace(self, levels=levels, axes=(axes[0], axes[1], axes[2]), order=order, seeds=seeds)

    def _some_seeds(self, seeds: Axis) -> tuple[tuple[Level, ...], int | range]:
        """Return the levels of some seeds; where there are none, all, of which none is read."""
        if isinstance(seeds, int):
            return (self.levels[seeds],), 0
        return tuple(self.levels[i] for i in seeds) or self.levels, range(len(seeds))

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
        drawn = math.prod((*front, *lengths)) // self.level.bands // len(self.levels)
        self.budget.refuse_excess(self.level, hull(self._run(1), self._run(2)), drawn, seeds=len(self.levels))
        positions = [np.asarray(axis if isinstance(axis, int) else 0) for axis in (*self.axes, self.seeds)]
        behind = len(lengths)
        for axis, run, k in zip(self.order, runs, key, strict=True):
            if isinstance(k, slice):
                behind -= 1
                positions[axis] = np.asarray(run[k], dtype=np.int64).reshape((-1,) + (1,) * behind)
            else:
                index = np.broadcast_to(points(run, k), front)
                positions[axis] = index.reshape(front + (1,) * len(lengths))
        bands, rows, columns, seeds = positions
        return LazyPoints(self.levels, bands, rows, columns, self.budget, seeds)

    def check(self, pixels: int) -> None:
        """Warn of, or refuse, drawing so many pixels of the selection; see `ReadBudget.check`."""
        seeds = len(self.levels)
        self.budget.check(self.level, hull(self._run(1), self._run(2)), -(-pixels // seeds), seeds=seeds)

    def transpose(self, order: tuple[int, ...]) -> LazyBox:
        """Return the same pixels with their dimensions in another order."""
        return replace(self, order=tuple(self.order[i] for i in order))

    def __dask_tokenize__(self) -> Any:
        axes = [(a.start, a.stop, a.step) if isinstance(a, range) else a for a in self.axes]
        return _name(self.levels, axes, self.order)


@dataclass(frozen=True, slots=True, eq=False)
class LazyPoints(_Lazy):
    """Single pixels of a level, or of one per seed; the four arrays broadcast to the selection's shape."""

    levels: tuple[Level, ...]
    bands: Positions
    rows: Positions
    columns: Positions
    budget: ReadBudget
    seeds: Positions
    """Which of the levels."""

    @property
    def _arrays(self) -> tuple[Positions, Positions, Positions, Positions]:
        return self.bands, self.rows, self.columns, self.seeds

    @property
    def shape(self) -> tuple[int, ...]:
        """Size of every dimension."""
        return np.broadcast_shapes(*(array.shape for array in self._arrays))

    def get_duck_array(self) -> NDArray[Any]:
        """Draw the pixels."""
        bands, rows, columns, seeds = np.broadcast_arrays(*self._arrays)
        return read_seeds(self.levels, seeds, (bands, rows, columns), self.budget)

    def _changed(self, change: Callable[[Positions], Positions]) -> LazyPoints:
        arrays = (np.broadcast_to(array, self.shape) for array in self._arrays)
        bands, rows, columns, seeds = map(change, arrays)
        return LazyPoints(self.levels, bands, rows, columns, self.budget, seeds)

    def _each(self, indexer: ExplicitIndexer) -> LazyPoints:
        plain: Any = NumpyIndexingAdapter
        return self._changed(lambda array: np.asarray(apply_indexer(plain(array), indexer)))

    def __getitem__(self, indexer: ExplicitIndexer) -> LazyPoints:
        return self._each(indexer)

    def _oindex_get(self, indexer: OuterIndexer) -> LazyPoints:
        return self._each(indexer)

    def _vindex_get(self, indexer: VectorizedIndexer) -> LazyPoints:
        return self._each(indexer)

    def transpose(self, order: tuple[int, ...]) -> LazyPoints:
        """Return the same points with their dimensions in another order."""
        return self._changed(lambda array: array.transpose(order))

    def __dask_tokenize__(self) -> Any:
        return _name(self.levels, *self._arrays)


def _name(levels: tuple[Level, ...], *parts: Any) -> Any:
    # Normalised here: Dask would print what is returned, and arrays are printed with their middle left out.
    names = [(level.token, level.number) for level in levels]
    return normalize_token(("geoinfinite", names, parts))
