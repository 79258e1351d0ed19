"""One task: draw a shard on its stored parent, or copy it, and commit it; or draw a sheet of a layer."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from geoinfinite.engine import RasterSource, draw, read
from geoinfinite.engine.cost import Cost
from geoinfinite.plane.window import Window
from geoinfinite.stores import ledger
from geoinfinite.stores.jobs.graph import JobGraph
from geoinfinite.stores.jobs.job import OPEN_JOBS, Job, OpenJob, OpenJobs
from geoinfinite.stores.jobs.layered import draw_sheet, fuse_shard
from geoinfinite.stores.jobs.outcomes import Drawn, Failed, Kept, Outcome, Task
from geoinfinite.stores.jobs.tile_counts import Ticks, TileCounter
from geoinfinite.stores.stages import Stage


def carry_out(job: Job, task: Task, ticks: Ticks, jobs: OpenJobs = OPEN_JOBS) -> Outcome:
    """Commit a shard, or keep a sheet, unless that was done before; repeating it is harmless."""
    opened = jobs.open(job)
    return (
        _commit_shard(opened, task, ticks)
        if opened.graph.is_shard(task)
        else _keep_sheet(opened, task, ticks)
    )


def attempt(job: Job, task: Task, ticks: Ticks, jobs: OpenJobs = OPEN_JOBS) -> Outcome:
    """Do as `carry_out`, but return an error as an outcome."""
    try:
        return carry_out(job, task, ticks, jobs)
    except Exception as error:
        return Failed.of(error)


def find_committed(job: Job, shards: tuple[Task, ...], jobs: OpenJobs = OPEN_JOBS) -> list[bool]:
    """Say of every shard whether it is committed and sound."""
    opened = jobs.open(job)
    return [opened.is_committed(shard) for shard in shards]


def kept_shard(graph: JobGraph, shard: Task) -> Kept:
    """Return the outcome of a shard that is committed; of a stage in layers, with its share of the tiles."""
    stage = graph.plan.stored[shard.stage]
    window = stage.shard_window(shard.row, shard.column)
    tiles = stage.tiles // stage.shards if stage.layered else _cost(stage, window).tiles
    return Kept(tiles, window.size)


def _cost(stage: Stage, window: Window) -> Cost:
    """Return what the task of a shard draws: nothing if it is copied, or fused of sheets."""
    return Cost() if stage.layered or stage.copied else stage.source.cost(window)


def _commit_shard(opened: OpenJob, shard: Task, ticks: Ticks) -> Outcome:
    """Draw, encode, write each object whole, read it back, write the record, unless that was done before.

    Killed anywhere between, the next run finds the shard undone. The check is made here although the job
    knows what was there when it began: a cluster repeats tasks whose result it lost.
    """
    job, stage = opened.job, opened.job.plan.stored[shard.stage]
    if opened.is_committed(shard):
        return kept_shard(opened.graph, shard)
    opened.check_here()
    window = stage.shard_window(shard.row, shard.column)
    cost = _cost(stage, window)
    counter = ticks.listen(window.size, cost.tiles)
    encoded = opened.encode(shard, _pixels(opened, shard, window, counter))
    # A file that was replaced while the shard was drawn must not decide its pixels.
    opened.check_here()
    place = shard.row, shard.column
    ledger.commit(job.objects, opened.cut(shard.stage), place, job=job.name, encoded=encoded)
    return Drawn(counter.drawn, window.size, cost.evaluations, counter.reported)


def _keep_sheet(opened: OpenJob, task: Task, ticks: Ticks) -> Outcome:
    job, stage, sheets = opened.job, opened.job.plan.stages[task.stage], opened.graph.stages[task.stage]
    need, files = sheets.need(task.id), job.files(task.stage)
    if files.holds(task.id):
        # A cluster repeats what it has not heard of when a worker dies.
        return Kept(need.tiles, 0)
    opened.check_here()
    counter = ticks.listen(0, need.tiles)
    tiles = draw_sheet(sheets, files, task.id, opened.parent(task.stage), counter.resources())
    opened.check_here()
    files.save(task.id, tiles)
    evaluations = stage.source.drawn.pricing.evaluations(need)
    return Drawn(counter.drawn, 0, evaluations, counter.reported)


def _pixels(opened: OpenJob, shard: Task, window: Window, counter: TileCounter) -> NDArray[Any]:
    stage = opened.job.plan.stored[shard.stage]
    if stage.copied:
        return opened.copied(shard)
    read_parent = opened.parent(shard.stage)
    if stage.layered:
        return fuse_shard(
            opened.graph.stages[shard.stage], opened.job.files(shard.stage), window, read_parent
        )
    if isinstance(stage.source.source, RasterSource):
        return read(stage.source, window, counter.resources())
    return draw(stage.source, window, read_parent, counter.resources())
