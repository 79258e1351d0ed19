"""Which tasks of a job read the results of which other tasks, within a level and from level to level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from geoinfinite.stores.jobs.layered import read_by_task
from geoinfinite.stores.jobs.outcomes import Task
from geoinfinite.stores.jobs.sheets import StageSheets
from geoinfinite.stores.jobs.stored import shards_under
from geoinfinite.stores.planning import SHEET_SIDE, Plan

_UNKNOWN = np.iinfo(np.int64).min


@dataclass(frozen=True)
class JobGraph:
    """The tasks of a plan and what each of them reads.

    A shard or sheet of a level reads the sheets of the layer below, if its level is drawn in layers, and
    the shards of its parent's level under it. A shard that is copied reads the shards that were drawn.
    """

    plan: Plan
    sheet_side: int = SHEET_SIDE

    @cached_property
    def stages(self) -> tuple[StageSheets, ...]:
        """How each stage is cut into sheets and shards."""
        return tuple(StageSheets(stage, self.sheet_side) for stage in self.plan.stored)

    def is_shard(self, task: Task) -> bool:
        """Say whether a task makes a shard."""
        return task.layer == len(self.stages[task.stage].layers)

    def shard(self, stage: int, row: int, column: int) -> Task:
        """Return the task of a shard."""
        return Task(stage, len(self.stages[stage].layers), row, column)

    def name(self, task: Task) -> str:
        """Return the name of a task in errors."""
        stage = self.plan.stored[task.stage]
        kind = (
            ("copied shard" if stage.copied else "shard")
            if self.is_shard(task)
            else f"layer {task.layer} sheet"
        )
        return f"level {stage.level} {kind} ({task.row}, {task.column})"

    def key(self, task: Task) -> str:
        """Return the name of a task on a dashboard, such as ``draw-level-3-shard-12-7``."""
        kind, stage = (
            "shard" if self.is_shard(task) else f"layer-{task.layer}-sheet",
            self.plan.stored[task.stage],
        )
        verb = "copy" if stage.copied else "draw"
        return f"{verb}-level-{stage.level}-{kind}-{task.row}-{task.column}"

    def inputs(self, task: Task) -> Iterator[Task]:
        """Yield the tasks whose results a task reads: sheets in row-major order, then the parent's shards."""
        for id_ in self.stages[task.stage].inputs(task.id):
            yield Task(task.stage, *id_)
        if (below := self.plan.read_by(task.stage)) is not None:
            rows, columns = self._read[task.stage].of(task.id)
            yield from (self.shard(below, r, c) for r, c in product(rows, columns))

    def readers(self, sheet: Task) -> Iterator[Task]:
        """Yield the tasks that read a sheet."""
        return (Task(sheet.stage, *id_) for id_ in self.stages[sheet.stage].readers(sheet.id))

    def rows_read(self, stage: int, rows: set[int]) -> set[int]:
        """Return the rows of shards of ``plan.read_by(stage)`` that some rows of shards are made from."""
        if self.plan.read_by(stage) is None:
            return set()
        sheets, parents, found = self.stages[stage], self._read[stage], set[int]()
        for layer in range(len(sheets.layers), -1, -1):
            found.update(r for row in rows for r in parents.of((layer, row, 0))[0])
            rows = {below for row in rows for below in sheets.rows_below(layer, row)}
        return found

    @cached_property
    def _read(self) -> tuple[_ShardsRead, ...]:
        return tuple(_ShardsRead(self, index) for index in range(len(self.plan.stored)))


class _ShardsRead:
    """The shards that the tasks of a stage read; an axis is computed once, without the other."""

    def __init__(self, graph: JobGraph, stage: int) -> None:
        self._graph, self._stage, self._sheets = graph, stage, graph.stages[stage]
        shapes = [self._sheets.shape(n) for n in range(len(self._sheets.layers) + 1)]
        self._bounds: list[tuple[NDArray[np.int64], ...]] = [
            tuple(np.full((size, 2), _UNKNOWN, np.int64) for size in shape) for shape in shapes
        ]

    def of(self, id_: tuple[int, int, int]) -> tuple[range, tuple[int, ...]]:
        """Return the rows and columns of the shards that a task reads."""
        layer, row, column = id_
        rows, columns = self._bounds[layer]
        if rows[row, 0] == _UNKNOWN or columns[column, 0] == _UNKNOWN:
            window = read_by_task(self._sheets, id_)
            rows[row] = window.y0, window.y1
            columns[column] = window.x0, window.x1
        plan, y, x = self._graph.plan, rows[row], columns[column]
        read = plan.stored[plan.read_by(self._stage) or 0]
        return shards_under(read, (int(y[0]), int(y[1])), (int(x[0]), int(x[1])))
