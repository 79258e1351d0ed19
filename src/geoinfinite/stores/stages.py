"""The stages of a job: the groups of pixels that a store holds."""

from __future__ import annotations

from dataclasses import dataclass

from geoinfinite.engine import Level
from geoinfinite.plane.window import Window
from geoinfinite.stores.cuts import Cut
from geoinfinite.stores.presets import StorePreset


@dataclass(frozen=True, slots=True)
class Stage:
    """One group of pixels of a store: which pixels of a level, in which shards, for how many tiles.

    Shards are counted from the window's own corner, so the last row and column may be smaller.
    """

    source: Level
    """The level, resolved."""
    window: Window
    group: str
    """Name of the group that holds it."""
    shard: int
    """Side of a shard in pixels: what one task draws."""
    chunk: int
    """Side in pixels of what a reader fetches at once; divides ``shard``."""
    tiles: int
    """Tiles drawn, over all shards."""
    tiles_alone: int
    """Tiles that would be drawn if the level were one shard."""
    evaluations: int
    """Network evaluations of one tile, over all shards; padding of short batches is not counted."""
    layered: bool = False
    """Whether tiles are drawn apart from the shards, layer by layer, and kept until they are read."""
    copied: bool = False
    """Whether its pixels are copied from the stage of the same level that was drawn and holds more."""

    @property
    def level(self) -> int:
        """Number of the level."""
        return self.source.number

    @property
    def rows(self) -> int:
        """Rows of shards."""
        return -(-self.window.height // self.shard)

    @property
    def columns(self) -> int:
        """Columns of shards."""
        return -(-self.window.width // self.shard)

    @property
    def shards(self) -> int:
        """Number of shards."""
        return self.rows * self.columns

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.window.size

    def shard_window(self, row: int, column: int) -> Window:
        """Return the pixels of a shard on the level."""
        return cell(self.window, self.shard, row, column)

    def cut(self, preset: StorePreset) -> Cut:
        """Return how a store of a preset cuts the pixels, and what the objects are called."""
        return Cut(self.group, self.window.shape, self.shard, self.chunk, preset)


def cell(window: Window, side: int, row: int, column: int) -> Window:
    """Return the pixels of a cell of the lattice of ``side`` pixels that begins at a window's corner."""
    y, x = window.y0 + row * side, window.x0 + column * side
    return Window(y, y + side, x, x + side).intersect(window)
