"""Every name of xarray and Dask that this package uses and that they do not promise to keep.

pyproject.toml states the newest versions for which these hold. Where they are used besides being imported
here, the names are: ``Variable._data`` and ``Variable._replace`` (`variables`), ``Array._meta`` and
``Array._vindex`` of Dask (`blocks`).
"""

from __future__ import annotations

from typing import Any

import xarray as xr

# The keys that xarray hands to a lazy array, one class per kind of indexing. Every backend meets them.
from xarray.core.indexing import BasicIndexer as BasicIndexer
from xarray.core.indexing import CopyOnWriteArray, MemoryCachedArray
from xarray.core.indexing import ExplicitIndexer as ExplicitIndexer

# The base of lazy arrays that compose selections themselves: `BackendArray` is told of a selection only when
# its values are read, when points have become lists of every pixel and a window is no longer to be found.
from xarray.core.indexing import ExplicitlyIndexedNDArrayMixin as ExplicitlyIndexedNDArrayMixin

# What makes a lazy array look like NumPy's to Dask's ``from_array``.
from xarray.core.indexing import ImplicitToExplicitIndexingAdapter as ImplicitToExplicitIndexingAdapter

# What an index returns from ``sel``: the class is only here.
from xarray.core.indexing import IndexSelResult as IndexSelResult

# Named in xarray's guide to new backends, and yet in a private module.
from xarray.core.indexing import LazilyIndexedArray as LazilyIndexedArray

# Indexing of NumPy arrays by xarray's keys, for single pixels that are selected from again.
from xarray.core.indexing import NumpyIndexingAdapter as NumpyIndexingAdapter
from xarray.core.indexing import OuterIndexer as OuterIndexer
from xarray.core.indexing import VectorizedIndexer as VectorizedIndexer
from xarray.core.indexing import apply_indexer as apply_indexer
from xarray.core.indexing import explicit_indexing_adapter as explicit_indexing_adapter

# The manager of Dask arrays, which users may pass as ``chunked_array_type``.
from xarray.namedarray.daskmanager import DaskManager as DaskManager


def held(variable: xr.Variable) -> Any:
    """Return the array that a variable holds, lazy or not, without xarray's caching and copying wrappers."""
    data = variable._data
    while isinstance(data, CopyOnWriteArray | MemoryCachedArray):
        data = data.array
    return data
