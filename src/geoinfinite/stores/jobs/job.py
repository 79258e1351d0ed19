"""A job: what its tasks are told, and what a process keeps open of it between two of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from numpy.typing import NDArray

from geoinfinite.engine import ReadPixels, process_resources, read, resolve
from geoinfinite.errors import ModelError, StoreError, WorldError
from geoinfinite.plane.window import Window
from geoinfinite.stores import ledger
from geoinfinite.stores.cuts import Cut, level_of
from geoinfinite.stores.identity import Profile, check_same_numerics, numerics_profile
from geoinfinite.stores.jobs.encoding import ShardEncoder
from geoinfinite.stores.jobs.graph import JobGraph
from geoinfinite.stores.jobs.outcomes import Task
from geoinfinite.stores.jobs.parts import WHOLE, Part
from geoinfinite.stores.jobs.stored import read_stored
from geoinfinite.stores.layout import open_image
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.planning import SHEET_SIDE, Plan
from geoinfinite.stores.sheet_files import FOLDER, SheetFiles


@dataclass(frozen=True, slots=True)
class Job:
    """The settings of a job, sent with every task."""

    plan: Plan
    objects: Objects
    name: str
    """The job's name, which its commit records carry."""
    token: str
    """The token of the recipe that the store was begun with."""
    numerics: Profile
    quick: bool = False
    """Whether a shard counts as done if it and its record are there, their bytes unread."""
    sheet_side: int = SHEET_SIDE
    """Side of the sheets of levels that are drawn in layers, in pixels of the level."""
    part: Part = WHOLE
    """Which part of the job is drawn; each keeps sheets of its own."""

    def files(self, stage: int) -> SheetFiles:
        """Return where the sheets of a stage are kept."""
        level, part = self.plan.stored[stage].level, self.part.name
        return SheetFiles(self.objects, self.name, level, self.sheet_side, part)

    def drop_sheets(self) -> None:
        """Remove what is left of sheets: of the part that is drawn, or of every part by the whole job."""
        folder = f"{FOLDER}/{self.part.name}".rstrip("/")
        for name in list(self.objects.names(f"{folder}/")):
            self.objects.delete(name)


class OpenJob:
    """A job as one process sees it: its arrays opened once, its numerics checked once."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.graph = JobGraph(job.plan, job.sheet_side)
        self._images: dict[int, Any] = {}
        self._encoders: dict[int, ShardEncoder] = {}

    @cached_property
    def profile(self) -> Profile:
        """The numerics of this process."""
        return numerics_profile(self.job.plan.recipe)

    def check_here(self) -> None:
        """Raise `StoreError` unless this process draws the store's pixels: same numerics, same content.

        The content of files is asked for at every call, because a file may be replaced while a job runs.
        """
        check_same_numerics(self.job.objects.url, self.job.numerics, self.profile)
        try:
            token = resolve(self.job.plan.recipe, 0).token
        except (WorldError, ModelError, OSError) as error:
            raise StoreError(f"{self.job.objects.url} cannot be drawn by this process: {error}") from error
        if token != self.job.token:
            raise StoreError(
                f"{self.job.objects.url} was begun with the recipe {self.job.token[:12]}, but the files that "
                f"this process finds under the same paths make it {token[:12]}: root.source or the weights "
                "of a model differ; give every worker the same files"
            )

    def image(self, stage: int) -> Any:
        """Return the stored pixels of a stage, to read them."""
        if stage not in self._images:
            self._images[stage] = open_image(self.job.objects, self.job.plan.stored[stage].group)
        return self._images[stage]

    def cut(self, stage: int) -> Cut:
        """Return how a stage is cut into shards and objects."""
        plan = self.job.plan
        return plan.stored[stage].cut(plan.preset)

    def encode(self, shard: Task, pixels: NDArray[Any]) -> list[bytes]:
        """Return the bytes of a shard's objects."""
        if shard.stage not in self._encoders:
            self._encoders[shard.stage] = ShardEncoder(self.job.plan, self.job.plan.stored[shard.stage])
        return self._encoders[shard.stage].encode(shard.row, shard.column, pixels)

    def parent(self, stage: int) -> ReadPixels | None:
        """Return how a stage reads its parent: from the root raster, or from the stage before."""
        parent = self.job.plan.stages[stage].source.parent
        if parent is None:
            return None
        if stage == 0:
            return partial(read, parent, resources=process_resources())
        return self.stored(stage - 1)

    def stored(self, stage: int) -> ReadPixels:
        """Return how the pixels of a stage are read from the store; its shards must be there."""
        drawn, check = self.job.plan.stages[stage], self._check_present(self.cut(stage))

        def read_window(window: Window) -> NDArray[Any]:
            return read_stored(self.image(stage), drawn, window, check)

        return read_window

    def copied(self, shard: Task) -> NDArray[Any]:
        """Return the pixels of a shard that is copied from a stage that holds more of its level."""
        plan = self.job.plan
        read_window = self.stored(plan.read_by(shard.stage) or 0)
        return read_window(plan.stored[shard.stage].shard_window(shard.row, shard.column))

    def is_committed(self, shard: Task) -> bool:
        """Say whether a shard is committed and sound; with `Job.quick`, whether it is there."""
        cut, place = self.cut(shard.stage), (shard.row, shard.column)
        if self.job.quick:
            return ledger.present(self.job.objects, cut, place)
        return not ledger.inspect(self.job.objects, cut, place, job=self.job.name)

    def _check_present(self, cut: Cut) -> Callable[[int, int], None]:
        url = self.job.objects.url

        def check(row: int, column: int) -> None:
            if not ledger.present(self.job.objects, cut, (row, column)):
                raise StoreError(
                    f"{url} lost level {level_of(cut.group)} shard ({row}, {column}) while its children were "
                    f"drawn; run: geoinfinite resume {url}"
                )

        return check


class OpenJobs:
    """The jobs that a process has open, the ones used last."""

    def __init__(self, most: int = 4) -> None:
        self._most, self._lock = most, threading.Lock()
        self._jobs: list[OpenJob] = []

    def open(self, job: Job) -> OpenJob:
        """Return a job, opened now or before; tasks bring an equal copy of it each time."""
        with self._lock:
            opened = next((known for known in self._jobs if _is_same(known.job, job)), None)
            if opened is None:
                opened = OpenJob(job)
            else:
                self._jobs.remove(opened)
            self._jobs = [opened, *self._jobs[: self._most - 1]]
            return opened


def _is_same(one: Job, other: Job) -> bool:
    """Say whether two jobs are equal; their names and tokens tell whether their plans are."""
    fields = ("name", "token", "objects", "numerics", "quick", "sheet_side", "part")
    return one is other or all(getattr(one, f) == getattr(other, f) for f in fields)


OPEN_JOBS = OpenJobs()
"""What a worker process keeps open between the tasks that it is sent."""
