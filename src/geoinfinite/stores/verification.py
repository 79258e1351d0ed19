"""Whether a store is what it says it is: every shard's bytes against its record, and the recipe."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoinfinite.errors import StoreError
from geoinfinite.models.reference import ModelReference
from geoinfinite.recipe.root import Root
from geoinfinite.stores import layout, ledger
from geoinfinite.stores.identity import Header
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.writing import opened

BATCH = 1024
READERS = 4

Place = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Problem:
    """One shard that is not as it should be."""

    level: int
    row: int
    column: int
    file: str
    state: ledger.State

    def __str__(self) -> str:
        said = {
            ledger.State.MISSING: "missing: not written, or not committed",
            ledger.State.DAMAGED: "damaged: its bytes are not those that were written",
            ledger.State.FOREIGN: "foreign: whole, but not the bytes of its commit record",
        }[self.state]
        return f"level {self.level} shard ({self.row}, {self.column}) {said}: {self.file}"


@dataclass(frozen=True, slots=True)
class Report:
    """What `verify` found; prints one line per problem, then the verdict."""

    path: str
    shards: int
    """Shards that the store should have; all were read."""
    problems: tuple[Problem, ...]
    recipe: str
    """Why the recipe does not make these pixels; empty if it does."""
    note: str = ""
    """What could not be checked here, and is no fault of the store."""

    def _of(self, state: ledger.State) -> tuple[Problem, ...]:
        return tuple(p for p in self.problems if p.state is state)

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
    def ok(self) -> bool:
        """Whether everything is as it should be."""
        return not self.problems and not self.recipe

    def __str__(self) -> str:
        lines = [str(p) for p in self.problems]
        lines += [text for text in (self.recipe, self.note) if text]
        if self.ok:
            verdict = f"{self.path}: sound, {self.shards} shards checked"
        elif self.problems:
            verdict = (
                f"{self.path}: NOT sound, {len(self.missing)} missing, {len(self.damaged)} damaged and "
                f"{len(self.foreign)} foreign of {self.shards} shards; repair: geoinfinite resume {self.path}"
            )
        else:
            verdict = f"{self.path}: NOT sound, {self.shards} shards are whole, but the recipe is not theirs"
        return "\n".join([*lines, verdict])


def verify(path: str | Path | Objects, *, storage_options: Mapping[str, Any] | None = None) -> Report:
    """Read every shard of a store and compare it with its commit record; check the recipe's token.

    Raises `StoreError` if ``path`` is not a store of ours or its attributes were changed.
    """
    objects = opened(path, storage_options)
    header = layout.read_header(objects)
    job, shards, problems = header.job, 0, []

    def look(place: Place) -> ledger.State:
        return ledger.inspect(objects, *place, job=job)

    places = _places(objects, header)
    with ThreadPoolExecutor(READERS) as readers:
        while batch := list(itertools.islice(places, BATCH)):
            shards += len(batch)
            for place, state in zip(batch, readers.map(look, batch), strict=True):
                if state is not ledger.State.SOUND:
                    problems.append(Problem(*place, f"{objects.url}/{layout.shard_name(*place)}", state))
    recipe, note = _check_recipe(objects.url, header)
    return Report(objects.url, shards, tuple(problems), recipe, note)


def _places(objects: Objects, header: Header) -> Iterator[Place]:
    for name in header.shards:
        try:
            rows, columns, _ = layout.open_ledger(objects, int(name)).shape
            layout.open_image(objects, int(name))
        except Exception as error:  # Zarr has many ways to say that metadata are damaged.
            raise StoreError(
                f"{objects.url}: the metadata of level {name} are damaged ({error}); delete it"
            ) from error
        yield from ((int(name), row, column) for row in range(rows) for column in range(columns))


def _check_recipe(url: str, header: Header) -> tuple[str, str]:
    """Return what is wrong with the recipe, and what cannot be said of it on this machine."""
    try:
        header.plan(url)
    except StoreError as error:
        return (str(error), "") if _files_are_here(header) else ("", f"the recipe was not checked: {error}")
    return "", ""


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
