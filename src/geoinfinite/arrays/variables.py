"""xarray variables that stay lazy: coordinates that are never chunked, pixels whose chunks are inline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import xarray as xr
from dask.array import core
from xarray.core.indexing import CopyOnWriteArray, MemoryCachedArray
from xarray.namedarray.daskmanager import DaskManager

from geoinfinite.arrays.blocks import WorldBlocks, aligned_chunks, preferred_side
from geoinfinite.arrays.lazy import LazyBox


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


class WorldVariable(xr.Variable):
    """Pixels of a world; its Dask arrays are `WorldBlocks`."""

    __slots__ = ()

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

        Rows and columns for which no size is given are cut at multiples of the preferred side
        of the level (a multiple of the stride), so that chunks of different windows share no tile
        more than they must. ``name``, ``lock`` and ``inline_array`` follow from the pixels.
        """
        box = box_of(self._data)
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


def box_of(data: Any) -> LazyBox | None:
    """Return the selection of a world that an array is, if it is one and nothing else."""
    data = unwrapped(data)
    if isinstance(data, WorldBlocks):
        return data.box
    return data if isinstance(data, LazyBox) else None


def unwrapped(data: Any) -> Any:
    """Return what xarray's caching and copying wrappers hold."""
    while isinstance(data, CopyOnWriteArray | MemoryCachedArray):
        data = data.array
    return data


def _default_chunks(box: LazyBox) -> tuple[tuple[int, ...], ...]:
    side = preferred_side(box.level.sampler.stride)
    chunks = []
    for axis in box.order:
        run = box.axes[axis]
        length = 1 if isinstance(run, int) else len(run)
        contiguous = isinstance(run, range) and run.step == 1
        start = run.start if isinstance(run, range) and contiguous else 0
        chunks.append((length,) if axis == 0 else aligned_chunks(start, length, side))
    return tuple(chunks)
