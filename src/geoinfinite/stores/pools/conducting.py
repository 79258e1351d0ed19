"""The one loop that runs calls: a bounded number under way, each heard of as it ends, stalls reported."""

from __future__ import annotations

import itertools
import warnings
from typing import Any, Protocol

from geoinfinite.errors import RunWarning, StoreError
from geoinfinite.stores.pools.pool import Call, Pool, Raised
from geoinfinite.stores.pools.watching import Watch

NAMED_CALLS = 4
"""Calls that a warning names; of further ones it gives the number."""


class Work(Protocol):
    """Where the calls come from that `conduct` runs."""

    def take(self) -> tuple[Any, Call] | None:
        """Return the next thing to do with its call; ``None`` if there is nothing until another has ended."""

    def end(self, subject: Any, value: Any) -> None:
        """Take what a thing's call returned, or `Raised`."""


def conduct(pool: Pool, work: Work, watch: Watch) -> None:
    """Run all calls of some work; memory does not grow with their number."""
    tickets = itertools.count()
    flying: dict[int, tuple[Any, Call]] = {}
    while True:
        depth = pool.depth
        while len(flying) < depth and (taken := work.take()) is not None:
            ticket = next(tickets)
            flying[ticket] = taken
            watch.submitted(ticket)
            pool.submit(ticket, taken[1])
        if not flying:
            return
        watch.start(pool.workers)
        for ticket, value in pool.ended(watch.timeout()):
            watch.ended(ticket)
            work.end(flying.pop(ticket)[0], value)
        for ticket in watch.overdue():
            _give_up(pool, work, watch, ticket, flying.pop(ticket))
        if (waited := watch.stalled()) is not None:
            _report(pool, flying, waited)


def _give_up(pool: Pool, work: Work, watch: Watch, ticket: int, taken: tuple[Any, Call]) -> None:
    where = pool.whereabouts().get(ticket)
    pool.forget(ticket)
    watch.ended(ticket)
    at = f" on {where}" if where else ""
    work.end(taken[0], Raised(StoreError(f"took longer than task_limit_s={watch.limit_s:g}{at}")))


def _report(pool: Pool, flying: dict[int, tuple[Any, Call]], waited: float) -> None:
    where = pool.whereabouts()
    begun = [f"{call.name} on {where[t]}" for t, (_, call) in flying.items() if t in where]
    if begun:
        named = ", ".join(begun[:NAMED_CALLS]) + (", ..." if len(begun) > NAMED_CALLS else "")
        cause = f"waiting for {named}; end that worker, or pass task_limit_s="
    else:
        first = next(iter(flying.values()))[1].name
        cause = (
            f"no worker has {first}, or the scheduler does not answer; start a worker that has what the "
            "task needs, or stop this job and resume it"
        )
    warnings.warn(f"no task has ended for {waited:.0f} s: {cause}", RunWarning, stacklevel=2)
