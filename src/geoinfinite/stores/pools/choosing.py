"""Finds out where the tasks of a job run, from Dask's own settings."""

from __future__ import annotations

from concurrent.futures import Executor
from threading import Event
from typing import Any

import dask
import dask.base
import dask.local
import dask.multiprocessing
import dask.threaded
from dask.system import CPU_COUNT

from geoinfinite.errors import StoreError
from geoinfinite.stores.pools.cluster import ClusterPool
from geoinfinite.stores.pools.pool import ExecutorPool, InlinePool, Pool, process_pool, thread_pool
from geoinfinite.stores.pools.settings import RunSettings

THREADS = 4
"""Tasks done at once in threads, unless Dask is told otherwise: a network serves one of them at a time."""


def find_client(settings: RunSettings) -> Any:
    """Return the distributed client that tasks are sent to, if any, without importing distributed."""
    if settings.client is not None:
        return settings.client
    owner = getattr(_scheduler(), "__self__", None)
    return owner if hasattr(owner, "submit") else None


def open_pool(settings: RunSettings, stop: Event) -> Pool:
    """Return what runs the calls of a job; tasks in threads look at ``stop`` and end when it is set.

    Raises `StoreError` for a Dask scheduler that cannot run single calls.
    """
    client = find_client(settings)
    if client is not None:
        return ClusterPool(client, settings)
    for key in ("scheduler", "pool"):
        given = dask.config.get(key, None)
        if isinstance(given, Executor):
            workers = getattr(given, "_max_workers", None) or _workers(CPU_COUNT)
            return ExecutorPool(given, workers, stop=stop.set, owned=False)
    scheduler = _scheduler()
    if scheduler is dask.local.get_sync:
        return InlinePool()
    if scheduler is dask.multiprocessing.get:
        return process_pool(_workers(CPU_COUNT), dask.config.get("multiprocessing.context", "spawn"))
    if scheduler in (None, dask.threaded.get):
        return thread_pool(_workers(min(THREADS, CPU_COUNT)), stop)
    raise StoreError(
        f"dask.config scheduler={dask.config.get('scheduler', None)!r} cannot run single tasks; "
        'set "threads", "processes", "synchronous", an executor of concurrent.futures, or pass client='
    )


def _workers(default: int) -> int:
    return int(dask.config.get("num_workers", None) or default)


def _scheduler() -> Any:
    """Return the function that Dask is set to compute graphs with; ``None`` if it is set to nothing."""
    return dask.base.get_scheduler()  # type: ignore[no-untyped-call]
