"""Runs the stages of a job on whatever Dask is set to: threads, processes, one thread, or a cluster."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import dask
import dask.base
import dask.threaded
from dask.callbacks import Callback
from dask.system import CPU_COUNT

from geoinfinite.errors import StoreError
from geoinfinite.progress import Progress
from geoinfinite.stores import ledger
from geoinfinite.stores.blocks import Place, StageBlocks
from geoinfinite.stores.identity import Profile, numerics_profile
from geoinfinite.stores.planning import Plan
from geoinfinite.stores.scratch import Scratch
from geoinfinite.stores.shards import Job, Outcome, Ticks, attempt, commit, failed
from geoinfinite.stores.sweep import Sweep

BATCH = 256
"""Tasks handed to a local scheduler at once."""
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


def run(job: Job, progress: Progress) -> tuple[int, int, int]:
    """Draw every shard that is not committed, stage by stage; return shards drawn, shards kept, tiles drawn.

    A shard that fails does not stop the others of its stage; then `StoreError` names them. What has
    been committed stays, whatever happens.
    """
    drawn = kept = tiles = 0
    progress.start(job.plan.tiles, job.plan.pixels)
    try:
        for index, stage in enumerate(job.plan.stages):
            outcomes: list[Outcome] = []
            scratch, sweep = _begin(job, index)
            shards = len(StageBlocks(job.plan.world, stage).layers)

            def hear(
                outcome: Outcome,
                failures: list[Outcome] = outcomes,
                sweep: Sweep = sweep,
                shards: int = shards,
            ) -> None:
                nonlocal drawn, kept, tiles
                if outcome.error:
                    failures.append(outcome)
                    return
                tiles += outcome.drawn
                if outcome.layer is None:
                    drawn, kept = drawn + (not outcome.kept), kept + outcome.kept
                layer = shards if outcome.layer is None else outcome.layer
                sweep.finish((layer, outcome.row, outcome.column))
                progress.advance(outcome.tiles - outcome.told[0], outcome.pixels - outcome.told[1])

            client = _client()
            if client is None:
                _run_locally(job, index, iter(sweep), hear, Ticks(progress))
            else:
                _run_on_cluster(client, job, index, iter(sweep), hear)
            if outcomes:
                raise StoreError(_complaint(job, stage.shards, outcomes))
            scratch.clear()
    finally:
        progress.finish()
    return drawn, kept, tiles


def _begin(job: Job, index: int) -> tuple[Scratch, Sweep]:
    """Return where a stage keeps its blocks and in which order it is drawn."""
    stage = job.plan.stages[index]

    @cache
    def committed(row: int, column: int) -> bool:
        place = (job.path, stage.level, row, column)
        if job.quick:
            return ledger.present(*place)
        return ledger.inspect(*place, job=job.name) is ledger.State.SOUND

    scratch = Scratch(job.path, job.name, stage.level)
    return scratch, Sweep(StageBlocks(job.plan.world, stage), scratch, committed)


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
    if get is dask.threaded.get and dask.config.get("num_workers", None) is None:
        told["num_workers"] = min(THREADS, CPU_COUNT)
    fatal = False

    def heard(key: Any, outcome: Any, *_: Any) -> None:
        nonlocal fatal
        if isinstance(outcome, Outcome):
            fatal = fatal or outcome.fatal
            hear(outcome)

    while not fatal and (batch := list(itertools.islice(tasks, BATCH))):
        here = {place for place, _ in batch}
        graph = {
            _key(index, place): (
                partial(attempt, job, index, place, ticks),
                *(_key(index, block) for block in after if block in here),
            )
            for place, after in batch
        }
        with Callback(posttask=heard):  # type: ignore[no-untyped-call]
            get(graph, list(graph), **told)


def _key(index: int, place: Place) -> str:
    return "-".join(map(str, ("task", index, *place)))


def _run_on_cluster(client: Any, job: Job, index: int, tasks: Tasks, hear: Heard) -> None:
    """Keep a bounded number of tasks in flight; results are a few numbers, pixels never travel."""
    # Distributed is an optional dependency: whoever has a client has it.
    from distributed import as_completed

    run_name, ticks = uuid.uuid4().hex[:8], Ticks(None)
    flying: dict[str, tuple[Any, Place]] = {}

    def submit(place: Place, after: tuple[Place, ...]) -> Any:
        key = f"{_key(index, place)}-{job.name[:12]}-{run_name}"
        waiting = [future for future, other in flying.values() if other in after]
        future = client.submit(
            commit, job, index, place, ticks, *waiting, key=key, retries=RETRIES, pure=False
        )
        flying[key] = future, place
        return future

    in_flight = max(4, 2 * sum(client.nthreads().values()))
    first = [submit(*task) for task in itertools.islice(tasks, in_flight)]
    futures: Any = as_completed(first)  # type: ignore[no-untyped-call]
    stopped = False
    try:
        for future in futures:
            _, place = flying.pop(future.key)
            error = future.exception()
            outcome = future.result() if error is None else failed(job, index, place, error)
            stopped = stopped or outcome.fatal
            hear(outcome)
            if not stopped:
                for following in itertools.islice(tasks, 1):
                    futures.add(submit(*following))
    except BaseException:
        client.cancel([future for future, _ in flying.values()])
        raise


def _complaint(job: Job, shards: int, failures: list[Outcome]) -> str:
    named = ", ".join(f.name for f in failures[:4]) + (", ..." if len(failures) > 4 else "")
    reason = failures[0].error
    stop = "; stopped there" if any(f.fatal for f in failures) else ""
    return (
        f"{len(failures)} of {shards} shards of {job.path} failed: {named} ({reason}){stop}; "
        f"the others are kept: geoinfinite resume {job.path}"
    )
