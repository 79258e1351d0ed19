"""Verifies stores: every object against its digest, and the recipe against its token."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from geoinfinite.errors import StoreError
from geoinfinite.html_tables import facts_table
from geoinfinite.models.reference import ModelReference
from geoinfinite.recipe.root import Root
from geoinfinite.stores import layout, ledger
from geoinfinite.stores.cuts import Cut, Place, level_of
from geoinfinite.stores.identity import Header
from geoinfinite.stores.manifest import harmed, strays
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.planning import Plan
from geoinfinite.stores.writing import opened

BATCH = 1024
READERS = 4
MOST_SHOWN = 20
"""Problems that a notebook shows."""

ShardId = tuple[Cut, Place]


@dataclass(frozen=True, slots=True)
class Problem:
    """One object of a store that is not sound."""

    file: str
    """Its path or URL."""
    state: ledger.State
    level: int | None = None
    """Level of a shard; ``None`` for metadata, coordinates and what is no part of the store."""
    row: int | None = None
    """Row of the shard among those of its level."""
    column: int | None = None
    """Column of the shard."""
    record: str | None = None
    """Path or URL of the commit record of a shard, which is damaged if the shard is not."""

    def __str__(self) -> str:
        if self.level is None:
            said = {
                ledger.State.MISSING: "missing",
                ledger.State.STRAY: "no part of the store; delete it",
            }.get(self.state, "damaged: its bytes are not those that were written")
            return f"{self.file}: {said}"
        said = {
            ledger.State.MISSING: "missing: not written, or not committed",
            ledger.State.DAMAGED: "damaged: its bytes are not those that were written",
            ledger.State.FOREIGN: f"foreign: whole, but not the bytes of its commit record {self.record}",
        }[self.state]
        return f"level {self.level} shard ({self.row}, {self.column}) {said}: {self.file}"


@dataclass(frozen=True, slots=True)
class Report:
    """The result of `verify`: true if the store is sound; prints one line per problem, then the verdict."""

    path: str
    shards: int
    """Shards that the store should have; all were read."""
    problems: tuple[Problem, ...]
    recipe: str
    """Why the recipe does not make these pixels; empty if it does."""
    note: str = ""
    """What could not be checked here, and is no fault of the store."""

    def __bool__(self) -> bool:
        return self.ok

    def _of(self, state: ledger.State) -> tuple[Problem, ...]:
        return tuple(p for p in self.problems if p.state is state and p.level is not None)

    @property
    def missing(self) -> tuple[Problem, ...]:
        """Shards that are not there."""
        return self._of(ledger.State.MISSING)

    @property
    def damaged(self) -> tuple[Problem, ...]:
        """Shards whose bytes have changed."""
        return self._of(ledger.State.DAMAGED)

    @property
    def foreign(self) -> tuple[Problem, ...]:
        """Shards that another job wrote, or whose record is not theirs."""
        return self._of(ledger.State.FOREIGN)

    @property
    def metadata(self) -> tuple[Problem, ...]:
        """Metadata and coordinates that are missing or whose bytes have changed."""
        return tuple(p for p in self.problems if p.level is None and p.state is not ledger.State.STRAY)

    @property
    def strays(self) -> tuple[Problem, ...]:
        """Objects that are no part of the store."""
        return tuple(p for p in self.problems if p.state is ledger.State.STRAY)

    @property
    def ok(self) -> bool:
        """Whether the store is sound."""
        return not self.problems and not self.recipe

    def __str__(self) -> str:
        lines = [str(p) for p in self.problems]
        lines += [text for text in (self.recipe, self.note) if text]
        if self.ok:
            verdict = f"{self.path}: sound, {self.shards} shards checked"
        elif self.problems:
            verdict = f"{self.path}: NOT sound, {self._counted()}"
            if len(self.strays) < len(self.problems):
                verdict += f"; repair: geoinfinite resume {self.path}"
        else:
            verdict = f"{self.path}: NOT sound, {self.shards} shards are whole, but the recipe is not theirs"
        return "\n".join([*lines, verdict])

    def _repr_html_(self) -> str:
        *lines, verdict = str(self).splitlines()
        shown = {"verdict": verdict.removeprefix(f"{self.path}: ")}
        shown |= {f"{number}": line for number, line in enumerate(lines[:MOST_SHOWN], 1)}
        if len(lines) > MOST_SHOWN:
            shown["..."] = f"{len(lines) - MOST_SHOWN:,} more: print the report"
        return facts_table(self.path, shown)

    def _counted(self) -> str:
        """Return how many problems there are of each kind."""
        harmed = self.missing, self.damaged, self.foreign
        said = []
        if any(harmed):
            missing, damaged, foreign = (len({p.record for p in problems}) for problems in harmed)
            said.append(f"{missing} missing, {damaged} damaged and {foreign} foreign of {self.shards} shards")
        if self.metadata:
            said.append(f"{len(self.metadata)} metadata objects missing or damaged")
        if self.strays:
            said.append(f"{len(self.strays)} objects that are no part of it")
        return ", ".join(said)


def verify(path: str | Path | Objects, *, storage_options: Mapping[str, Any] | None = None) -> Report:
    """Read every object of a store and compare it with its digest; check the recipe's token.

    ``path`` is a local path or a URL, with ``storage_options`` as in `open_objects`. Raises `StoreError` if
    it is not a store of ours, or if nothing in it says any more what it was.
    """
    objects = opened(path, storage_options)
    header = layout.read_header(objects)
    plan, recipe, note = _check_recipe(objects.url, header)
    problems = [Problem(f"{objects.url}/{name}", state) for name, state in harmed(objects, plan, header)]
    problems += _check_shards(objects, header)
    problems += [Problem(f"{objects.url}/{name}", ledger.State.STRAY) for name in strays(objects, header)]
    shards = sum(cut.rows * cut.columns for cut in header.cuts)
    return Report(objects.url, shards, tuple(problems), recipe, note)


def _check_shards(objects: Objects, header: Header) -> Iterator[Problem]:
    job = header.job

    def look(shard: ShardId) -> tuple[ledger.Unsound, ...]:
        return ledger.inspect(objects, *shard, job=job)

    shards = _shards(header)
    with ThreadPoolExecutor(READERS) as readers:
        while batch := list(itertools.islice(shards, BATCH)):
            for (cut, place), unsound in zip(batch, readers.map(look, batch), strict=True):
                record, level = f"{objects.url}/{cut.record(*place)}", level_of(cut.group)
                for name, state in unsound:
                    yield Problem(f"{objects.url}/{name}", state, level, *place, record)


def _shards(header: Header) -> Iterator[ShardId]:
    for cut in header.cuts:
        yield from ((cut, (row, column)) for row, column in np.ndindex(cut.rows, cut.columns))


def _check_recipe(url: str, header: Header) -> tuple[Plan | None, str, str]:
    """Return the plan, what is wrong with the recipe, and what cannot be said of it on this machine."""
    try:
        return header.plan(url), "", ""
    except StoreError as error:
        if _files_are_here(header):
            return None, str(error), ""
        return None, "", f"the recipe was not checked: {error}"


def _files_are_here(header: Header) -> bool:
    """Say whether the recipe's files exist on this machine; a recipe that names none is the fault itself."""
    try:
        tables = tomllib.loads(header.recipe)
        root = Root(**tables["root"])
        of_levels = (level["model"] for level in tables.get("level", {}).values() if "model" in level)
        folders = (ModelReference(**table).directory for table in (tables["model"], *of_levels))
        return (root.generated or root.path.is_file()) and all(f is None or f.is_dir() for f in folders)
    except (KeyError, TypeError, ValueError):
        return True
