"""The order in which a stage is drawn: sheet by sheet up to each shard, so that few sheets are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from geoinfinite.stores.sheet_files import SheetFiles
from geoinfinite.stores.sheets import Place, StageSheets

_NEW, _OPEN, _PLANNED, _DONE = range(4)
"""Of a task: nothing is known; an earlier run did not do it; it has been yielded; its result is there."""


class Sweep:
    """The tasks of one stage, each after those whose sheets it reads, and the sheets that are done with.

    It goes from shard to shard in row-major order and draws before each one what is still missing of its
    cone: what is on disk is as wide as the stage, but no higher than the cone of a row of shards. Sheets
    that an earlier run left are used once their bytes have been checked, or removed.
    """

    def __init__(self, sheets: StageSheets, files: SheetFiles, committed: Callable[[int, int], bool]) -> None:
        """Begin a stage; ``committed`` says whether a shard is sound, and so needs no sheets.

        It is asked at most once for every shard.
        """
        self._sheets, self._files, self._committed = sheets, files, committed
        self._shards = len(sheets.layers)
        # A byte per task: sets of their names would take hundreds of megabytes for a large level.
        self._states = [np.full(sheets.shape(number), _NEW, np.uint8) for number in range(self._shards + 1)]
        self._found = {place for place in files.places() if self._exists(place)}

    def __iter__(self) -> Iterator[tuple[Place, tuple[Place, ...]]]:
        """Yield every task with those tasks, yielded earlier, that must end before it begins."""
        for sheet in sorted(self._found):
            self._drop_unless_wanted(sheet)
        stage = self._sheets.stage
        for row, column in product(range(stage.rows), range(stage.columns)):
            shard = (self._shards, row, column)
            if self._shards and self._learn(shard) == _DONE:
                yield shard, ()
            else:
                yield from self._up_to(shard)

    def finish(self, place: Place) -> None:
        """Take note that a task is done, and drop the sheets that were kept for it alone."""
        self._set(place, _DONE)
        for sheet in self._sheets.inputs(place):
            self._drop_unless_wanted(sheet)

    def _up_to(self, shard: Place) -> Iterator[tuple[Place, tuple[Place, ...]]]:
        """Yield what is missing of a shard's cone, deepest first, then the shard."""
        self._set(shard, _PLANNED)
        path = [(shard, self._sheets.inputs(shard))]
        while path:
            place, inputs = path[-1]
            sheet = next((b for b in inputs if self._learn(b) in (_NEW, _OPEN)), None)
            if sheet is None:
                path.pop()
                yield place, tuple(b for b in self._sheets.inputs(place) if self._state(b) != _DONE)
            else:
                self._set(sheet, _PLANNED)
                path.append((sheet, self._sheets.inputs(sheet)))

    def _drop_unless_wanted(self, sheet: Place) -> None:
        if not self._is_wanted(sheet):
            self._drop(sheet)

    def _is_wanted(self, sheet: Place) -> bool:
        """Say whether a task that has not ended, or is still to be yielded, reads a sheet."""
        waiting, seen = list(self._sheets.readers(sheet)), set[Place]()
        while waiting:
            reader = waiting.pop()
            state = self._learn(reader)
            if state == _PLANNED or (state == _OPEN and reader[0] == self._shards):
                return True
            if state != _DONE and reader not in seen:
                seen.add(reader)
                waiting += self._sheets.readers(reader)
        # Nobody wants these either, now or later: to look at them again would take time.
        for reader in seen:
            self._set(reader, _DONE)
        return False

    def _learn(self, place: Place) -> int:
        """Return the state of a task, having looked for what an earlier run left of it."""
        if (state := self._state(place)) != _NEW:
            return state
        if place[0] == self._shards:
            kept = self._committed(*place[1:])
        else:
            kept = place in self._found and self._files.holds(place)
            if place in self._found and not kept:
                self._drop(place)
        self._set(place, _DONE if kept else _OPEN)
        return self._state(place)

    def _drop(self, sheet: Place) -> None:
        self._files.drop(sheet)
        self._found.discard(sheet)

    def _exists(self, place: Place) -> bool:
        """Say whether there is a sheet of that name."""
        if not 0 <= place[0] < self._shards:
            return False
        rows, columns = self._states[place[0]].shape
        return place[1] < rows and place[2] < columns

    def _state(self, place: Place) -> int:
        return int(self._states[place[0]][place[1:]])

    def _set(self, place: Place, state: int) -> None:
        self._states[place[0]][place[1:]] = state
