"""Threads that evaluate one tile each, so that a tile's bits do not depend on how many cores there are."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import Barrier

import torch
from torch import Tensor


@cache
def workers() -> ThreadPoolExecutor:
    """Return threads that each evaluate one tile at a time, each without torch's own threads.

    How torch splits a sum between its threads changes the last bits; a tile that is evaluated alone, in
    one thread, has the same bits on a laptop and on a worker that was given one core.
    """
    threads = torch.get_num_threads()
    started = Barrier(threads)
    pool = ThreadPoolExecutor(threads, "tile", initializer=_set_threads, initargs=(1,))
    list(pool.map(lambda _: started.wait(), range(threads)))
    # What the workers set is also what torch gives to threads that begin later.
    _set_threads(threads)
    return pool


def _set_threads(count: int) -> None:
    torch.set_num_threads(count)
    # A thread takes over the number for good when it first asks for it.
    torch.get_num_threads()


os.register_at_fork(after_in_child=workers.cache_clear)


_KERNELS = "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS", "MKL_CBWR"
"""Environment variables by which the libraries under torch are told to use other instructions."""


def instruction_set() -> dict[str, str]:
    """Return what decides in which order torch adds on a CPU, by name; only what is set."""
    found = {name.lower(): os.environ[name] for name in _KERNELS if name in os.environ}
    return {"cpu_capability": torch.backends.cpu.get_cpu_capability(), **found}


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute without torch's other threads: for small operations, waking them takes longer than the work."""
    threads = torch.get_num_threads()
    _set_threads(1)
    try:
        yield
    finally:
        _set_threads(threads)


def tile_by_tile(call: Callable[[slice], Tensor], tiles: int, device: torch.device) -> Tensor:
    """Return ``call(slice)`` of all tiles: at once on a GPU, else every tile alone in a thread of its own."""
    if device.type != "cpu":
        return call(slice(None))
    return torch.cat(list(workers().map(call, [slice(i, i + 1) for i in range(tiles)])))
