"""Finds out, before a job is drawn, which of its shards earlier runs have committed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from geoinfinite.stores.cuts import LEDGER
from geoinfinite.stores.jobs.graph import JobGraph
from geoinfinite.stores.jobs.job import Job
from geoinfinite.stores.jobs.outcomes import Task
from geoinfinite.stores.jobs.tasks import find_committed
from geoinfinite.stores.pools.pool import Call, Raised

_RECORD = re.compile(r"(?:.*/)?(\d{1,9})/(\d{1,9})/0")
AT_ONCE = 32
"""Shards whose bytes are checked by one call."""

Shards = tuple[Task, ...]


class Survey:
    """The shards that have a commit record, checked in batches; a bit per shard is remembered.

    Only shards with a record are read, so that a new store costs nothing, and one that is finished what
    `verify` costs. It is work for `conduct`.
    """

    def __init__(self, job: Job, graph: JobGraph, concerns: Callable[[Task], bool]) -> None:
        """Begin; only shards that ``concerns`` says yes to are looked at."""
        self._job, self._graph = job, graph
        self._sound = [np.zeros((s.rows, s.columns), bool) for s in job.plan.stored]
        self._batches = _batches(filter(concerns, recorded(job, graph)))

    def take(self) -> tuple[Shards, Call] | None:
        """Return the next batch."""
        batch = next(self._batches, None)
        if batch is None:
            return None
        first, level = batch[0], self._job.plan.stored[batch[0].stage].level
        name = f"check-level-{level}-shard-{first.row}-{first.column}"
        return batch, Call(name, find_committed, (self._job, batch))

    def end(self, subject: Shards, value: Any) -> None:
        """Note what was found; shards that could not be checked are drawn, or fail, again."""
        if isinstance(value, Raised):
            return
        for shard, sound in zip(subject, value, strict=True):
            self._sound[shard.stage][shard.row, shard.column] = sound

    def found(self, shard: Task) -> bool:
        """Say whether a shard is committed and sound."""
        return bool(self._sound[shard.stage][shard.row, shard.column])


def recorded(job: Job, graph: JobGraph) -> Iterator[Task]:
    """Yield the shards that have a commit record, in row-major order of each level."""
    for index, stage in enumerate(job.plan.stored):
        there = np.zeros((stage.rows, stage.columns), bool)
        for row, column in _records(job, stage.group):
            if row < stage.rows and column < stage.columns:
                there[row, column] = True
        for number in np.flatnonzero(there):
            yield graph.shard(index, *divmod(int(number), stage.columns))


def _records(job: Job, group: str) -> Iterator[tuple[int, int]]:
    """Yield the rows and columns that the commit records of a group are named by."""
    for name in job.objects.names(f"{LEDGER}/{group}/"):
        if named := _RECORD.fullmatch(name):
            yield int(named[1]), int(named[2])


def _batches(shards: Iterator[Task]) -> Iterator[Shards]:
    for _, one_stage in itertools.groupby(shards, key=lambda shard: shard.stage):
        while batch := tuple(itertools.islice(one_stage, AT_ONCE)):
            yield batch
