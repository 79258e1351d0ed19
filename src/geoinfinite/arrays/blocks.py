"""Dask arrays of lazy selections: slicing one selects from the level again, so that less is drawn."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import dask.array as da
import numpy as np
from dask.base import tokenize
from numpy.typing import NDArray

from geoinfinite.arrays.hooks import ImplicitToExplicitIndexingAdapter, OuterIndexer
from geoinfinite.arrays.lazy import LazyBox, LazyPoints
from geoinfinite.errors import BudgetError

_LOOKS = {"ndim", "result_type", "shape", "size"}
"""NumPy functions that ask an array what it is, not for its values."""

Chunks = tuple[tuple[int, ...], ...]
_dask: Any = da
"""Dask's own functions and classes have no types."""

LARGEST_GRAPH = 2**20
"""Dask chunks that one array may ask a scheduler for: their tasks take about a gigabyte."""
FEWEST_PX = 2048
"""Chunks are at least this wide, so that 4096 px meet at most three of them on each axis."""


def preferred_side(stride: int) -> int:
    """Return the side of chunks: the least multiple of the stride from `FEWEST_PX` on.

    A chunk of n x n strides draws (n + 1)^2 tiles: with 2160 px and a stride of 120 px that is
    12 % more than needed, and a task takes seconds, not milliseconds.

    >>> preferred_side(120), preferred_side(48)
    (2160, 2064)
    """
    return -(-FEWEST_PX // stride) * stride


def uniform_chunks(length: int, side: int) -> tuple[int, ...]:
    """Return chunk lengths of one size but for the last one, as Zarr takes them.

    >>> uniform_chunks(length=250, side=100)
    (100, 100, 50)
    """
    whole, rest = divmod(length, side)
    return ((side,) * whole + ((rest,) if rest else ())) or (0,)


class WorldBlocks(_dask.Array):  # type: ignore[misc]
    """A Dask array of one task per chunk, whose selections and rechunkings are new ones of the same kind.

    Nothing grows with the number of chunks until the array itself is computed, so the whole Earth
    can be chunked first and cut later. Whatever Dask derives from it by arithmetic is a plain array.
    """

    box: LazyBox | None
    """The pixels; ``None`` after an assignment into the array."""

    def __new__(cls, box: LazyBox, chunks: Chunks) -> WorldBlocks:
        """Return the array of a selection in chunks of given lengths."""
        plain = _lazy_blocks(box, chunks)
        self: WorldBlocks = super().__new__(
            cls, plain.dask, plain.name, plain.chunks, dtype=plain.dtype, meta=plain._meta
        )
        self.box = box
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if self.box is None:
            plain: tuple[Any, ...] = super().__reduce__()
            return plain
        return _unpickle, (self.box, tuple(_run_lengths(c) for c in self.chunks))

    def _refuse_if_too_many(self) -> None:
        """Refuse what would write down a task for every chunk; name the cost if that is beyond the budget."""
        if self.box is None or self.npartitions <= LARGEST_GRAPH:
            return
        self.box.check(max(1, self.size // self.box.level.bands))
        raise BudgetError(
            f"an array of {self.npartitions:,} chunks makes a graph that no scheduler takes; select a "
            "part first with .sel, or write a store piece by piece: da.geoinfinite.to_zarr(PATH)"
        )

    def __dask_keys__(self) -> Any:
        self._refuse_if_too_many()
        return super().__dask_keys__()

    def __dask_layers__(self) -> Any:
        # Whatever is derived from an array asks for its layers, and would hold as many tasks.
        self._refuse_if_too_many()
        return super().__dask_layers__()

    def __dask_postcompute__(self) -> Any:
        if self.box is not None:
            self.box.check(self.size // self.box.level.bands)
        return super().__dask_postcompute__()

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        # Dask writes down every task of a reduction when it is asked for, not when it is computed.
        if func.__name__ not in _LOOKS:
            self._refuse_if_too_many()
        return super().__array_function__(func, types, args, kwargs)

    def __getitem__(self, key: Any) -> Any:
        keys = key if isinstance(key, tuple) else (key,)
        keys = (*keys, *(slice(None),) * (self.ndim - len(keys)))
        arrays = sum(isinstance(k, np.ndarray) for k in keys)
        plain = len(keys) == self.ndim and all(
            isinstance(k, int | np.integer | slice) or _is_index(k) for k in keys
        )
        if self.box is None or arrays > 1 or not plain:
            return super().__getitem__(key)
        chunks = tuple(
            _cut(c, k) for c, k in zip(self.chunks, keys, strict=True) if not isinstance(k, int | np.integer)
        )
        return WorldBlocks(self.box.select(keys), chunks)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        self.box = None

    def _vindex(self, key: Any) -> Any:
        if self.box is None or not all(isinstance(k, slice | np.ndarray) for k in key):
            return super()._vindex(key)
        points = self.box.select_points(tuple(key))
        return _lazy_blocks(points, tuple((n,) for n in points.shape))

    def rechunk(self, chunks: Any = "auto", *args: Any, **kwargs: Any) -> Any:
        """Return the same pixels in other chunks; nothing is drawn twice for it."""
        if self.box is None or args or kwargs:
            return super().rechunk(chunks, *args, **kwargs)
        if isinstance(chunks, dict):
            chunks = tuple(chunks.get(i, chunks.get(i - self.ndim, c)) for i, c in enumerate(self.chunks))
        chunks = _dask.core.normalize_chunks(
            chunks, self.shape, dtype=self.dtype, previous_chunks=self.chunks
        )
        return WorldBlocks(self.box, chunks)

    def transpose(self, *axes: Any) -> Any:
        """Return the same pixels with their dimensions in another order."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int | None) else axes
        order = order or range(self.ndim)[::-1]
        if self.box is None or sorted(order) != list(range(self.ndim)):
            return super().transpose(*axes)
        return WorldBlocks(self.box.transpose(tuple(order)), tuple(self.chunks[i] for i in order))

    def copy(self) -> Any:
        """Return the array itself anew."""
        return super().copy() if self.box is None else WorldBlocks(self.box, self.chunks)


def _lazy_blocks(pixels: LazyBox | LazyPoints, chunks: Chunks) -> Any:
    """Return a Dask array whose tasks hold the selection itself: no shared task, no key per chunk."""
    name = f"geoinfinite-{pixels.level.number}-{tokenize(pixels, [_run_lengths(c) for c in chunks])}"
    source = ImplicitToExplicitIndexingAdapter(pixels, OuterIndexer)
    meta = np.empty((0,) * len(chunks), pixels.dtype)
    return _dask.from_array(source, chunks, name=name, inline_array=True, meta=meta)


def _unpickle(box: LazyBox, chunks: tuple[Any, ...]) -> WorldBlocks:
    return WorldBlocks(box, tuple(tuple(n for n, times in c for _ in range(times)) for c in chunks))


def _run_lengths(chunks: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Return ``(length, how often)``: a million equal chunks pickle like one."""
    values = np.asarray(chunks, dtype=np.int64)
    edges = np.flatnonzero(np.diff(values, prepend=-1, append=-1))
    return tuple((int(values[i]), int(j - i)) for i, j in pairwise(edges))


def _is_index(key: Any) -> bool:
    return isinstance(key, np.ndarray) and key.ndim == 1 and key.dtype.kind in "iu"


def _cut(chunks: tuple[int, ...], key: slice | NDArray[Any]) -> tuple[int, ...]:
    """Return the chunks of a selection of an axis: the old ones' parts, or new ones of their size."""
    length, side = sum(chunks), max(chunks)
    if isinstance(key, np.ndarray):
        return uniform_chunks(len(key), max(1, side))
    run = range(length)[key]
    forward = run if run.step > 0 else run[::-1]
    if len(run) == 0:
        return (0,)
    upto = np.clip(-(-(np.cumsum(chunks) - forward.start) // forward.step), 0, len(run))
    parts = tuple(int(n) for n in np.diff(upto, prepend=0) if n)
    return parts if run.step > 0 else parts[::-1]
