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

    def partial(self) -> Path:
        """Return a new name for an unfinished file."""
        return self.folder / f"{self.name}.{uuid.uuid4().hex}.partial"

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """Yield a new name for a file that is removed in the end."""
        path = self.partial()
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def published(self, target: Target) -> Iterator[Path]:
        """Yield the name of an unfinished file, which gets the target's name if all goes well."""
        with self.scratch() as unfinished:
            yield unfinished
            if target.overwrite:
                os.replace(unfinished, target.path)
            elif not publish_new(str(unfinished), str(target.path)):
                raise is_there(target.path)


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
