"""Where calls run: in this thread, in threads, in processes, or on a cluster, behind one small port."""

from __future__ import annotations

import os
import pickle
import queue
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from typing import Any, Protocol

from geoinfinite.errors import StoreError

PATIENCE_S = 10.0
"""Seconds that a pool which is stopped waits for calls that are under way."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments, and the name under which a dashboard shows it."""

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Raised:
    """What a call returned that raised an error."""

    error: BaseException


class Pool(Protocol):
    """Runs calls; each is known by the ticket that it was submitted with."""

    @property
    def workers(self) -> int:
        """Calls that run at once."""

    @property
    def depth(self) -> int:
        """Calls worth submitting before one of them has ended."""

    def submit(self, ticket: int, call: Call) -> None:
        """Run a call, now or when there is a worker for it."""

    def ended(self, timeout_s: float) -> list[tuple[int, Any]]:
        """Return the calls that ended since the last time with their results, waiting for the first one.

        The result of a call that raised an error is `Raised`. The list is empty if none ended in time.
        """

    def forget(self, ticket: int) -> None:
        """Wait no longer for a call."""

    def whereabouts(self) -> Mapping[int, str]:
        """Return the worker that each unfinished call was given to, where that is known."""

    def close(self) -> None:
        """Cancel what has not begun, and stop."""


class InlinePool:
    """Runs each call in this thread when it is submitted."""

    workers = depth = 1

    def __init__(self) -> None:
        self._ended: list[tuple[int, Any]] = []

    def submit(self, ticket: int, call: Call) -> None:
        """Run a call."""
        try:
            self._ended.append((ticket, call.function(*call.arguments)))
        except Exception as error:
            self._ended.append((ticket, Raised(error)))

    def ended(self, timeout_s: float) -> list[tuple[int, Any]]:
        """Return what was submitted."""
        done, self._ended = self._ended, []
        return done

    def forget(self, ticket: int) -> None:
        """Do nothing: no call is unfinished."""

    def whereabouts(self) -> Mapping[int, str]:
        """Return nothing: no call is unfinished."""
        return {}

    def close(self) -> None:
        """Do nothing."""


class ExecutorPool:
    """Runs calls on an executor of `concurrent.futures`."""

    def __init__(
        self, executor: Executor, workers: int, *, stop: Callable[[], None], owned: bool = True
    ) -> None:
        """``stop`` asks calls under way to end; an executor that is ``owned`` is shut down."""
        self.workers, self.depth = workers, 2 * workers
        self._executor, self._stop, self._owned = executor, stop, owned
        self._futures: dict[int, Future[Any]] = {}
        self._ended: queue.SimpleQueue[int] = queue.SimpleQueue()

    def submit(self, ticket: int, call: Call) -> None:
        """Hand a call over."""
        try:
            if isinstance(self._executor, ProcessPoolExecutor):
                # A process that cannot unpickle its call would die and take the pool with it.
                future = self._executor.submit(_run_pickled, pickle.dumps((call.function, call.arguments)))
            else:
                future = self._executor.submit(call.function, *call.arguments)
        except BrokenExecutor as error:
            future = Future()
            future.set_exception(error)
        self._futures[ticket] = future
        future.add_done_callback(lambda _: self._ended.put(ticket))

    def ended(self, timeout_s: float) -> list[tuple[int, Any]]:
        """Return what has ended."""
        return [
            (t, _result(self._futures.pop(t))) for t in drained(self._ended, timeout_s) if t in self._futures
        ]

    def forget(self, ticket: int) -> None:
        """Wait no longer for a call, which may go on."""
        self._futures.pop(ticket).cancel()

    def whereabouts(self) -> Mapping[int, str]:
        """Return the calls that are under way."""
        return {t: "this machine" for t, future in self._futures.items() if future.running()}

    def close(self) -> None:
        """Cancel what waits, and give what is under way a few seconds to stop."""
        futures = list(self._futures.values())
        for future in futures:
            future.cancel()
        if futures:
            self._stop()
            wait(futures, PATIENCE_S)
        if self._owned:
            self._executor.shutdown(wait=not any(f.running() for f in futures), cancel_futures=True)


def _run_pickled(call: bytes) -> Any:
    function, arguments = pickle.loads(call)
    return function(*arguments)


def _result(future: Future[Any]) -> Any:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, BrokenExecutor):
        return Raised(StoreError("a worker process died, perhaps because the machine has too little memory"))
    if not isinstance(error, Exception):
        raise error
    return Raised(error)


def drained(ended: queue.SimpleQueue[Any], timeout_s: float) -> list[Any]:
    """Return all that is in a queue, having waited for the first thing."""
    try:
        found = [ended.get(timeout=timeout_s)]
    except queue.Empty:
        return []
    while not ended.empty():
        found.append(ended.get())
    return found


def thread_pool(workers: int, stop: threading.Event) -> ExecutorPool:
    """Return a pool of threads."""
    executor = ThreadPoolExecutor(workers, thread_name_prefix="geoinfinite")
    return ExecutorPool(executor, workers, stop=stop.set)


def process_pool(workers: int, method: str) -> ExecutorPool:
    """Return a pool of processes, which end when this process does."""
    context = get_context(method)
    leave = context.Event()
    executor = ProcessPoolExecutor(workers, context, initializer=_watch_parent, initargs=(leave,))
    return ExecutorPool(executor, workers, stop=leave.set)


def _watch_parent(leave: Any) -> None:
    """End this worker process when it is told to, or when the process that started it is gone."""

    def watch() -> None:
        parent = parent_process()
        while not leave.wait(0.5):
            if parent is not None and not parent.is_alive():
                break
        # Nothing is lost: shards are written whole, and what is under way is drawn again.
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
