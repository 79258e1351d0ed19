"""Parts of a job that are drawn apart, such as by the tasks of a job array."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoinfinite.errors import StoreError
from geoinfinite.stores.jobs.graph import JobGraph
from geoinfinite.stores.jobs.outcomes import Task


@dataclass(frozen=True, slots=True)
class Part:
    """One of ``count`` parts of a job.

    Parts share a store and may run at the same time, in any order, and each be resumed. A shard of a coarser
    level that several parts are drawn on is drawn by those that need it before another has committed it: the
    bytes are the same. Raises `StoreError` unless ``1 <= index <= count``.

    >>> [Part(i, 3).numbers(10) for i in (1, 2, 3)]
    [range(0, 3), range(3, 6), range(6, 10)]
    """

    index: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise StoreError(
                f"part={self.index, self.count} must be (i, n) with 1 <= i <= n; the first is (1, n)"
            )

    @property
    def whole(self) -> bool:
        """Whether this is the whole job."""
        return self.count == 1

    @property
    def name(self) -> str:
        """The part's name, empty for the whole job.

        >>> Part(2, 5).name
        'part-2-of-5'
        """
        return "" if self.whole else f"part-{self.index}-of-{self.count}"

    def numbers(self, shards: int) -> range:
        """Return which shards of a level are this part's own, counted in row-major order."""
        return range((self.index - 1) * shards // self.count, self.index * shards // self.count)


WHOLE = Part()
"""The whole job."""


class Share:
    """The shards of a part: its own ones, and those of coarser levels that these are drawn on."""

    def __init__(self, graph: JobGraph, part: Part = Part()) -> None:
        self._graph, self.part = graph, part
        self._own = [part.numbers(stage.shards) for stage in graph.plan.stored]
        self._concerned = None if part.whole else _concerned(graph, self._own)

    def __len__(self) -> int:
        """Return the number of its own shards."""
        return sum(map(len, self._own))

    @property
    def tiles(self) -> int:
        """Tiles of its own shards, on average: shards at an edge may have fewer."""
        stages = zip(self._graph.plan.stored, self._own, strict=True)
        return sum(stage.tiles * len(own) // stage.shards for stage, own in stages)

    @property
    def pixels(self) -> int:
        """Pixels of its own shards, on average."""
        stages = zip(self._graph.plan.stored, self._own, strict=True)
        return sum(stage.pixels * len(own) // stage.shards for stage, own in stages)

    @property
    def shards(self) -> Iterator[Task]:
        """Its own shards: those of the last level first, then the copies, whose sources are drawn then."""
        plan = self._graph.plan
        last = len(plan.stages) - 1
        for index in (last, *range(last + 1, len(plan.stored)), *reversed(range(last))):
            columns = plan.stored[index].columns
            for number in self._own[index]:
                yield self._graph.shard(index, *divmod(number, columns))

    def owns(self, shard: Task) -> bool:
        """Say whether a shard is one of its own."""
        return (
            shard.row * self._graph.plan.stored[shard.stage].columns + shard.column in self._own[shard.stage]
        )

    def concerns(self, shard: Task) -> bool:
        """Say whether a shard is one of its own, or may be read to draw one."""
        return self._concerned is None or bool(self._concerned[shard.stage][shard.row, shard.column])


def _concerned(graph: JobGraph, own: list[range]) -> list[NDArray[np.bool_]]:
    """Return for every shard of every stage whether it is own, or in a row that own ones are made from."""
    plan = graph.plan
    found = [np.zeros((stage.rows, stage.columns), bool) for stage in plan.stored]
    for index in reversed(range(len(own))):
        found[index].flat[own[index].start : own[index].stop] = True
        rows = set(np.flatnonzero(found[index].any(axis=1)).tolist())
        if (below := plan.read_by(index)) is not None:
            found[below][sorted(graph.rows_read(index, rows))] = True
    return found
