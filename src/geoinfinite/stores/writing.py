"""Writes plans as stores: begins one, goes on with an unfinished one, refuses one of another job."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoinfinite.html_tables import facts_table
from geoinfinite.progress import Progress, Silent
from geoinfinite.stores import layout
from geoinfinite.stores.identity import Header
from geoinfinite.stores.jobs.job import Job
from geoinfinite.stores.jobs.parts import WHOLE, Part
from geoinfinite.stores.jobs.running import profile_where_tasks_run, run
from geoinfinite.stores.manifest import begin, mend, remove_strays
from geoinfinite.stores.objects import Objects, open_objects
from geoinfinite.stores.planning import Plan
from geoinfinite.stores.pools.settings import RunSettings


@dataclass(frozen=True, slots=True)
class WriteReport:
    """The result of a run: shards drawn and kept, tiles drawn, network evaluations of one tile."""

    path: str
    drawn: int
    kept: int
    tiles: int
    evaluations: int

    @property
    def shards(self) -> int:
        """Shards of the finished store."""
        return self.drawn + self.kept

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.shards} shards, {self.drawn} drawn and {self.kept} kept; "
            f"{self.tiles} tiles, {self.evaluations} evaluations"
        )

    def _repr_html_(self) -> str:
        said = {"shards": f"{self.shards:,}", "drawn": f"{self.drawn:,}", "kept": f"{self.kept:,}"}
        said |= {"tiles": f"{self.tiles:,}", "evaluations": f"{self.evaluations:,}"}
        return facts_table(self.path, said)


def write_zarr(
    plan: Plan,
    path: str | Path | Objects,
    *,
    resume: bool = True,
    quick: bool = False,
    progress: Progress | None = None,
    storage_options: Mapping[str, Any] | None = None,
    part: tuple[int, int] = (1, 1),
    settings: RunSettings | None = None,
) -> WriteReport:
    """Write a plan's pixels as a Zarr store, on the current Dask scheduler or distributed client.

    ``path`` is a local path or a URL, with ``storage_options`` as `open_objects` has them.
    Goes on where an earlier run of the same job was stopped, however it was: shards that are
    committed and sound are kept (``quick``: their bytes unread), everything else is drawn again.
    The finished store is the same, byte for byte. Raises `StoreError`, before anything is touched,
    if ``path`` is something else, another job, or begun on other numerics.

    ``part=(i, n)`` draws the ``i``-th of ``n`` parts of the shards, counted from 1, and what they are drawn
    on: parts may run at the same time, in any order, on any machines. When all have ended, the store is
    the same as if it had been written at once. ``settings`` say how and where tasks run.
    """
    with written(
        plan,
        opened(path, storage_options),
        resume=resume,
        quick=quick,
        progress=progress,
        part=Part(*part),
        settings=settings,
    ) as report:
        return report


@contextlib.contextmanager
def written(
    plan: Plan,
    objects: Objects,
    *,
    resume: bool = True,
    quick: bool = False,
    progress: Progress | None = None,
    part: Part = WHOLE,
    settings: RunSettings | None = None,
    check: Callable[[], None] = lambda: None,
) -> Iterator[WriteReport]:
    """Do as `write_zarr`, and hold the store while the caller reads it.

    ``check`` is called once the store is held and before anything is drawn; what it raises ends the job.
    """
    how = settings or RunSettings()
    ours = Header.of(plan, profile_where_tasks_run(plan, how))
    theirs = begin(objects, plan, ours, resume=resume)
    with objects.writing(shared=not part.whole):
        check()
        mend(objects, plan, theirs)
        remove_strays(objects, theirs)
        job = Job(plan, objects, ours.job, ours.token, ours.numerics, quick=quick, part=part)
        done = run(job, progress or Silent(), how)
        yield WriteReport(objects.url, done.drawn, done.kept, done.tiles, done.evaluations)


def resume_store(
    path: str | Path | Objects,
    *,
    quick: bool = False,
    progress: Progress | None = None,
    storage_options: Mapping[str, Any] | None = None,
    part: tuple[int, int] = (1, 1),
    settings: RunSettings | None = None,
) -> WriteReport:
    """Finish the store at ``path`` as its header says; raise `StoreError` if that cannot be done here."""
    objects = opened(path, storage_options)
    plan = layout.read_header(objects).plan(objects.url)
    return write_zarr(plan, objects, quick=quick, progress=progress, part=part, settings=settings)


def opened(path: str | Path | Objects, storage_options: Mapping[str, Any] | None = None) -> Objects:
    """Return the objects of a store that is named by a path or URL, or given."""
    return path if isinstance(path, Objects) else open_objects(path, storage_options)
