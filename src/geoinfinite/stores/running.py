"""Runs the stages of a job on whatever Dask is set to: threads, processes, one thread, or a cluster."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import dask
import dask.base
import dask.threaded
from dask.callbacks import Callback
from dask.system import CPU_COUNT

from geoinfinite.errors import StoreError
from geoinfinite.progress import Progress
from geoinfinite.stores import ledger
from geoinfinite.stores.identity import Profile, numerics_profile
from geoinfinite.stores.planning import Plan
from geoinfinite.stores.shards import Job, Outcome, Ticks, attempt, commit, failed, left_out
from geoinfinite.stores.sheet_files import SheetFiles
from geoinfinite.stores.sheets import Place, StageSheets
from geoinfinite.stores.sweep import Sweep

BATCH = 256
"""Tasks handed to a local scheduler at once, or looked ahead for those that a cluster can do."""
THREADS = 4
"""Tasks done at once in threads, unless Dask is told otherwise: a network serves one of them at a time."""
RETRIES = 2
"""How often a cluster tries a task again."""

Tasks = Iterator[tuple[Place, tuple[Place, ...]]]
Heard = Callable[[Outcome], None]


def profile_where_tasks_run(plan: Plan) -> Profile:
    """Return the numerics profile of the machines that will draw."""
    client = _client()
    if client is None:
        return numerics_profile(plan.world)
    profile: Profile = client.submit(numerics_profile, plan.world, pure=False).result()
    return profile


def run(job: Job, progress: Progress) -> tuple[int, int, int, int]:
    """Draw every shard that is not committed, stage by stage.

    Returns shards drawn, shards kept, tiles drawn, and evaluations of one tile that this took.

    A shard that fails does not stop the others of its stage; then `StoreError` names them. What has
    been committed stays, whatever happens.
    """
    drawn = kept = tiles = evaluations = 0
    progress.start(job.plan.tiles, job.plan.pixels)
    try:
        for index, stage in enumerate(job.plan.stages):
            outcomes: list[Outcome] = []
            files, sweep = _begin(job, index)
            shards, before = len(StageSheets(job.plan.world, stage).layers), drawn + kept

            def hear(
                outcome: Outcome,
                failures: list[Outcome] = outcomes,
                sweep: Sweep = sweep,
                shards: int = shards,
            ) -> None:
                nonlocal drawn, kept, tiles, evaluations
                if outcome.error:
                    failures.append(outcome)
                    return
                tiles, evaluations = tiles + outcome.drawn, evaluations + outcome.evaluations
                if outcome.layer is None:
                    drawn, kept = drawn + (not outcome.kept), kept + outcome.kept
                layer = shards if outcome.layer is None else outcome.layer
                sweep.finish((layer, outcome.row, outcome.column))
                tell = progress.keep if outcome.kept else progress.advance
                tell(outcome.tiles - outcome.told[0], outcome.pixels - outcome.told[1])

            client = _client()
            if client is None:
                _run_locally(job, index, iter(sweep), hear, Ticks(progress))
            else:
                _run_on_cluster(client, job, index, iter(sweep), hear)
            if outcomes:
                undone = stage.shards - (drawn + kept - before)
                raise StoreError(_complaint(job, f"{undone} of {stage.shards}", outcomes))
            files.clear()
    finally:
        progress.finish()
    return drawn, kept, tiles, evaluations


def _begin(job: Job, index: int) -> tuple[SheetFiles, Sweep]:
    """Return where a stage keeps its sheets and in which order it is drawn."""
    stage = job.plan.stages[index]

    def committed(row: int, column: int) -> bool:
        place = (job.objects, stage.level, row, column)
        if job.quick:
            return ledger.present(*place)
        return ledger.inspect(*place, job=job.name) is ledger.State.SOUND

    files = SheetFiles(job.objects, job.name, stage.level)
    return files, Sweep(StageSheets(job.plan.world, stage), files, committed)


def _client() -> Any:
    """Return the distributed client that Dask would use, if any, without importing distributed."""
    scheduler = _scheduler()
    owner = getattr(scheduler, "__self__", None)
    return owner if hasattr(owner, "submit") else None


def _scheduler() -> Any:
    """Return the function that Dask is set to compute graphs with; ``None`` if it is set to nothing."""
    return dask.base.get_scheduler()  # type: ignore[no-untyped-call]


def _run_locally(job: Job, index: int, tasks: Tasks, hear: Heard, ticks: Ticks) -> None:
    get = _scheduler() or dask.threaded.get
    told: dict[str, Any] = {}
    broken: dict[Place, Outcome] = {}
    if get is dask.threaded.get and dask.config.get("num_workers", None) is None:
        told["num_workers"] = min(THREADS, CPU_COUNT)
    fatal = False

    def heard(key: Any, outcome: Any, *_: Any) -> None:
        nonlocal fatal
        if isinstance(outcome, Outcome):
            if outcome.error:
                broken[here[key]] = outcome
            fatal = fatal or outcome.fatal
            hear(outcome)

    while not fatal and (batch := list(itertools.islice(tasks, BATCH))):
        here = {_key(index, place): place for place, _ in batch}
        graph = {
            _key(index, place): (
                partial(attempt, job, index, place, ticks),
                *(key if (key := _key(index, sheet)) in here else broken[sheet] for sheet in after),
            )
            for place, after in batch
        }
        with Callback(posttask=heard):  # type: ignore[no-untyped-call]
            get(graph, list(graph), **told)


def _key(index: int, place: Place) -> str:
    return "-".join(map(str, ("task", index, *place)))


def _run_on_cluster(client: Any, job: Job, index: int, tasks: Tasks, hear: Heard) -> None:
    """Keep a bounded number of tasks in flight; results are a few numbers, pixels never travel.

    A task is handed over when the sheets that it reads are there. The cluster is told of no dependency:
    where a worker dies it would draw again what was drawn long ago, from sheets that have been dropped.
    """
    # Distributed is an optional dependency: whoever has a client has it.
    from distributed import as_completed

    run_name, ticks = uuid.uuid4().hex[:8], Ticks(None)
    flying: dict[str, tuple[Any, Place]] = {}
    ahead = _Ahead(tasks)
    in_flight = max(4, 2 * sum(client.nthreads().values()))
    futures: Any = as_completed([])  # type: ignore[no-untyped-call]
    stopped = False

    def end(place: Place, outcome: Outcome) -> None:
        nonlocal stopped
        stopped = stopped or outcome.fatal
        ahead.end(place, outcome)
        hear(outcome)

    def fill() -> None:
        while not stopped and len(flying) < in_flight and (task := ahead.take()) is not None:
            place, broken = task
            if broken is not None:
                end(place, left_out(job, index, place, broken))
                continue
            key = f"{_key(index, place)}-{job.name[:12]}-{run_name}"
            future = client.submit(commit, job, index, place, ticks, key=key, retries=RETRIES, pure=False)
            flying[key] = future, place
            futures.add(future)

    try:
        fill()
        for future in futures:
            _, place = flying.pop(future.key)
            error = future.exception()
            end(place, future.result() if error is None else failed(job, index, place, error))
            fill()
    except BaseException:
        client.cancel([future for future, _ in flying.values()])
        raise


class _Ahead:
    """The next tasks of a stage, of which those are handed out first that need not wait."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._waiting: dict[Place, tuple[tuple[Place, ...], set[Place]]] = {}
        self._broken: dict[Place, Outcome] = {}

    def take(self) -> tuple[Place, Outcome | None] | None:
        """Return a task that waits for no other, and a failed one that it follows, if any.

        ``None`` if all wait for tasks in flight, or there are no more.
        """
        while (ready := next((p for p, (_, pending) in self._waiting.items() if not pending), None)) is None:
            following = next(self._tasks, None) if len(self._waiting) < BATCH else None
            if following is None:
                return None
            place, after = following
            self._waiting[place] = after, set(after) - self._broken.keys()
        after, _ = self._waiting.pop(ready)
        return ready, next((self._broken[sheet] for sheet in after if sheet in self._broken), None)

    def end(self, place: Place, outcome: Outcome) -> None:
        """Take note that a task has ended, well or not."""
        if outcome.error:
            self._broken[place] = outcome
        for _, pending in self._waiting.values():
            pending.discard(place)


def _complaint(job: Job, undone: str, failures: list[Outcome]) -> str:
    causes = [f for f in failures if not f.follows]
    named = ", ".join(f.name for f in causes[:4]) + (", ..." if len(causes) > 4 else "")
    reason = causes[0].error
    stop = "; stopped there" if any(f.fatal for f in failures) else ""
    return (
        f"{undone} shards of {job.objects.url} failed: {named} ({reason}){stop}; "
        f"the others are kept: geoinfinite resume {job.objects.url}"
    )
