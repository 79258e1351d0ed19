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
from geoinfinite.stores.identity import Profile, numerics_profile
from geoinfinite.stores.planning import Plan
from geoinfinite.stores.shards import Job, Outcome, Ticks, attempt_shard, commit_shard, failed

BATCH = 256
"""Shards handed to a local scheduler at once."""
THREADS = 4
"""Shards drawn at once in threads, unless Dask is told otherwise: a network serves one of them at a time."""
RETRIES = 2
"""How often a cluster tries a shard again."""

Place = tuple[int, int]
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

            def hear(outcome: Outcome, failures: list[Outcome] = outcomes) -> None:
                nonlocal drawn, kept, tiles
                if outcome.error:
                    failures.append(outcome)
                    return
                tiles += outcome.drawn
                drawn, kept = drawn + (not outcome.kept), kept + outcome.kept
                progress.advance(outcome.tiles - outcome.told[0], outcome.pixels - outcome.told[1])

            places = itertools.product(range(stage.rows), range(stage.columns))
            client = _client()
            if client is None:
                _run_locally(job, index, places, hear, Ticks(progress))
            else:
                _run_on_cluster(client, job, index, places, hear)
            if outcomes:
                raise StoreError(_complaint(job, stage.shards, outcomes))
    finally:
        progress.finish()
    return drawn, kept, tiles


def _client() -> Any:
    """Return the distributed client that Dask would use, if any, without importing distributed."""
    scheduler = _scheduler()
    owner = getattr(scheduler, "__self__", None)
    return owner if hasattr(owner, "submit") else None


def _scheduler() -> Any:
    """Return the function that Dask is set to compute graphs with; ``None`` if it is set to nothing."""
    return dask.base.get_scheduler()  # type: ignore[no-untyped-call]


def _run_locally(job: Job, index: int, places: Iterator[Place], hear: Heard, ticks: Ticks) -> None:
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

    while not fatal and (batch := list(itertools.islice(places, BATCH))):
        graph = {
            f"shard-{index}-{r}-{c}": (partial(attempt_shard, job, index, r, c, ticks),) for r, c in batch
        }
        with Callback(posttask=heard):  # type: ignore[no-untyped-call]
            get(graph, list(graph), **told)


def _run_on_cluster(client: Any, job: Job, index: int, places: Iterator[Place], hear: Heard) -> None:
    """Keep a bounded number of shards in flight; results are a few numbers, pixels never travel."""
    # Distributed is an optional dependency: whoever has a client has it.
    from distributed import as_completed

    run_name, ticks = uuid.uuid4().hex[:8], Ticks(None)
    flying: dict[str, tuple[Any, Place]] = {}

    def submit(place: Place) -> Any:
        key = f"shard-{job.name[:12]}-{run_name}-{index}-{place[0]}-{place[1]}"
        future = client.submit(commit_shard, job, index, *place, ticks, key=key, retries=RETRIES, pure=False)
        flying[key] = future, place
        return future

    in_flight = max(4, 2 * sum(client.nthreads().values()))
    first = [submit(p) for p in itertools.islice(places, in_flight)]
    futures: Any = as_completed(first)  # type: ignore[no-untyped-call]
    stopped = False
    try:
        for future in futures:
            _, place = flying.pop(future.key)
            error = future.exception()
            outcome = future.result() if error is None else failed(job, index, *place, error)
            stopped = stopped or outcome.fatal
            hear(outcome)
            if not stopped:
                for following in itertools.islice(places, 1):
                    futures.add(submit(following))
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
