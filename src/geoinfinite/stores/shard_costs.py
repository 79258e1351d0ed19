"""What the shards of a level cost together where tiles cost differently: a tile counts for every shard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from geoinfinite.engine import Level
from geoinfinite.plane.window import Window
from geoinfinite.tiling import Solve, TileBlock, cone


@dataclass(frozen=True, slots=True)
class _Run:
    """Rows, or columns, of tiles at equal distances."""

    first: int
    count: int
    every: int = 1


def shard_evaluations(level: Level, cell: Callable[[int, int], Window], shards: tuple[int, int]) -> int:
    """Return the sum of what shards cost, in a time that does not grow with their number.

    ``cell(row, column)`` is the window of a shard: squares whose side is a multiple of the stride, the last
    ones cut short. All tiles of the level are solved in one layer. Invariant:
    ``sum(level.cost(cell(y, x)).evaluations for y ... for x ...)``.
    """
    pricing, layers = level.drawn.pricing, level.drawn.layers
    lattice, work = layers[0].lattice, layers[0].work
    if len(layers) > 1 or not isinstance(work, Solve):
        raise TypeError(f"tiles of level {level.number} are drawn apart from its shards")

    def block(row: int, column: int) -> TileBlock:
        return cone(layers, level.blocks(cell(row, column)))[0].block

    def tiles(rows: _Run, columns: _Run) -> TileBlock:
        first = lattice.window((rows.first, columns.first))
        block = lattice.block(range(rows.count), range(columns.count))
        return replace(block, origin=(first.y0, first.x0), every=(rows.every, columns.every))

    rows = _runs(shards[0], lambda number: block(number, 0).rows)
    columns = _runs(shards[1], lambda number: block(0, number).columns)
    return sum(pricing.of_block(tiles(y, x), work.steps) for y in rows for x in columns)


def _runs(count: int, drawn: Callable[[int], range]) -> list[_Run]:
    """Return all tiles that shards along an axis draw, as often as they are drawn.

    All shards but the last draw equally many tiles, each as far from those of the one before.
    """
    last = drawn(count - 1)
    runs = [_Run(last.start, len(last))]
    if count > 1:
        first = drawn(0)
        apart = drawn(1).start - first.start
        # Every shard draws what it begins with and, once more, what the next one begins with.
        runs.append(_Run(first.start, apart * (count - 1)))
        runs += [_Run(shared, count - 1, apart) for shared in range(first.start + apart, first.stop)]
    return runs
