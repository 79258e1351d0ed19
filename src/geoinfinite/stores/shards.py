"""One task: draw one shard on its stored parent and commit it as one object, or one sheet of a layer."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.engine import RasterSource, ReadPixels, Resources, draw, process_resources, read
from geoinfinite.engine.cost import Cost, evaluations_of
from geoinfinite.errors import StoreError
from geoinfinite.plane.window import Window
from geoinfinite.progress import Progress
from geoinfinite.stores import ledger
from geoinfinite.stores.identity import Profile, check_same_numerics, numerics_profile
from geoinfinite.stores.layered import draw_sheet, fuse_shard
from geoinfinite.stores.layout import encode_shard, open_image
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.planning import Plan, Stage
from geoinfinite.stores.sheet_files import SheetFiles
from geoinfinite.stores.sheets import Place, StageSheets
from geoinfinite.tiling import NoTileCache
from geoinfinite.tiling.tile_cache import DrawTiles

_FATAL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
"""No other shard can be written either."""


@dataclass(frozen=True, slots=True)
class Job:
    """What every task of a job is told."""

    plan: Plan
    objects: Objects
    name: str
    """The job's name, which its commit records carry."""
    numerics: Profile
    quick: bool = False
    """Whether a shard counts as done because it is there, its bytes unread."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one task: a shard, or a sheet of a layer's tiles."""

    level: int
    row: int
    column: int
    pixels: int
    tiles: int
    """Tiles of the task by the plan."""
    drawn: int = 0
    """Tiles that were drawn for it."""
    evaluations: int = 0
    """Network evaluations of one tile that this took."""
    kept: bool = False
    """Whether it was found committed and sound."""
    told: tuple[int, int] = (0, 0)
    """Tiles and pixels that progress has heard of already."""
    error: str = ""
    fatal: bool = False
    """Whether the other tasks would fail for the same reason."""
    layer: int | None = None
    """The layer of a sheet; ``None`` for a shard."""
    follows: bool = False
    """Whether it was not tried, because a sheet that it reads was not drawn."""

    @property
    def name(self) -> str:
        """The task, as people and errors name it."""
        kind = "shard" if self.layer is None else f"layer {self.layer} sheet"
        return f"level {self.level} {kind} ({self.row}, {self.column})"


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


class _Counter(NoTileCache):
    """A cache that keeps nothing and counts what it is given: a shard draws every tile once."""

    def __init__(self, advance: Callable[[int, int], None] | None, pixels_per_tile: int) -> None:
        super().__init__()
        self._advance, self._pixels, self.drawn = advance, pixels_per_tile, 0
        self._count = threading.Lock()

    def obtain(self, keys: Iterable[Hashable], draw: DrawTiles) -> dict[Hashable, NDArray[np.float32]]:
        found = super().obtain(keys, draw)
        with self._count:
            self.drawn += len(found)
        if self._advance is not None:
            self._advance(len(found), len(found) * self._pixels)
        return found

    def resources(self) -> Resources:
        """Return the process's resources with this cache."""
        return replace(process_resources(), tiles=self)

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
    cost = Cost() if stage.layered else stage.source.cost(window)
    tiles, evaluations = cost.tiles, cost.evaluations
    place = (job.objects, stage.level, row, column)
    if ledger.present(*place) if job.quick else ledger.inspect(*place, job=job.name) is ledger.State.SOUND:
        return Outcome(stage.level, row, column, window.size, tiles, kept=True)
    check_same_numerics(job.objects.url, job.numerics, numerics_profile(job.plan.world))
    counter = ticks.listen(window.size, tiles)
    pixels = _draw(job, index, window, counter)
    ledger.commit(*place, job=job.name, encoded=encode_shard(job.plan, stage, row, column, pixels))
    return Outcome(
        stage.level, row, column, window.size, tiles, counter.drawn, evaluations, told=counter.told
    )


