"""Pixels of a store or a file as xarray reads them, which say where they lie and what is damaged."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from rasterio.errors import RasterioIOError
from xarray.backends import BackendArray

from geoinfinite.arrays.hooks import LazilyIndexedArray, held
from geoinfinite.errors import GeoInfiniteError, StoreError


class StoredPixels(BackendArray):
    """Pixels ``(band, y, x)`` that xarray's own backend reads; what it cannot decode is a `StoreError`."""

    __slots__ = ("place", "plain")

    def __init__(self, plain: Any, place: str) -> None:
        self.plain, self.place = plain, place

    @property
    def shape(self) -> tuple[int, ...]:
        """Size of every dimension."""
        return tuple(self.plain.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The stored dtype."""
        stored: np.dtype[Any] = self.plain.dtype
        return stored

    def __getitem__(self, key: Any) -> Any:
        try:
            return self.plain[key]
        except Exception as error:  # Every codec has its own way to say that bytes are damaged.
            raise self._said(key, error) from error

    async def async_getitem(self, key: Any) -> Any:
        """Return pixels, read by xarray's own backend."""
        try:
            return await self.plain.async_getitem(key)
        except Exception as error:
            raise self._said(key, error) from error

    def _said(self, key: Any, error: Exception) -> Exception:
        """Return what to raise for an error of reading: itself, unless bytes are there and damaged."""
        if isinstance(error, GeoInfiniteError | MemoryError):
            return error
        if isinstance(error, RasterioIOError):
            return StoreError(
                f"{self.place} is truncated or damaged ({error}); copy it again, or write it again"
            )
        array = self.plain.get_array() if hasattr(self.plain, "get_array") else None
        if array is None or isinstance(error, OSError):
            return error
        damaged = next((name for name, part in _shards(array, key) if not _decodes(array, part)), None)
        if damaged is None:
            return error
        return StoreError(
            f"{self.place} holds a damaged shard, {damaged}: its bytes cannot be decoded; draw it again: "
            "geoinfinite resume STORE"
        )


def as_stored(variable: xr.Variable, place: str) -> xr.Variable:
    """Return a variable whose pixels were not read yet, with pixels that say where they lie."""
    plain = held(variable)
    if not isinstance(plain, LazilyIndexedArray):
        return variable
    pixels = LazilyIndexedArray(StoredPixels(plain.array, place))
    return xr.Variable(variable.dims, pixels, variable.attrs, variable.encoding)


def place_of(variable: xr.Variable) -> str | None:
    """Return the store or file that a variable's pixels lie in and were not read from yet."""
    data = held(variable)
    if isinstance(data, LazilyIndexedArray) and isinstance(data.array, StoredPixels):
        return data.array.place
    return None


def _shards(array: Any, key: Any) -> Iterator[tuple[str, tuple[slice, ...]]]:
    """Yield names and pixels of the shards that a selection reads."""
    sides = array.shards or array.chunks
    touched = [
        np.unique(np.arange(size)[k] // side)
        for k, size, side in zip(key.tuple, array.shape, sides, strict=True)
    ]
    for index in product(*touched):
        part = tuple(slice(i * side, (i + 1) * side) for i, side in zip(index, sides, strict=True))
        yield f"{array.path}/{array.metadata.encode_chunk_key(index)}", part


def _decodes(array: Any, part: tuple[slice, ...]) -> bool:
    try:
        array[part]
    except OSError:
        raise
    except Exception:
        return False
    return True
