"""Small export jobs and everything that their stores consist of."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from faulty_objects import FaultyObjects, Nth, PowerCut
from preset_cases import PRESET_CASES

from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores import layout
from geoinfinite.stores.cuts import Cut, parents_group
from geoinfinite.stores.identity import Header, numerics_profile
from geoinfinite.stores.jobs.job import Job
from geoinfinite.stores.jobs.sheets import StageSheets
from geoinfinite.stores.manifest import begin, mend
from geoinfinite.stores.objects import Objects, open_objects
from geoinfinite.stores.planning import Plan, plan_window
from geoinfinite.stores.sheet_files import FOLDER


def crossing(ring: Recipe, shard: int | None = 72) -> Plan:
    """A window of level 2 that crosses the antimeridian and fits no lattice: 15 shards on 6."""
    return plan_window(ring, 2, Window(10, 171, -37, 280), shard=shard)


def corner(patch: Recipe, shard: int | None = 48) -> Plan:
    """A window of level 2 at the grid's edge: 4 shards on 1."""
    return plan_window(patch, 2, Window(0, 53, 385, 448), shard=shard)


def strip(ring: Recipe, shard: int = 36) -> Plan:
    """A window of level 2 across the antimeridian, off every lattice: 12 shards, none of whole strides."""
    return plan_window(ring, 2, Window(7, 80, -37, 90), shard=shard)


def layered(world: Recipe, case: str = "multidiffusion", model: str = "analytic:gaussian") -> Recipe:
    """The world with one of `PRESET_CASES`, one tile per call: padding would be counted."""
    return world.replace(
        sampler=PRESET_CASES[case],
        model=ModelReference(model),
        numerics=replace(world.numerics, micro_batch=1),
    )


def begun(plan: Plan, path: Path, **changes: Any) -> Job:
    """A job whose store has been created, and nothing drawn."""
    objects = open_objects(path)
    header = Header.of(plan, numerics_profile(plan.recipe))
    header = begin(objects, plan, header)
    mend(objects, plan, header)
    job = Job(plan, objects, header.job, header.token, header.numerics)
    return replace(job, **changes)


def sheets(plan: Plan, stage: int = -1) -> list[tuple[int, int, int]]:
    """Every sheet of a stage."""
    cut = StageSheets(plan.stages[stage])
    return [(number, *place) for number in range(len(cut.layers)) for place in np.ndindex(cut.shape(number))]


def files_of_layers(path: Path) -> list[Path]:
    """Files of sheets, in order."""
    return sorted(f for f in (path / FOLDER).rglob("*") if f.is_file())


def contents(path: Path) -> dict[str, bytes]:
    """Every file of a store, by its name."""
    return {str(f.relative_to(path)): f.read_bytes() for f in sorted(path.rglob("*")) if f.is_file()}


def cut(path: Path, level: int) -> Cut:
    """How the pixels of a level are cut as they were drawn: with margins, if it was drawn for others."""
    cuts = {cut.group: cut for cut in layout.read_header(open_objects(path)).cuts}
    return cuts.get(parents_group(level)) or cuts[str(level)]


def shard_file(path: Path, level: int, row: int, column: int) -> Path:
    """The file of a shard, its first object."""
    return path / cut(path, level).names(row, column)[0]


def record_file(path: Path, level: int, row: int, column: int) -> Path:
    """The file of a commit record."""
    return path / cut(path, level).record(row, column)


def pixels(store: Path | Objects, level: int) -> Any:
    """The pixels of a level as they were drawn, as zarr opens them."""
    objects = open_objects(store) if isinstance(store, Path) else store
    groups = [c.group for c in layout.read_header(objects).cuts]
    group = parents_group(level) if parents_group(level) in groups else str(level)
    return layout.open_image(objects, group)


def records(path: Path) -> list[Path]:
    """Commit records, in order."""
    return sorted(f for f in (path / "ledger").rglob("0") if f.is_file())


def is_sheet(name: str) -> bool:
    """Say whether an object is a sheet."""
    return name.startswith(f"{FOLDER}/")


def cut_after(saves: int, path: Path) -> FaultyObjects:
    """Return a store's objects that keep so many sheets, and then the power is gone."""
    return FaultyObjects(open_objects(path), Nth(saves, PowerCut("dark"), is_sheet))


@dataclass(frozen=True)
class Slow:
    """Makes every write of an object take so many seconds; travels to other processes."""

    seconds: float

    def __call__(self, operation: str, name: str) -> None:
        if operation == "put":
            time.sleep(self.seconds)

    def at(self, path: Path) -> FaultyObjects:
        """Return a store's objects."""
        return FaultyObjects(open_objects(path), self)


@dataclass
class Saved:
    """Remembers the sheets that were kept, as level, layer, row, column."""

    sheets: list[tuple[int, ...]] = field(default_factory=list)

    def __call__(self, operation: str, name: str) -> None:
        if operation == "put" and is_sheet(name):
            self.sheets.append(tuple(map(int, re.findall(r"\d+", name))))

    def watching(self, path: Path) -> FaultyObjects:
        """Return a store's objects."""
        return FaultyObjects(open_objects(path), after=self)


@dataclass(frozen=True)
class Sabotage:
    """Fails, or makes the process die once, when an object is written; travels to other processes."""

    name: str
    once: str = ""
    """A file that notes that the process has died."""

    def __call__(self, operation: str, name: str) -> None:
        if operation != "put" or name != self.name:
            return
        if not self.once:
            raise ValueError("no luck")
        if not Path(self.once).exists():
            Path(self.once).touch()
            os._exit(1)

    def at(self, path: Path) -> FaultyObjects:
        """Return a store's objects."""
        return FaultyObjects(open_objects(path), self)
