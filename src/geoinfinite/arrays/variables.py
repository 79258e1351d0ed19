"""xarray variables that stay lazy: coordinates that are never chunked, pixels whose chunks are inline."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Self

import numpy as np
import xarray as xr
from dask.array import core
from dask.base import normalize_token
from xarray.backends import BackendArray

from geoinfinite.arrays.attributes import provenance
from geoinfinite.arrays.axis import GridAxis
from geoinfinite.arrays.blocks import WorldBlocks, preferred_side, uniform_chunks
from geoinfinite.arrays.hooks import (
    DaskManager,
    IndexingSupport,
    LazilyIndexedArray,
    explicit_indexing_adapter,
    held,
)
from geoinfinite.arrays.lazy import SEEDS, LazyBox
from geoinfinite.arrays.runs import Run


class AxisLabels(BackendArray):
    """Labels of selected positions, computed from these when they are read."""

    __slots__ = ("axis", "run")
    dtype = np.dtype(np.float64)

    def __init__(self, axis: GridAxis, run: Run) -> None:
        self.axis, self.run = axis, run

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of labels."""
        return (len(self.run),)

    def __getitem__(self, key: Any) -> Any:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> Any:
        (k,) = key
        if isinstance(self.run, range) and isinstance(k, np.ndarray):
            return self.axis.labels(self.run.start + self.run.step * k.astype(np.int64))
        return self.axis.labels(self.run[k])

    async def async_getitem(self, key: Any) -> Any:
        """Return labels; there is nothing to wait for."""
        return self[key]

    def __dask_tokenize__(self) -> Any:
        run = self.run
        places = (run.start, run.stop, run.step) if isinstance(run, range) else run
        return normalize_token(("geoinfinite-labels", self.axis.origin, self.axis.step, places))


class LazyCoordinate(xr.Variable):
    """A coordinate that is computed from its index: chunking or loading it would only make it large."""

    __slots__ = ()

    def chunk(self, *args: Any, **kwargs: Any) -> Self:
        """Return the coordinate as it is."""
        return self.copy(deep=False)

    def load(self, **kwargs: Any) -> Self:
        """Return the coordinate as it is; ``.values`` computes it."""
        return self

    async def load_async(self, **kwargs: Any) -> Self:
        """Return the coordinate as it is."""
        return self

    def __dask_tokenize__(self) -> Any:
        return _named_by_what_it_holds(self)

    def equals(self, other: Any, *args: Any, **kwargs: Any) -> Any:
        """Say whether dimensions and labels are those of another variable; sizes are compared first.

        ``None`` where the comparison that was passed cannot tell.
        """
        plain: Any = super()
        return getattr(other, "shape", None) == self.shape and plain.equals(other, *args, **kwargs)

    def coarsen(self, windows: Any, func: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the labels of blocks of pixels: those of a coarser level if the blocks are its pixels.

        The mean of labels differs from them in the last bits, and would not align.
        """
        mean: Any = super()
        plain = mean.coarsen(windows, func, *args, **kwargs)
        exact = _labels_of_blocks(held(self), windows.get(self.dims[0], 1))
        if exact is None or plain.dims != self.dims or len(exact) < plain.size:
            return plain
        exact = exact[: plain.size]
        alike = np.allclose(
            exact, plain.values, rtol=0, atol=1e-3 * float(np.abs(np.diff(exact)).max(initial=1e-9))
        )
        return xr.Variable(plain.dims, exact, plain.attrs) if alike else plain


def _labels_of_blocks(data: Any, side: int) -> Any:
    """Return the labels of the level whose pixels are blocks of lazy labels; ``None`` for other blocks."""
    labels = data.array if isinstance(data, LazilyIndexedArray) and data.shape == data.array.shape else None
    if not isinstance(labels, AxisLabels) or not isinstance(labels.run, range):
        return None
    run, coarser = labels.run, labels.axis.coarser(side)
    if coarser is None or run.step != 1 or run.start % side:
        return None
    return coarser.labels(range(run.start // side, -(-run.stop // side)))


def _named_by_what_it_holds(variable: xr.Variable) -> Any:
    """Return the Dask token of a variable from the selection in it; xarray's own reads every value."""
    data = held(variable)
    if isinstance(data, LazilyIndexedArray) and isinstance(data.array, AxisLabels):
        data = data.array, data.key.tuple
    return normalize_token((type(variable).__name__, variable.dims, data, dict(variable.attrs)))


def label_variable(dim: Hashable, axis: GridAxis, run: Run, attrs: Mapping[Any, Any]) -> LazyCoordinate:
    """Return the lazy coordinate of selected positions."""
    return LazyCoordinate((dim,), LazilyIndexedArray(AxisLabels(axis, run)), attrs)


class WorldVariable(xr.Variable):
    """Pixels of a world; its Dask arrays are `WorldBlocks`."""

    __slots__ = ()

    def __dask_tokenize__(self) -> Any:
        return _named_by_what_it_holds(self)

    def __getitem__(self, key: Any) -> Self:
        part = super().__getitem__(key)
        whole, box = box_of(self), box_of(part)
        if whole is not None and box is not None and whole.has_seeds and not box.has_seeds:
            part.attrs = part.attrs | provenance(box.level.recipe)
        return part

    def chunk(  # type: ignore[override]
        self,
        chunks: Any = {},  # noqa: B006
        name: str | None = None,
        lock: bool | None = None,
        inline_array: bool | None = None,
        chunked_array_type: Any = None,
        from_array_kwargs: Any = None,
        **chunks_kwargs: Any,
    ) -> Self:
        """Return the pixels as a Dask array, one task per chunk.

        Rows and columns for which no size is given are cut every preferred side of the level, a multiple
        of the stride; Zarr takes such chunks. ``name``, ``lock`` and ``inline_array`` follow from the pixels.
        """
        box = box_of(self)
        if box is None or not (
            chunked_array_type in (None, "dask") or isinstance(chunked_array_type, DaskManager)
        ):
            return super().chunk(
                chunks,
                chunked_array_type=chunked_array_type,
                from_array_kwargs=from_array_kwargs,
                **chunks_kwargs,
            )
        given = {**chunks, **chunks_kwargs} if isinstance(chunks, Mapping) else chunks
        if isinstance(given, Mapping):
            given = {self.get_axis_num(dim): size for dim, size in given.items()}
            default = self.chunks or _default_chunks(box)
            given = tuple(default[i] if given.get(i) is None else given[i] for i in range(self.ndim))
        normal = core.normalize_chunks(  # type: ignore[no-untyped-call]
            given, self.shape, dtype=self.dtype, previous_chunks=_default_chunks(box)
        )
        return self._replace(data=WorldBlocks(box, normal))


def box_of(variable: xr.Variable) -> LazyBox | None:
    """Return the selection of a world that a variable is, if it is one and nothing else."""
    data = held(variable)
    if isinstance(data, WorldBlocks):
        return data.box
    return data if isinstance(data, LazyBox) else None


def _default_chunks(box: LazyBox) -> tuple[tuple[int, ...], ...]:
    side = preferred_side(box.level.sampler.stride)
    sides = {0: max(1, box.level.bands), 1: side, 2: side, SEEDS: 1}
    return tuple(uniform_chunks(n, sides[axis]) for axis, n in zip(box.order, box.shape, strict=True))
