"""Runs a job: finds out what is done, draws the rest, and says what failed."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Event
from typing import Any

from geoinfinite.errors import StoreError
from geoinfinite.progress import Progress
from geoinfinite.stores.identity import Profile, numerics_profile
from geoinfinite.stores.jobs.graph import JobGraph
from geoinfinite.stores.jobs.job import Job
from geoinfinite.stores.jobs.lookahead import LookAhead
from geoinfinite.stores.jobs.order import TaskOrder
from geoinfinite.stores.jobs.outcomes import Drawn, Failed, Failures, Kept, Outcome, Skipped, Tally, Task
from geoinfinite.stores.jobs.parts import Share
from geoinfinite.stores.jobs.survey import Survey
from geoinfinite.stores.jobs.tasks import attempt, carry_out, kept_shard
from geoinfinite.stores.jobs.tile_counts import Ticks
from geoinfinite.stores.planning import Plan
from geoinfinite.stores.pools.choosing import find_client, open_pool
from geoinfinite.stores.pools.cluster import ClusterPool, check_memory
from geoinfinite.stores.pools.conducting import conduct
from geoinfinite.stores.pools.pool import Call, Raised
from geoinfinite.stores.pools.settings import RunSettings
from geoinfinite.stores.pools.watching import Watch


def profile_where_tasks_run(plan: Plan, settings: RunSettings) -> Profile:
    """Return the numerics profile of the machines that will draw, having checked that they can.

    Raises `StoreError` for a cluster that is out of reach, `BudgetError` for workers with too little memory.
    """
    client = find_client(settings)
    if client is None:
        return numerics_profile(plan.recipe)
    question, pool = _Question(plan), ClusterPool(client, settings)
    try:
        check_memory(client, plan)
        conduct(pool, question, Watch(settings.stall_s, settings.task_limit_s))
    finally:
        pool.close()
    return question.answer


class _Question:
    """One call to find out what the workers compute with, as work."""

    def __init__(self, plan: Plan) -> None:
        self._left = [Call("numerics-profile", numerics_profile, (plan.recipe,))]
        self.answer: Profile = {}

    def take(self) -> tuple[None, Call] | None:
        """Return the call, once."""
        return (None, self._left.pop()) if self._left else None

    def end(self, subject: None, value: Any) -> None:
        """Take the answer."""
        if isinstance(value, Raised):
            raise StoreError(f"a worker cannot say what it computes with: {value.error}") from value.error
        self.answer = value


def run(job: Job, progress: Progress, settings: RunSettings) -> Tally:
    """Draw every shard that is not committed.

    A shard that fails does not stop others than those that are drawn on it; at the end `StoreError` names
    what failed. What has been committed stays, whatever happens.
    """
    stop, graph = Event(), JobGraph(job.plan, job.sheet_side)
    share = Share(graph, job.part)
    files = [job.files(stage) for stage in range(len(job.plan.stored))]
    progress.start(share.tiles, share.pixels)
    pool = open_pool(settings, stop)
    try:
        survey = Survey(job, graph, share.concerns)
        conduct(pool, survey, Watch(settings.stall_s, settings.task_limit_s))
        order = TaskOrder(share, graph, files, survey.found)
        drawing = _Drawing(job, share, order, progress, settings)
        drawing.ticks = Ticks(progress, stop)
        drawing.keep(shard for shard in share.shards if survey.found(shard))
        conduct(pool, drawing, Watch(settings.stall_s, settings.task_limit_s))
    except StoreError as error:
        raise StoreError(f"{error}; what is drawn is kept: geoinfinite resume {job.objects.url}") from error
    finally:
        pool.close()
        progress.finish()
    if drawing.failures.count:
        undone = len(share) - drawing.done
        raise StoreError(
            f"{undone} of {len(share)} shards of {job.objects.url} failed: {drawing.failures}; "
            f"the others are kept: geoinfinite resume {job.objects.url}"
        )
    job.drop_sheets()
    return drawing.tally


class _Drawing:
    """The tasks of a job, as work."""

    def __init__(
        self, job: Job, share: Share, order: TaskOrder, progress: Progress, settings: RunSettings
    ) -> None:
        self._job, self._share, self._order, self._progress = job, share, order, progress
        self._graph = JobGraph(job.plan, job.sheet_side)
        self._ahead = LookAhead(order, settings.look_ahead)
        # A cluster tries a task again that raised an error; elsewhere an error is an outcome like others.
        self._function = attempt if find_client(settings) is None else carry_out
        self.ticks = Ticks()
        self.tally, self.failures = Tally(), Failures()
        self.done = 0
        """Shards of the part itself that are drawn or kept."""

    def keep(self, shards: Iterable[Task]) -> None:
        """Count shards that were found committed."""
        for shard in shards:
            self._hear(shard, kept_shard(self._graph, shard))

    def take(self) -> tuple[Task, Call] | None:
        """Return the next task, unless the job is to stop; tasks that cannot be done are passed over."""
        while not self.failures.fatal and (task := self._ahead.take()) is not None:
            if (missing := self._order.missing(task)) is None:
                return task, Call(self._graph.key(task), self._function, (self._job, task, self.ticks))
            self.end(task, Skipped(missing))
        return None

    def end(self, subject: Task, value: Outcome | Raised) -> None:
        """Take what became of a task."""
        outcome = Failed.of(value.error) if isinstance(value, Raised) else value
        if isinstance(outcome, Failed | Skipped):
            self._order.fail(subject)
        else:
            self._order.finish(subject)
        self._ahead.end(subject)
        self._hear(subject, outcome)

    def _hear(self, task: Task, outcome: Outcome) -> None:
        is_shard = self._graph.is_shard(task)
        self.tally = self.tally.plus(outcome, is_shard=is_shard)
        match outcome:
            case Drawn():
                tiles, pixels = outcome.reported
                self._progress.advance(outcome.tiles - tiles, outcome.pixels - pixels)
            case Kept():
                self._progress.keep(outcome.tiles, outcome.pixels)
            case Failed():
                self.failures.add(self._graph.name(task), outcome)
                return
            case Skipped():
                return
        self.done += is_shard and self._share.owns(task)
