"""How the layers of a stage are cut into sheets of tiles, each drawn once, and which sheets read which.

A level of one layer needs none of this: its shards draw their own tiles. Where tiles are fused between
layers, a shard that drew its own cone would draw again most of what its neighbours draw. So every tile
of every layer belongs to one sheet, a sheet is one task, and sheets and shards read sheets of the layer
below. All that is known of an axis is known without the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from geoinfinite.plane.window import Window
from geoinfinite.stores.planning import SHEET_SIDE
from geoinfinite.stores.stages import Stage
from geoinfinite.tiling import Layer, Need, cone

TaskId = tuple[int, int, int]
"""``(layer, row, column)`` of a task within its stage; the layer after the last one is the shards'."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The tiles of one layer along one axis, in sheets of ``side`` tiles."""

    first: int
    """Index of the first tile."""
    tiles: int
    side: int
    turn: int | None = None
    """Tiles after which the axis repeats."""

    @property
    def sheets(self) -> int:
        """Number of sheets."""
        return -(-self.tiles // self.side)

    def members(self, sheet: int) -> range:
        """Return the indices of a sheet's tiles."""
        start = self.first + sheet * self.side
        return range(start, min(start + self.side, self.first + self.tiles))

    def locate(self, tile: int) -> tuple[int, int]:
        """Return the sheet of a tile and the tile's place in it.

        >>> Axis(first=-2, tiles=6, side=4, turn=6).locate(5), Axis(-2, 6, 4).locate(3)
        ((0, 1), (1, 1))
        """
        offset = tile - self.first
        return divmod(offset if self.turn is None else offset % self.turn, self.side)

    def holding(self, tiles: range) -> tuple[int, ...]:
        """Return the sheets that hold some tiles, in order of appearance."""
        return tuple(dict.fromkeys(self.locate(tile)[0] for tile in tiles))


@dataclass(frozen=True)
class StageSheets:
    """The sheets of a stage, layer by layer; none where its shards draw alone."""

    stage: Stage
    side: int = SHEET_SIDE
    """Side of a sheet in pixels of the level, unless its shards are smaller."""

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that are cut into sheets."""
        return self.stage.source.drawn.layers if self.stage.layered else ()

    @cached_property
    def axes(self) -> tuple[tuple[Axis, Axis], ...]:
        """Rows and columns of every layer's tiles."""
        if not self.layers:
            return ()
        found = []
        for need in cone(self.layers, self.stage.source.blocks(self.stage.window)):
            stride, turn = need.layer.lattice.stride, need.layer.turn
            side = max(1, min(self.stage.shard, self.side) // (stride * _scale(self.layers, need.layer)))
            whole = turn is not None and len(need.columns) >= turn
            columns = turn if turn is not None and whole else len(need.columns)
            found.append(
                (
                    Axis(need.rows.start, len(need.rows), side),
                    Axis(need.columns.start, columns, side, turn if whole else None),
                )
            )
        return tuple(found)

    def shape(self, number: int) -> tuple[int, int]:
        """Return the rows and columns of a layer's sheets; after the last layer, of the shards."""
        if number == len(self.layers):
            return self.stage.rows, self.stage.columns
        rows, columns = self.axes[number]
        return rows.sheets, columns.sheets

    def tiles(self, task: TaskId) -> tuple[range, range]:
        """Return the rows and columns of a sheet's tiles."""
        rows, columns = self.axes[task[0]]
        return rows.members(task[1]), columns.members(task[2])

    def need(self, task: TaskId) -> Need:
        """Return a sheet's tiles and the pixels that they cover."""
        (rows, columns), layer = self.tiles(task), self.layers[task[0]]
        return Need(layer, layer.lattice.cover(rows, columns), rows, columns)

    def inputs(self, task: TaskId) -> Iterator[TaskId]:
        """Yield the sheets that a sheet or a shard reads, in row-major order."""
        number, row, column = task
        if number > 0:
            rows, columns = self._reads[number]
            yield from ((number - 1, r, c) for r, c in product(rows[row], columns[column]))

    def rows_below(self, number: int, row: int) -> tuple[int, ...]:
        """Return the rows of sheets that a row of a layer's sheets, or of shards, reads."""
        return self._reads[number][0][row] if number > 0 else ()

    def readers(self, task: TaskId) -> Iterator[TaskId]:
        """Yield the sheets or shards that read a sheet."""
        number, row, column = task
        rows, columns = self._readers[number]
        yield from ((number + 1, r, c) for r, c in product(rows.get(row, ()), columns.get(column, ())))

    @cached_property
    def _reads(self) -> tuple[tuple[tuple[tuple[int, ...], ...], ...], ...]:
        """For every layer and the shards, per axis: the sheets below that each sheet reads."""
        found: list[tuple[tuple[tuple[int, ...], ...], ...]] = [((), ())]
        for number in range(1, len(self.layers) + 1):
            below, axes = self.layers[number - 1], self.axes[number - 1]
            shapes = self.shape(number)
            rows = (below.need(self._window(number, row, 0)).rows for row in range(shapes[0]))
            columns = (below.need(self._window(number, 0, c)).columns for c in range(shapes[1]))
            found.append((tuple(map(axes[0].holding, rows)), tuple(map(axes[1].holding, columns))))
        return tuple(found)

    @cached_property
    def _readers(self) -> tuple[tuple[dict[int, list[int]], ...], ...]:
        return tuple(tuple(_inverse(axis) for axis in reads) for reads in self._reads[1:])

    def _window(self, number: int, row: int, column: int) -> Window:
        """Return the pixels of the layer below that a sheet or a shard reads."""
        if number == len(self.layers):
            shard = self.stage.shard_window(row, column)
            return self.stage.source.blocks(shard)
        return self.layers[number].reads(self.need((number, row, column)).window)


def _scale(layers: tuple[Layer, ...], layer: Layer) -> int:
    """Return the pixels of the level per pixel of a layer's plane."""
    return layers[-1].zoom if layer is not layers[-1] else 1


def _inverse(reads: Iterable[tuple[int, ...]]) -> dict[int, list[int]]:
    """Return who reads each sheet, from what each one reads.

    >>> _inverse([(0, 1), (1,)])
    {0: [0], 1: [0, 1]}
    """
    found: dict[int, list[int]] = {}
    for reader, sheets in enumerate(reads):
        for sheet in sheets:
            found.setdefault(sheet, []).append(reader)
    return found
