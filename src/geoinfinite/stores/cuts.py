"""How the pixels of a group are cut into shards and objects, and what all of these are called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from geoinfinite.stores.presets import StorePreset

IMAGE = "image"
LEDGER = "ledger"
PARENTS = "parents"
"""The group of the levels that are stored with the margins that their children's drawing reads."""
DIGEST_BYTES = 32

Place = tuple[int, int]
"""Row and column of a shard or of an object."""


def parents_group(level: int) -> str:
    """Return the name of the group of a level that is stored as it was drawn, with its margins."""
    return f"{PARENTS}/{level}"


def level_of(group: str) -> int:
    """Return the level that a group holds.

    >>> level_of("3"), level_of("parents/2")
    (3, 2)
    """
    return int(group.removeprefix(f"{PARENTS}/"))


@dataclass(frozen=True, slots=True)
class Cut:
    """The shards of one group: each is drawn by one task, has one commit record, and is one or more objects.

    Shards and objects are counted from the window's own corner; the last of an axis may hold fewer pixels.
    """

    group: str
    shape: tuple[int, int]
    """Rows and columns of pixels."""
    shard: int
    """Side of a shard in pixels."""
    chunk: int
    """Side of a chunk in pixels; divides ``shard``."""
    preset: StorePreset

    @property
    def rows(self) -> int:
        """Rows of shards."""
        return -(-self.shape[0] // self.shard)

    @property
    def columns(self) -> int:
        """Columns of shards."""
        return -(-self.shape[1] // self.shard)

    @property
    def object_side(self) -> int:
        """Side in pixels of what one object holds."""
        return self.shard if self.preset.sharded else self.chunk

    @property
    def digests(self) -> int:
        """Digests that a commit record has room for: one for each object of a whole shard."""
        return (self.shard // self.object_side) ** 2

    def has_shard(self, row: int, column: int) -> bool:
        """Say whether there is such a shard."""
        return row < self.rows and column < self.columns

    def has_object(self, row: int, column: int) -> bool:
        """Say whether there is such an object."""
        return row * self.object_side < self.shape[0] and column * self.object_side < self.shape[1]

    def objects(self, row: int, column: int) -> Iterator[Place]:
        """Yield the rows and columns of a shard's objects, in row-major order."""
        yield from product(self._along(row, self.shape[0]), self._along(column, self.shape[1]))

    def object_name(self, row: int, column: int) -> str:
        """Return the name of an object of pixels."""
        return self.preset.chunk_of(f"{self.group}/{IMAGE}", 0, row, column)

    def names(self, row: int, column: int) -> tuple[str, ...]:
        """Return the names of a shard's objects."""
        return tuple(self.object_name(*place) for place in self.objects(row, column))

    def record(self, row: int, column: int) -> str:
        """Return the name of a shard's commit record."""
        return self.preset.chunk_of(f"{LEDGER}/{self.group}", row, column, 0)

    def _along(self, shard: int, pixels: int) -> range:
        per_shard = self.shard // self.object_side
        return range(shard * per_shard, min((shard + 1) * per_shard, -(-pixels // self.object_side)))
