"""One task: draw one shard on its stored parent, write it as one object, commit it."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.cascade import draw
from geoinfinite.cost import level_cost
from geoinfinite.errors import StoreError
from geoinfinite.progress import Progress
from geoinfinite.stores import ledger
from geoinfinite.stores.identity import Profile, check_same_numerics, numerics_profile
from geoinfinite.stores.layout import encode_shard, open_image
from geoinfinite.stores.planning import Plan, Stage
from geoinfinite.tiling import TileCache
from geoinfinite.window import Window

_FATAL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
"""No other shard can be written either."""


@dataclass(frozen=True, slots=True)
class Job:
    """What every task of a job is told."""

    plan: Plan
    path: Path
    name: str
    """The job's name, which its commit records carry."""
    numerics: Profile
    quick: bool = False
    """Whether a shard counts as done because it is there, its bytes unread."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one shard."""

    level: int
    row: int
    column: int
    pixels: int
    tiles: int
    """Tiles of the shard by the plan."""
    drawn: int = 0
    """Tiles that were drawn for it."""
    kept: bool = False
    """Whether it was found committed and sound."""
    told: tuple[int, int] = (0, 0)
    """Tiles and pixels that progress has heard of already."""
    error: str = ""
    fatal: bool = False
    """Whether the other shards would fail for the same reason."""

    @property
    def name(self) -> str:
        """The shard, as people and errors name it."""
        return f"level {self.level} shard ({self.row}, {self.column})"


class Ticks:
    """Tells progress of every tile as it is drawn, in the process that shows it; elsewhere it is mute."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress

    def __reduce__(self) -> tuple[type[Ticks], tuple[None]]:
        return Ticks, (None,)

    def listen(self, pixels: int, tiles: int) -> _Counter:
        """Return what counts the tiles of one shard."""
        advance = None if self._progress is None else self._progress.advance
        return _Counter(advance, pixels // max(tiles, 1))


class _Counter(TileCache):
    """A cache that keeps nothing and counts what it is given: a shard draws every tile once."""

    def __init__(self, advance: Callable[[int, int], None] | None, pixels_per_tile: int) -> None:
        super().__init__(max_bytes=0)
        self._advance, self._pixels, self.drawn = advance, pixels_per_tile, 0
        self._count = threading.Lock()

    def get(self, key: Any) -> None:
        return None

    def put(self, key: Any, tile: Any) -> None:
        with self._count:
            self.drawn += 1
        if self._advance is not None:
            self._advance(1, self._pixels)

    @property
    def told(self) -> tuple[int, int]:
        return (0, 0) if self._advance is None else (self.drawn, self.drawn * self._pixels)


def commit_shard(job: Job, index: int, row: int, column: int, ticks: Ticks) -> Outcome:
    """Make sure that a shard of stage ``index`` is drawn and committed; repeat it as often as you like.

    A shard that is committed and sound is kept. Otherwise: draw, encode, write the object (atomic),
    read it back, write the record. Killed anywhere between, the next run finds it undone.
    """
    stage = job.plan.stages[index]
    window = stage.shard_window(row, column)
    tiles = level_cost(job.plan.world, stage.level, window).tiles
    place = (job.path, stage.level, row, column)
    if ledger.present(*place) if job.quick else ledger.inspect(*place, job=job.name) is ledger.State.SOUND:
        return Outcome(stage.level, row, column, window.size, tiles, kept=True)
    check_same_numerics(job.path, job.numerics, numerics_profile(job.plan.world))
    counter = ticks.listen(window.size, tiles)
    pixels = _draw(job, index, window, counter)
    ledger.commit(*place, job=job.name, encoded=encode_shard(job.path, stage.level, row, column, pixels))
    return Outcome(stage.level, row, column, window.size, tiles, counter.drawn, told=counter.told)


def attempt_shard(job: Job, index: int, row: int, column: int, ticks: Ticks) -> Outcome:
    """Do as `commit_shard`, and return an error as an outcome, so that other shards go on."""
    try:
        return commit_shard(job, index, row, column, ticks)
    except Exception as error:
        return failed(job, index, row, column, error)


def failed(job: Job, index: int, row: int, column: int, error: BaseException) -> Outcome:
    """Return the outcome of a shard that could not be drawn or written."""
    stage = job.plan.stages[index]
    pixels = stage.shard_window(row, column).size
    fatal = isinstance(error, OSError) and error.errno in _FATAL
    text = str(error) if isinstance(error, StoreError) else f"{type(error).__name__}: {error}"
    return Outcome(stage.level, row, column, pixels, 0, error=text.strip(), fatal=fatal)


def _draw(job: Job, index: int, window: Window, counter: _Counter) -> NDArray[Any]:
    world, level = job.plan.world, job.plan.stages[index].level
    if level == 0:
        return world.root.read(window)
    if level == 1:
        return draw(world, level, window, world.root.read, cache=counter)
    parent = job.plan.stages[index - 1]
    return draw(world, level, window, lambda w: read_stored(job, parent, w), cache=counter)


def read_stored(job: Job, stage: Stage, window: Window) -> NDArray[Any]:
    """Return pixels ``(band, y, x)`` of a finished stage; columns wrap where it goes once round.

    Raises `StoreError` rather than return the fill value of a shard that is not there.
    """
    period = job.plan.world.grid.period(stage.level)
    image = open_image(job.path, stage.level)
    start = window.x0 - stage.window.x0
    if period is not None:
        start %= period
    parts = []
    for x0, x1 in _wrapped(start, window.width, stage.window.width):
        part = Window(window.y0, window.y1, stage.window.x0 + x0, stage.window.x0 + x1)
        y, x = part.slices(stage.window)
        _check_present(job, stage, y, x)
        parts.append(image[:, y, x])
    return np.concatenate(parts, axis=2)


def _wrapped(start: int, width: int, columns: int) -> list[tuple[int, int]]:
    """Return the runs of columns that ``width`` pixels from ``start`` are, modulo ``columns``.

    >>> _wrapped(8, 5, 10)
    [(8, 10), (0, 3)]
    """
    if start + width <= columns:
        return [(start, start + width)]
    return [(start, columns), (0, start + width - columns)]


def _check_present(job: Job, stage: Stage, y: slice, x: slice) -> None:
    for row in range(y.start // stage.shard, -(-y.stop // stage.shard)):
        for column in range(x.start // stage.shard, -(-x.stop // stage.shard)):
            if not ledger.present(job.path, stage.level, row, column):
                raise StoreError(
                    f"{job.path} lost level {stage.level} shard ({row}, {column}) "
                    "while its children were drawn; "
                    f"run: geoinfinite resume {job.path}"
                )
