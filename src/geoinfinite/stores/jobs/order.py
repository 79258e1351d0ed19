"""The order in which a job is drawn: shard by shard, and before each one what is missing of what it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from geoinfinite.stores.jobs.graph import JobGraph
from geoinfinite.stores.jobs.outcomes import Task
from geoinfinite.stores.jobs.parts import Share
from geoinfinite.stores.jobs.sheets import TaskId

_NEW, _OPEN, _PLANNED, _DONE, _FAILED, _ELSEWHERE = range(6)
"""Of a task: nothing is known; an earlier run did not do it; it has been yielded; its result is there; it
failed; it belongs to another part of the job."""


class Sheets(Protocol):
    """Where the sheets of one stage are kept; see `SheetFiles`."""

    def tasks(self) -> Iterator[TaskId]:
        """Yield the sheets that are there, sound or not."""

    def holds(self, task: TaskId) -> bool:
        """Say whether a sheet is there and sound, having read all of it."""

    def drop(self, task: TaskId) -> None:
        """Remove a sheet."""


class TaskOrder:
    """The tasks of a job, each after those whose results it reads, and the sheets that are done with.

    It goes from shard to shard of the last level in row-major order and yields before each one what is still
    missing of its sheets and of its parent's shards, and so on down: no level waits for another to end. What
    is on disk of sheets is as wide as a stage, but no higher than the cone of a row of shards. Sheets that
    an earlier run left are used once their bytes have been checked, or removed. Memory is a byte per task.
    """

    def __init__(
        self, share: Share, graph: JobGraph, sheets: Sequence[Sheets], committed: Callable[[Task], bool]
    ) -> None:
        """Begin a job; ``committed`` says whether a shard is sound, and is asked at most once for each."""
        self._share, self._graph, self._sheets, self._committed = share, graph, sheets, committed
        self._states: list[list[NDArray[np.uint8]]] = [
            [np.full(cut.shape(number), _NEW, np.uint8) for number in range(len(cut.layers) + 1)]
            for cut in graph.stages
        ]
        self._found = {
            sheet
            for stage, kept in enumerate(sheets)
            for id_ in kept.tasks()
            if self._exists(sheet := Task(stage, *id_))
        }

    def __iter__(self) -> Iterator[tuple[Task, tuple[Task, ...]]]:
        """Yield every task to do with those tasks, yielded earlier, that must end before it begins."""
        for sheet in sorted(self._found):
            self._drop_unless_wanted(sheet)
        for shard in self._share.shards:
            if self._learn(shard) == _OPEN:
                yield from self._up_to(shard)

    def finish(self, task: Task) -> None:
        """Take note that a task is done, and drop the sheets that were kept for it alone."""
        self._set(task, _DONE)
        for sheet in self._inputs_of_layers(task):
            self._drop_unless_wanted(sheet)

    def fail(self, task: Task) -> None:
        """Take note that a task failed: what it reads is kept for another run."""
        self._set(task, _FAILED)

    def missing(self, task: Task) -> Task | None:
        """Return a failed task whose result a task reads, if there is one."""
        return next((t for t in self._graph.inputs(task) if self._state(t) == _FAILED), None)

    def _up_to(self, shard: Task) -> Iterator[tuple[Task, tuple[Task, ...]]]:
        """Yield what is missing below a shard, deepest first, then the shard."""
        self._set(shard, _PLANNED)
        path = [(shard, self._graph.inputs(shard))]
        while path:
            task, inputs = path[-1]
            below = next((t for t in inputs if self._learn(t) == _OPEN), None)
            if below is None:
                path.pop()
                yield task, tuple(t for t in self._graph.inputs(task) if self._state(t) == _PLANNED)
            else:
                self._set(below, _PLANNED)
                path.append((below, self._graph.inputs(below)))

    def _inputs_of_layers(self, task: Task) -> Iterator[Task]:
        return (Task(task.stage, *id_) for id_ in self._graph.stages[task.stage].inputs(task.id))

    def _drop_unless_wanted(self, sheet: Task) -> None:
        if not self._is_wanted(sheet):
            self._drop(sheet)

    def _is_wanted(self, sheet: Task) -> bool:
        """Say whether a task that has not ended, or is still to be yielded, reads a sheet."""
        waiting, seen = list(self._graph.readers(sheet)), set[Task]()
        while waiting:
            reader = waiting.pop()
            state = self._learn(reader)
            if state in (_PLANNED, _FAILED) or (state == _OPEN and self._graph.is_shard(reader)):
                return True
            if state == _OPEN and reader not in seen:
                seen.add(reader)
                waiting += self._graph.readers(reader)
        # Nobody wants these either, now or later: to look at them again would take time.
        for reader in seen:
            self._set(reader, _DONE)
        return False

    def _learn(self, task: Task) -> int:
        """Return the state of a task, having looked for what an earlier run left of it."""
        if (state := self._state(task)) != _NEW:
            return state
        if self._graph.is_shard(task):
            if not self._share.concerns(task):
                self._set(task, _ELSEWHERE)
                return _ELSEWHERE
            kept = self._committed(task)
        else:
            kept = task in self._found and self._sheets[task.stage].holds(task.id)
            if task in self._found and not kept:
                self._drop(task)
        self._set(task, _DONE if kept else _OPEN)
        return self._state(task)

    def _drop(self, sheet: Task) -> None:
        self._sheets[sheet.stage].drop(sheet.id)
        self._found.discard(sheet)

    def _exists(self, sheet: Task) -> bool:
        """Say whether there is a sheet of that name."""
        if not 0 <= sheet.layer < len(self._graph.stages[sheet.stage].layers):
            return False
        rows, columns = self._states[sheet.stage][sheet.layer].shape
        return bool(sheet.row < rows and sheet.column < columns)

    def _state(self, task: Task) -> int:
        return int(self._states[task.stage][task.layer][task.row, task.column])

    def _set(self, task: Task, state: int) -> None:
        self._states[task.stage][task.layer][task.row, task.column] = state
