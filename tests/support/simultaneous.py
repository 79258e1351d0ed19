"""Real processes that begin the same thing at the same moment."""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import dask

from geoinfinite.errors import StoreError

TOLD = "told: "
_PRELOAD = ["small_worlds", "store_jobs", "geoinfinite.stores.accessor", "simultaneous"]


def run_at_once(jobs: Sequence[tuple[Callable[..., Any], tuple[Any, ...]]]) -> list[str]:
    """Run every job in a process of its own, all let go at once; return what became of each.

    That is ``"done"``, ``"told: "`` with the text of a `StoreError`, or a traceback.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOAD)
    barrier, said = context.Barrier(len(jobs)), context.SimpleQueue()
    processes = [
        context.Process(target=_work, args=(barrier, said, number, function, arguments))
        for number, (function, arguments) in enumerate(jobs)
    ]
    for process in processes:
        process.start()
    outcomes = dict(said.get() for _ in processes)
    for process in processes:
        process.join()
    return [outcomes[number] for number in range(len(jobs))]


def _work(barrier: Any, said: Any, number: int, function: Callable[..., Any], arguments: Any) -> None:
    dask.config.set(scheduler="synchronous")
    barrier.wait()
    try:
        function(*arguments)
    except StoreError as error:
        said.put((number, f"{TOLD}{error}"))
    except BaseException:
        said.put((number, traceback.format_exc()))
    else:
        said.put((number, "done"))
