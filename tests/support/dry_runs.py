"""Runs of jobs whose tasks draw nothing, and only check that what they read is there."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product

from geoinfinite.stores.jobs.graph import JobGraph
from geoinfinite.stores.jobs.order import TaskOrder
from geoinfinite.stores.jobs.outcomes import Task
from geoinfinite.stores.jobs.parts import WHOLE, Part, Share
from geoinfinite.stores.jobs.sheets import TaskId
from geoinfinite.stores.planning import Plan


@dataclass
class Shelf:
    """Sheets of one stage that are there by name only."""

    held: set[TaskId] = field(default_factory=set)
    damaged: set[TaskId] = field(default_factory=set)
    read: list[TaskId] = field(default_factory=list)

    def tasks(self) -> Iterator[TaskId]:
        yield from list(self.held)

    def holds(self, task: TaskId) -> bool:
        self.read.append(task)
        return task in self.held and task not in self.damaged

    def drop(self, task: TaskId) -> None:
        self.held.discard(task)


@dataclass
class Run:
    """A job whose tasks do nothing but check that what they read is there."""

    graph: JobGraph
    shelves: list[Shelf] = field(default_factory=list)
    committed: set[Task] = field(default_factory=set)
    part: Part = WHOLE
    asked: list[Task] = field(default_factory=list)
    done: list[Task] = field(default_factory=list)
    most: int = 0

    def __post_init__(self) -> None:
        self.shelves = self.shelves or [Shelf() for _ in self.graph.stages]

    @property
    def held(self) -> set[Task]:
        return {Task(stage, *sheet) for stage, shelf in enumerate(self.shelves) for sheet in shelf.held}

    def go(self, tasks: int | None = None, ahead: int = 1) -> Run:
        """Do so many tasks, ``ahead`` of them handed out before the first of them ends."""

        def committed(shard: Task) -> bool:
            self.asked.append(shard)
            return shard in self.committed

        order = TaskOrder(Share(self.graph, self.part), self.graph, self.shelves, committed)
        handed: deque[Task] = deque()
        for number, (task, after) in enumerate(order):
            if number == tasks:
                return self
            assert set(after) <= set(handed)
            # Whatever it reads is there, or will be once those before it have ended.
            assert set(self.graph.inputs(task)) <= {*self.held, *self.committed, *after}
            handed.append(task)
            if len(handed) == ahead:
                self._end(order, handed.popleft())
        while handed:
            self._end(order, handed.popleft())
        return self

    def _end(self, order: TaskOrder, task: Task) -> None:
        assert task not in self.committed
        assert set(self.graph.inputs(task)) <= self.held | self.committed
        self.done.append(task)
        if self.graph.is_shard(task):
            self.committed.add(task)
        else:
            self.shelves[task.stage].damaged.discard(task.id)
            self.shelves[task.stage].held.add(task.id)
        self.most = max(self.most, len(self.held))
        order.finish(task)


def every_task(graph: JobGraph) -> set[Task]:
    return {
        Task(index, number, row, column)
        for index, stage in enumerate(graph.stages)
        for number in range(len(stage.layers) + 1)
        for row, column in product(*map(range, stage.shape(number)))
    }


def every_shard(graph: JobGraph) -> set[Task]:
    return {task for task in every_task(graph) if graph.is_shard(task)}


def last_stage(plan: Plan) -> JobGraph:
    """The graph of the last level alone."""
    return JobGraph(replace(plan, stages=plan.stages[-1:], copies=()))


def cone(graph: JobGraph, shard: Task) -> set[Task]:
    """A shard and all that it is drawn from."""
    found, ring = set[Task](), {shard}
    while ring:
        found |= ring
        ring = {below for task in ring for below in graph.inputs(task)} - found
    return found
