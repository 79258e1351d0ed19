"""The next tasks of a job, of which those are handed out first that need not wait."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from geoinfinite.stores.jobs.outcomes import Task


class LookAhead:
    """Looks ahead in an order of tasks, within a bound, for one that waits for no other."""

    def __init__(self, tasks: Iterable[tuple[Task, tuple[Task, ...]]], most: int) -> None:
        """``tasks``: each with those before it that must end first; ``most``: tasks held back at a time."""
        self._tasks, self._most, self._number = iter(tasks), most, 0
        self._ready: list[tuple[int, Task]] = []
        self._waiting: dict[Task, tuple[int, set[Task]]] = {}
        self._after: dict[Task, list[Task]] = {}

    def take(self) -> Task | None:
        """Return the first task that waits for no other; ``None`` if all wait, or there are no more."""
        while not self._ready and len(self._waiting) < self._most:
            following = next(self._tasks, None)
            if following is None:
                break
            self._add(*following)
        return heapq.heappop(self._ready)[1] if self._ready else None

    def end(self, task: Task) -> None:
        """Take note that a task has ended, well or not."""
        for waiting in self._after.pop(task, ()):
            number, pending = self._waiting[waiting]
            pending.discard(task)
            if not pending:
                del self._waiting[waiting]
                heapq.heappush(self._ready, (number, waiting))

    def _add(self, task: Task, pending: tuple[Task, ...]) -> None:
        self._number += 1
        if not pending:
            heapq.heappush(self._ready, (self._number, task))
            return
        self._waiting[task] = self._number, set(pending)
        for earlier in pending:
            self._after.setdefault(earlier, []).append(task)
