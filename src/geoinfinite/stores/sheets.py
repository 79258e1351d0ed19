"""How the layers of a stage are cut into blocks of tiles, each drawn once, and which blocks read which.

A level of one layer needs none of this: its shards draw their own tiles. Where tiles are fused between
layers, a shard that drew its own cone would draw again most of what its neighbours draw. So every tile
of every layer belongs to one block, a block is one task, and blocks and shards read blocks of the layer
below. All that is known of an axis is known without the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from geoinfinite.cascade import whole_blocks
from geoinfinite.recipe import Recipe
from geoinfinite.stack import level_layers
from geoinfinite.stores.planning import BLOCK_SIDE, Stage
from geoinfinite.tiling import Layer, cone
from geoinfinite.window import Window

Place = tuple[int, int, int]
"""``(layer, row, column)`` of a block; the layer after the last one is the shards'."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The tiles of one layer along one axis, in blocks of ``side`` tiles."""

    first: int
    """Index of the first tile."""
    tiles: int
    side: int
    turn: int | None = None
    """Tiles after which the axis repeats."""

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return -(-self.tiles // self.side)

    def members(self, block: int) -> range:
        """Return the indices of a block's tiles."""
        start = self.first + block * self.side
        return range(start, min(start + self.side, self.first + self.tiles))

    def locate(self, tile: int) -> tuple[int, int]:
        """Return the block of a tile and the tile's place in it.

        >>> Axis(first=-2, tiles=6, side=4, turn=6).locate(5), Axis(-2, 6, 4).locate(3)
        ((0, 1), (1, 1))
        """
        offset = tile - self.first
        return divmod(offset if self.turn is None else offset % self.turn, self.side)

    def holding(self, tiles: range) -> tuple[int, ...]:
        """Return the blocks that hold some tiles, in order of appearance."""
        return tuple(dict.fromkeys(self.locate(tile)[0] for tile in tiles))


@dataclass(frozen=True)
class StageBlocks:
    """The blocks of a stage, layer by layer; none where its shards draw alone."""

    world: Recipe
    stage: Stage

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that are cut into blocks."""
        return level_layers(self.world, self.stage.level) if self.stage.layered else ()

    @cached_property
    def axes(self) -> tuple[tuple[Axis, Axis], ...]:
        """Rows and columns of every layer's tiles."""
        if not self.layers:
            return ()
        found = []
        for need in cone(self.layers, whole_blocks(self.world, self.stage.level, self.stage.window)):
            stride, turn = need.layer.lattice.stride, need.layer.turn
            side = max(1, min(self.stage.shard, BLOCK_SIDE) // (stride * _scale(self.layers, need.layer)))
            whole = turn is not None and len(need.columns) >= turn
            columns = turn if turn is not None and whole else len(need.columns)
            found.append(
                (
                    Axis(need.rows.start, len(need.rows), side),
                    Axis(need.columns.start, columns, side, turn if whole else None),
                )
            )
        return tuple(found)

    def tiles(self, place: Place) -> tuple[range, range]:
        """Return the rows and columns of a block's tiles."""
        rows, columns = self.axes[place[0]]
        return rows.members(place[1]), columns.members(place[2])

    def inputs(self, place: Place) -> Iterator[Place]:
        """Yield the blocks that a block or a shard reads, in row-major order."""
        number, row, column = place
        if number > 0:
            rows, columns = self._reads[number]
            yield from ((number - 1, r, c) for r, c in product(rows[row], columns[column]))

    def readers(self, place: Place) -> Iterator[Place]:
        """Yield the blocks or shards that read a block."""
        number, row, column = place
        rows, columns = self._readers[number]
        yield from ((number + 1, r, c) for r, c in product(rows.get(row, ()), columns.get(column, ())))

    @cached_property
    def _reads(self) -> tuple[tuple[tuple[tuple[int, ...], ...], ...], ...]:
        """For every layer and the shards, per axis: the blocks below that each block reads."""
        found: list[tuple[tuple[tuple[int, ...], ...], ...]] = [((), ())]
        for number in range(1, len(self.layers) + 1):
            below, axes = self.layers[number - 1], self.axes[number - 1]
            shapes = self._shape(number)
            rows = (below.need(self._window(number, row, 0)).rows for row in range(shapes[0]))
            columns = (below.need(self._window(number, 0, c)).columns for c in range(shapes[1]))
            found.append((tuple(map(axes[0].holding, rows)), tuple(map(axes[1].holding, columns))))
        return tuple(found)

    @cached_property
    def _readers(self) -> tuple[tuple[dict[int, list[int]], ...], ...]:
        return tuple(tuple(_inverse(axis) for axis in reads) for reads in self._reads[1:])

    def _shape(self, number: int) -> tuple[int, int]:
        if number == len(self.layers):
            return self.stage.rows, self.stage.columns
        rows, columns = self.axes[number]
        return rows.blocks, columns.blocks

    def _window(self, number: int, row: int, column: int) -> Window:
        """Return the pixels of the layer below that a block or a shard reads."""
        if number == len(self.layers):
            shard = self.stage.shard_window(row, column)
            return whole_blocks(self.world, self.stage.level, shard)
        layer = self.layers[number]
        return layer.reads(layer.lattice.cover(*self.tiles((number, row, column))))


def _scale(layers: tuple[Layer, ...], layer: Layer) -> int:
    """Return the pixels of the level per pixel of a layer's plane."""
    return layers[-1].zoom if layer is not layers[-1] else 1


def _inverse(reads: Iterable[tuple[int, ...]]) -> dict[int, list[int]]:
    """Return who reads each block, from what each one reads.

    >>> _inverse([(0, 1), (1,)])
    {0: [0], 1: [0, 1]}
    """
    found: dict[int, list[int]] = {}
    for reader, blocks in enumerate(reads):
        for block in blocks:
            found.setdefault(block, []).append(reader)
    return found
