"""Notices that a job makes no progress, and that a task takes longer than it may."""

from __future__ import annotations

import math
from collections.abc import Callable
from time import monotonic

SHORTEST_WAIT_S = 0.05


class Watch:
    """The times of the calls under way.

    A call's time begins when it is among the oldest that are unfinished, as many as there are workers: calls
    are submitted ahead, and what waits for a worker is not slow.
    """

    def __init__(
        self, stall_s: float, limit_s: float | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        """``stall_s``: seconds without any call ending until `stalled`; ``limit_s``: seconds of one call."""
        self.limit_s = math.inf if limit_s is None else limit_s
        self._stall, self._clock = stall_s, clock
        self._news = self._told = clock()
        self._waiting: dict[int, None] = {}
        self._began: dict[int, float] = {}

    def submitted(self, ticket: int) -> None:
        """Note a call that was submitted."""
        if not self._waiting and not self._began:
            self._news = self._clock()
        self._waiting[ticket] = None

    def ended(self, ticket: int) -> None:
        """Note a call that has ended."""
        self._news = self._clock()
        self._waiting.pop(ticket, None)
        self._began.pop(ticket, None)

    def start(self, workers: int) -> None:
        """Let the time of calls begin for which there is a worker."""
        for ticket in list(self._waiting)[: max(0, workers - len(self._began))]:
            del self._waiting[ticket]
            self._began[ticket] = self._clock()

    def overdue(self) -> list[int]:
        """Return the calls that have taken longer than one may."""
        now = self._clock()
        return [ticket for ticket, began in self._began.items() if now - began >= self.limit_s]

    def stalled(self) -> float | None:
        """Return the seconds since a call last ended, every ``stall_s`` seconds in which none does."""
        now = self._clock()
        if now - max(self._news, self._told) < self._stall or not (self._waiting or self._began):
            return None
        self._told = now
        return now - self._news

    def timeout(self) -> float:
        """Return the seconds after which there may be something to notice."""
        now = self._clock()
        ends = [
            max(self._news, self._told) + self._stall,
            *(began + self.limit_s for began in self._began.values()),
        ]
        return min(max(min(ends) - now, SHORTEST_WAIT_S), 3600.0)
