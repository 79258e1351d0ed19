"""Pools: whatever runs a call, its result or error comes back once, and stopping takes seconds."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dask
import pytest

from geoinfinite.errors import StoreError
from geoinfinite.stores.pools.choosing import THREADS, open_pool
from geoinfinite.stores.pools.pool import Call, ExecutorPool, InlinePool, Pool, Raised, process_pool
from geoinfinite.stores.pools.settings import RunSettings

SETTINGS = RunSettings()


class Unpicklable:
    """Travels to another process, and cannot be made there."""

    def __reduce__(self) -> tuple[Any, ...]:
        return int, ("no number",)


def outcomes(pool: Pool, calls: list[Call]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for ticket, call in enumerate(calls):
        pool.submit(ticket, call)
    while len(found) < len(calls):
        found.update(pool.ended(60.0))
    return found


@pytest.fixture(params=["synchronous", "threads", "processes", "executor"])
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    with ThreadPoolExecutor(2) as executor:
        scheduler = executor if request.param == "executor" else request.param
        with dask.config.set(scheduler=scheduler, num_workers=2):
            opened = open_pool(SETTINGS, threading.Event())
        yield opened
        opened.close()
        if request.param == "executor":
            # An executor that was brought is not ended.
            assert executor.submit(int, "3").result() == 3


def test_results_and_errors_come_back_once(pool: Pool) -> None:
    calls = [Call(f"call-{i}", divmod, (100, i)) for i in range(7)]
    found = outcomes(pool, calls)
    assert isinstance(found[0], Raised)
    assert isinstance(found[0].error, ZeroDivisionError)
    assert [found[i] for i in range(1, 7)] == [divmod(100, i) for i in range(1, 7)]
    assert pool.ended(0.05) == []
    assert pool.whereabouts() == {}


def test_workers_are_those_that_dask_is_set_to() -> None:
    with dask.config.set(scheduler="threads", num_workers=3):
        pool = open_pool(SETTINGS, threading.Event())
    assert (pool.workers, pool.depth) == (3, 6)
    pool.close()
    with dask.config.set(scheduler="threads", num_workers=None):
        pool = open_pool(SETTINGS, threading.Event())
    assert 1 <= pool.workers <= THREADS
    pool.close()
    with dask.config.set(scheduler="synchronous"):
        assert isinstance(open_pool(SETTINGS, threading.Event()), InlinePool)


def test_a_scheduler_that_runs_graphs_only_is_refused() -> None:
    def get(graph: Any, keys: Any, **told: Any) -> None:
        raise AssertionError("not asked")

    with (
        dask.config.set(scheduler=get),
        pytest.raises(
            StoreError, match=r'cannot run single tasks; set "threads", "processes", "synchronous"'
        ),
    ):
        open_pool(SETTINGS, threading.Event())


def test_a_call_that_a_process_cannot_read_is_an_error_like_others() -> None:
    pool = process_pool(1, "spawn")
    found = outcomes(pool, [Call("bad", str, (Unpicklable(),)), Call("good", str, (5,))])
    assert isinstance(found[0], Raised)
    assert "no number" in str(found[0].error)
    assert found[1] == "5"
    pool.close()


def test_a_process_that_dies_is_said_to_have_died() -> None:
    pool = process_pool(1, "spawn")
    found = outcomes(pool, [Call("dies", os._exit, (1,)), Call("after", str, (5,))])
    for raised in found.values():
        assert isinstance(raised, Raised)
        assert "a worker process died, perhaps because the machine has too little memory" in str(raised.error)
    # Nor can it be given anything more.
    assert isinstance(outcomes(pool, [Call("again", str, (5,))])[0], Raised)
    pool.close()


def test_closing_cancels_what_waits_and_stops_what_runs() -> None:
    stop, begun = threading.Event(), []

    def work() -> None:
        begun.append(1)
        stop.wait(60)

    pool = ExecutorPool(ThreadPoolExecutor(1), 1, stop=stop.set)
    for ticket in range(9):
        pool.submit(ticket, Call("work", work, ()))
    while not begun:
        time.sleep(0.01)
    pool.close()
    assert stop.is_set()
    assert len(begun) == 1


def test_closing_ends_processes_that_do_not_listen() -> None:
    pool = process_pool(1, "spawn")
    assert outcomes(pool, [Call("warm", os.getpid, ())])[0] != os.getpid()
    pool.submit(7, Call("sleeps", time.sleep, (600,)))
    while not pool.whereabouts():
        time.sleep(0.01)
    pool.close()
    [(ticket, raised)] = pool.ended(30.0)
    assert ticket == 7
    assert isinstance(raised, Raised)
