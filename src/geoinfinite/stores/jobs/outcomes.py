"""The tasks of a job, what becomes of them, and how many of each there were."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from geoinfinite.errors import GeoInfiniteError

NAMED_FAILURES = 4
"""Failed tasks that an error names; the others are counted."""
_FATAL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
"""Errors after which no other shard can be written either."""


class Task(NamedTuple):
    """One task of a job: a shard, or the sheet of one layer's tiles."""

    stage: int
    """Index of the stage in the plan."""
    layer: int
    """The layer of a sheet; the number after the last layer for a shard."""
    row: int
    column: int

    @property
    def id(self) -> tuple[int, int, int]:
        """The task within its stage: layer, row, column."""
        return self.layer, self.row, self.column


@dataclass(frozen=True, slots=True)
class Drawn:
    """A task that was done now."""

    tiles: int
    """Tiles that were drawn."""
    pixels: int
    evaluations: int = 0
    """Network evaluations of one tile that this took."""
    reported: tuple[int, int] = (0, 0)
    """Tiles and pixels that the progress report has counted already, tile by tile."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A task that was found done and sound."""

    tiles: int
    """Tiles of the task by the plan."""
    pixels: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A task that raised an error."""

    reason: str
    fatal: bool = False
    """Whether every other task would fail for the same reason."""

    @classmethod
    def of(cls, error: BaseException) -> Failed:
        """Return the outcome of a task that raised an error."""
        fatal = isinstance(error, OSError) and error.errno in _FATAL
        own = isinstance(error, GeoInfiniteError)
        return cls((str(error) if own else f"{type(error).__name__}: {error}").strip(), fatal)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A task that was not tried, because a task whose result it reads failed."""

    missing: Task


Outcome = Drawn | Kept | Failed | Skipped


@dataclass(frozen=True, slots=True)
class Tally:
    """The numbers of tasks of a run by outcome, and what they took."""

    drawn: int = 0
    """Shards drawn."""
    kept: int = 0
    """Shards found committed and sound."""
    tiles: int = 0
    """Tiles drawn, for shards and for sheets."""
    evaluations: int = 0
    """Network evaluations of one tile."""

    def plus(self, outcome: Outcome, *, is_shard: bool) -> Tally:
        """Return the tally with one more task.

        >>> Tally().plus(Kept(9, 81), is_shard=True).plus(Drawn(4, 0, 12), is_shard=False)
        Tally(drawn=0, kept=1, tiles=4, evaluations=12)
        """
        match outcome:
            case Drawn():
                return replace(
                    self,
                    drawn=self.drawn + is_shard,
                    tiles=self.tiles + outcome.tiles,
                    evaluations=self.evaluations + outcome.evaluations,
                )
            case Kept():
                return replace(self, kept=self.kept + is_shard)
            case _:
                return self


@dataclass
class Failures:
    """The failures of a run: the first ones by name, the others by number, so that memory stays bounded."""

    first: list[tuple[str, Failed]] = field(default_factory=list)
    """Name of the task, and what it failed of."""
    count: int = 0
    fatal: bool = False

    def add(self, name: str, failed: Failed) -> None:
        """Note a task that failed by itself."""
        self.count += 1
        self.fatal = self.fatal or failed.fatal
        if len(self.first) < NAMED_FAILURES:
            self.first.append((name, failed))

    def __str__(self) -> str:
        """Return the tasks with their reasons; a reason that several share is said once."""
        by_reason: dict[str, list[str]] = {}
        for name, failed in self.first:
            by_reason.setdefault(failed.reason, []).append(name)
        text = "; ".join(f"{', '.join(names)} ({reason})" for reason, names in by_reason.items())
        more = self.count - len(self.first)
        return text + (f"; and {more} more" if more else "") + ("; stopped there" if self.fatal else "")