def commit_sheet(job: Job, index: int, place: Place, ticks: Ticks) -> Outcome:
    """Make sure that a sheet of a layer's tiles is drawn and kept; repeat it as often as you like."""
    stage, sheets = job.plan.stages[index], StageSheets(job.plan.world, job.plan.stages[index])
    layer, row, column = place
    need = sheets.need(place)
    files = SheetFiles(job.objects, job.name, stage.level)
    if files.holds(place):
        # A cluster repeats what it has not heard of when a worker dies.
        return Outcome(stage.level, row, column, 0, need.tiles, kept=True, layer=layer)
    check_same_numerics(job.objects.url, job.numerics, numerics_profile(job.plan.world))
    counter = ticks.listen(0, need.tiles)
    files.save(place, draw_sheet(sheets, files, place, _parent_reader(job, index), counter.resources()))
    evaluations = evaluations_of(need, stage.source.drawn.solving)
    return Outcome(
        stage.level,
        row,
        column,
        0,
        need.tiles,
        counter.drawn,
        evaluations,
        told=counter.told,
        layer=layer,
    )


def commit(job: Job, index: int, place: Place, ticks: Ticks) -> Outcome:
    """Do one task of a stage, whose sheets are there; the layer after the last one is the shards'."""
    if place[0] < len(StageSheets(job.plan.world, job.plan.stages[index]).layers):
        return commit_sheet(job, index, place, ticks)
    return commit_shard(job, index, *place[1:], ticks)


def attempt(job: Job, index: int, place: Place, ticks: Ticks, *after: Outcome) -> Outcome:
    """Do as `commit` after those that made its sheets; an error is an outcome, so that others go on."""
    broken = next((outcome for outcome in after if outcome.error), None)
    if broken is not None:
        return left_out(job, index, place, broken)
    try:
        return commit(job, index, place, ticks)
    except Exception as error:
        return failed(job, index, place, error)


def failed(job: Job, index: int, place: Place, error: BaseException) -> Outcome:
    """Return the outcome of a task that could not be done."""
    stage, (layer, row, column) = job.plan.stages[index], place
    is_shard = layer == len(StageSheets(job.plan.world, stage).layers)
    pixels = stage.shard_window(row, column).size if is_shard else 0
    fatal = isinstance(error, OSError) and error.errno in _FATAL
    text = str(error) if isinstance(error, StoreError) else f"{type(error).__name__}: {error}"
    return Outcome(
        stage.level,
        row,
        column,
        pixels,
        0,
        error=text.strip(),
        fatal=fatal,
        layer=None if is_shard else layer,
    )


def left_out(job: Job, index: int, place: Place, broken: Outcome) -> Outcome:
    """Return the outcome of a task that cannot be done because one that it follows was not."""
    error = StoreError(f"{broken.name}, which it reads, was not drawn")
    return replace(failed(job, index, place, error), follows=True)


def _draw(job: Job, index: int, window: Window, counter: _Counter) -> NDArray[Any]:
    stage, read_parent = job.plan.stages[index], _parent_reader(job, index)
    if stage.layered:
        files = SheetFiles(job.objects, job.name, stage.level)
        return fuse_shard(StageSheets(job.plan.world, stage), files, window, read_parent)
    if isinstance(stage.source.source, RasterSource):
        return read(stage.source, window, counter.resources())
    return draw(stage.source, window, read_parent, counter.resources())


def _parent_reader(job: Job, index: int) -> ReadPixels | None:
    """Return how a stage reads its parent: from the root raster or from the stage before."""
    stage = job.plan.stages[index]
    if stage.source.parent is None:
        return None
    if index == 0:
        return partial(read, stage.source.parent, resources=process_resources())
    return partial(read_stored, job, job.plan.stages[index - 1])


def read_stored(job: Job, stage: Stage, window: Window) -> NDArray[Any]:
    """Return pixels ``(band, y, x)`` of a finished stage; columns wrap where it goes once round.

    Raises `StoreError` rather than return the fill value of a shard that is not there.
    """
    period = job.plan.world.grid.period(stage.level)
    image = open_image(job.objects, stage.level)
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
            if not ledger.present(job.objects, stage.level, row, column):
                raise StoreError(
                    f"{job.objects.url} lost level {stage.level} shard ({row}, {column}) "
                    "while its children were drawn; "
                    f"run: geoinfinite resume {job.objects.url}"
                )
