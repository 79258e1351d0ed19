"""Runs calls on the workers of a `distributed.Client`, without importing distributed."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
import uuid
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from geoinfinite.errors import BudgetError, RunWarning, StoreError
from geoinfinite.progress import bytes_text
from geoinfinite.stores.planning import Plan
from geoinfinite.stores.pools.pool import Call, Raised, drained
from geoinfinite.stores.pools.settings import RunSettings

ANSWER_S = 10.0
"""A scheduler that has not answered a question for so long is taken for one that does not answer."""
REFRESH_S = 5.0
"""Workers are counted anew after so many seconds: the question takes as long as a small task."""


class ClusterPool:
    """Runs calls on a cluster. Results are a few numbers: pixels never travel.

    The scheduler is told of no dependency between tasks: where a worker dies it would run again what was
    done long ago. Results are fetched by a thread of its own, many at once, so that a scheduler or worker
    that hangs does not hang the one who waits here.
    """

    def __init__(self, client: Any, settings: RunSettings) -> None:
        self._client, self._settings = client, settings
        self._threads, self._asked = threads_of(client), time.monotonic()
        self._run, self._address = uuid.uuid4().hex[:8], _address(client)
        self._futures: dict[int, Any] = {}
        self._done: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        threading.Thread(target=self._fetch, daemon=True, name="geoinfinite-results").start()

    @property
    def workers(self) -> int:
        """Threads of the workers a few seconds ago; at least one, which may be still to come."""
        return max(1, self._threads)

    @property
    def depth(self) -> int:
        """Twice as many calls as there are threads, so that none of them waits for this process."""
        return max(4, 2 * self.workers)

    def submit(self, ticket: int, call: Call) -> None:
        """Hand a call to the scheduler."""
        future = self._client.submit(
            call.function,
            *call.arguments,
            key=f"{call.name}-{self._run}",
            resources=dict(self._settings.resources) if self._settings.resources else None,
            retries=self._settings.retries,
            priority=self._settings.priority,
            pure=False,
        )
        self._futures[ticket] = future
        future.add_done_callback(lambda _: self._done.put(ticket))

    def ended(self, timeout_s: float) -> list[tuple[int, Any]]:
        """Return what has ended; raise `StoreError` if the scheduler is gone."""
        found = drained(self._ended, timeout_s)
        check_alive(self._client, self._address)
        known = [(ticket, value) for ticket, value in found if ticket in self._futures]
        for ticket, _ in known:
            del self._futures[ticket]
        return known

    def forget(self, ticket: int) -> None:
        """Cancel a call; a worker that has begun with it is not stopped."""
        self._cancel([self._futures.pop(ticket)])

    def whereabouts(self) -> Mapping[int, str]:
        """Return the worker that each call was given to; nothing if the scheduler does not answer."""
        ask = self._client.scheduler.processing
        try:
            given = self._client.sync(ask, workers=None, callback_timeout=ANSWER_S)
        except Exception:  # Whatever is wrong with the scheduler: its silence is what gets reported.
            return {}
        workers = {str(key): worker for worker, keys in given.items() for key in keys}
        return {t: workers[f.key] for t, f in list(self._futures.items()) if f.key in workers}

    def close(self) -> None:
        """Cancel what has not ended."""
        self._done.put(None)
        self._cancel([self._futures.pop(ticket) for ticket in list(self._futures)])

    def _cancel(self, futures: list[Any]) -> None:
        if not futures or self._client.status != "running":
            return
        # A scheduler that hangs must not hang the end of the job.
        thread = threading.Thread(target=self._client.cancel, args=(futures,), daemon=True)
        thread.start()
        thread.join(ANSWER_S)

    def _fetch(self) -> None:
        while None not in (tickets := drained(self._done, REFRESH_S)):
            if time.monotonic() - self._asked > REFRESH_S:
                # A scheduler that does not answer is noticed by the one who waits for results.
                with contextlib.suppress(StoreError):
                    self._threads = threads_of(self._client)
                self._asked = time.monotonic()
            for ticket, value in self._values([t for t in tickets if t in self._futures]):
                self._ended.put((ticket, value))

    def _values(self, tickets: list[int]) -> Iterator[tuple[int, Any]]:
        futures = {t: future for t in tickets if (future := self._futures.get(t)) is not None}
        finished = {t: future for t, future in futures.items() if future.status == "finished"}
        try:
            yield from zip(finished, self._client.gather(list(finished.values())), strict=True)
        except Exception:  # One result that is lost must not take the others with it.
            yield from ((t, _value(future)) for t, future in finished.items())
        yield from ((t, _value(futures[t])) for t in futures.keys() - finished.keys())


def _value(future: Any) -> Any:
    try:
        return future.result()
    except BaseException as error:  # Distributed has errors that are no `Exception`.
        return Raised(error)


def check_alive(client: Any, address: str = "") -> None:
    """Raise `StoreError` if a client has lost its scheduler."""
    if client.status != "running":
        raise StoreError(
            f"the Dask scheduler {address or _address(client)} cannot be reached (the client is "
            f'{client.status!r}); connect a client to one that runs, or dask.config.set(scheduler="threads")'
        )


def threads_of(client: Any) -> int:
    """Return the threads of all workers; raise `StoreError` if the scheduler is gone or does not answer."""
    check_alive(client)
    try:
        threads = client.sync(client.scheduler.ncores, workers=None, callback_timeout=ANSWER_S)
    except (TimeoutError, OSError) as error:
        raise StoreError(
            f"the Dask scheduler {_address(client)} has not answered for {ANSWER_S:.0f} s; see whether its "
            'process still runs, connect a client to another, or dask.config.set(scheduler="threads")'
        ) from error
    return int(sum(threads.values()))


def check_memory(client: Any, plan: Plan) -> None:
    """Compare what drawing a shard needs with the memory that the workers may take.

    Raises `BudgetError` if a worker cannot draw one shard; warns if it cannot draw one in every thread.
    """
    need = plan.peak_memory_bytes
    for address, worker in client.scheduler_info(n_workers=-1)["workers"].items():
        limit, threads = worker.get("memory_limit") or 0, worker.get("nthreads", 1)
        held = worker.get("metrics", {}).get("memory", 0)
        if not limit:
            continue
        said = (
            f"drawing one shard takes up to {bytes_text(need)} besides the network, worker {address} holds "
            f"{bytes_text(held)} and may take {bytes_text(limit)}"
        )
        if held + need > limit:
            raise BudgetError(f"{said}; start workers with a larger memory_limit, or pass a smaller shard=")
        if held + need * threads > limit:
            warnings.warn(
                f"{said} for {threads} threads; start workers with threads_per_worker="
                f"{max(1, (limit - held) // need)}, or pass a smaller shard=",
                RunWarning,
                stacklevel=2,
            )
            return


def _address(client: Any) -> str:
    return str(getattr(getattr(client, "scheduler", None), "address", "of the client"))
