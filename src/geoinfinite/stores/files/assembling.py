"""Puts a file together from the finished store of its plan: whole in its place, or not there at all."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from geoinfinite.errors import StoreError
from geoinfinite.progress import Progress
from geoinfinite.stores.files.paths import hidden_store, is_there, local_file
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.objects.local import LocalObjects, publish_new
from geoinfinite.stores.planning import Plan
from geoinfinite.stores.writing import opened, written


@dataclass(frozen=True, slots=True)
class Target:
    """Where a file goes, and what may be there."""

    path: Path
    overwrite: bool = False

    @classmethod
    def of(cls, path: str | Path, *, overwrite: bool) -> Target:
        """Return the target at a path; raise `StoreError` if no file can be written there."""
        return cls(local_file(path, overwrite=overwrite), overwrite)


@dataclass(frozen=True, slots=True)
class Assembly:
    """The finished store of a plan, held for this job, and where a file made of it is put together."""

    objects: Objects
    folder: Path
    """Partial files lie here: in the hidden store, which tidies up after a killed job, or beside the file."""
    name: str

    def scratch(self) -> contextlib.AbstractContextManager[Path]:
        """Yield a new name for a file that is removed in the end."""
        return _scratch(self.folder, self.name)

    def published(self, target: Target) -> contextlib.AbstractContextManager[Path]:
        """Yield the name of an unfinished file, which gets the target's name if all goes well."""
        return published(target, self.folder, self.name)


@contextlib.contextmanager
def published(target: Target, folder: Path, name: str) -> Iterator[Path]:
    """Yield the name of an unfinished file in a folder, which gets the target's name if all goes well."""
    with _scratch(folder, name) as unfinished:
        yield unfinished
        if target.overwrite:
            os.replace(unfinished, target.path)
        elif not publish_new(str(unfinished), str(target.path)):
            raise is_there(target.path)


@contextlib.contextmanager
def _scratch(folder: Path, name: str) -> Iterator[Path]:
    path = folder / f"{name}.{uuid.uuid4().hex}.partial"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def assembled(
    plan: Plan, target: Target, *, store: str | Path | Objects | None, progress: Progress | None
) -> Iterator[Assembly]:
    """Yield a finished store of the plan: the one given, or one hidden beside the target.

    The hidden one is removed in the end; if this call is killed, the next one goes on with it.
    """
    if store is not None:
        with written(plan, opened(store), progress=progress) as report:
            del report
            yield Assembly(opened(store), target.path.parent, f".{target.path.name}")
        return
    hidden = LocalObjects(hidden_store(plan, target.path))

    def check() -> None:
        try:
            # Another process may have finished the file since this call began.
            local_file(target.path, overwrite=target.overwrite)
        except StoreError:
            hidden.remove()
            raise

    with written(plan, hidden, progress=progress, check=check):
        yield Assembly(hidden, hidden.root, target.path.name)
        hidden.remove()
