"""The order in which a stage is drawn: block by block up to each shard, so that few blocks are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

from geoinfinite.stores.blocks import Place, StageBlocks
from geoinfinite.stores.scratch import Scratch


class Sweep:
    """The tasks of one stage, each after those whose blocks it reads, and the blocks that are done with.

    It goes from shard to shard in row-major order and draws before each one what is still missing of its
    cone: what is on disk is as wide as the stage, but no higher than the cone of a row of shards.
    """

    def __init__(self, blocks: StageBlocks, scratch: Scratch, committed: Callable[[int, int], bool]) -> None:
        """Begin a stage; ``committed`` says whether a shard is sound, and so needs no blocks."""
        self._blocks, self._scratch, self._committed = blocks, scratch, committed
        self._last = len(blocks.layers)
        self._planned: set[Place] = set()
        self._done: set[Place] = set()

    def __iter__(self) -> Iterator[tuple[Place, tuple[Place, ...]]]:
        """Yield every task with those tasks, yielded earlier, that must end before it begins."""
        stage = self._blocks.stage
        for row, column in product(range(stage.rows), range(stage.columns)):
            shard = (self._last, row, column)
            if self._last and self._committed(row, column):
                self._done.add(shard)
                yield shard, ()
            else:
                yield from self._before(shard)

    def _before(self, place: Place) -> Iterator[tuple[Place, tuple[Place, ...]]]:
        self._planned.add(place)
        after = []
        for block in self._blocks.inputs(place):
            if block not in self._planned:
                if self._scratch.holds(block):
                    self._planned.add(block)
                    self._done.add(block)
                else:
                    yield from self._before(block)
            if block not in self._done:
                after.append(block)
        yield place, tuple(after)

    def finish(self, place: Place) -> None:
        """Take note that a task is done, and drop the blocks that were kept for it alone."""
        self._done.add(place)
        for block in self._blocks.inputs(place):
            if all(self._is_done(reader) for reader in self._blocks.readers(block)):
                self._scratch.drop(block)

    def _is_done(self, place: Place) -> bool:
        """Say whether a task is done, in this run or in one before it."""
        return place in self._done or (
            place not in self._planned
            and (self._committed(*place[1:]) if place[0] == self._last else self._scratch.dropped(place))
        )
