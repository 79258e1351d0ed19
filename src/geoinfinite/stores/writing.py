"""Plans become stores: begin, go on where a store was left, refuse what is something else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from geoinfinite.errors import StoreError
from geoinfinite.progress import Progress, Silent
from geoinfinite.stores import layout, ledger
from geoinfinite.stores.identity import Header, check_same_job
from geoinfinite.stores.planning import Plan
from geoinfinite.stores.running import profile_where_tasks_run, run
from geoinfinite.stores.settings import RunSettings
from geoinfinite.stores.tasks import Job


@dataclass(frozen=True, slots=True)
class WriteReport:
    """What a run did: shards drawn and kept, tiles drawn, network evaluations of one tile."""

    path: Path
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


def write_zarr(
    plan: Plan,
    path: str | Path,
    *,
    resume: bool = True,
    quick: bool = False,
    progress: Progress | None = None,
    settings: RunSettings | None = None,
) -> WriteReport:
    """Write a plan's pixels as a Zarr store, on the current Dask scheduler or distributed client.

    Goes on where an earlier run of the same job was stopped, however it was: shards that are
    committed and sound are kept (``quick``: their bytes unread), everything else is drawn again.
    The finished store is the same, byte for byte. Raises `StoreError`, before anything is touched,
    if ``path`` is something else, another job, or begun on other numerics.
    """
    where, how = local_path(path), settings or RunSettings()
    ours = Header.of(plan, profile_where_tasks_run(plan, how))
    if where.exists() and not _is_empty_folder(where):
        theirs = layout.read_header(where)
        check_same_job(where, theirs, ours)
        if not resume:
            raise StoreError(
                f"{where} exists and resume=False; pass resume=True, choose another path, or delete it"
            )
    else:
        try:
            layout.create(where, plan, ours)
        except OSError as error:
            raise StoreError(
                f"{where} cannot be created: {error}; choose a path that can be written"
            ) from error
    with ledger.alone(where):
        ledger.sweep(where)
        job = Job(plan, where, ours.job, ours.token, ours.numerics, quick)
        try:
            done = run(job, progress or Silent(), how)
        finally:
            # Workers of a cluster may have been killed on the way, or this process interrupted.
            ledger.sweep(where)
    return WriteReport(where, done.drawn, done.kept, done.tiles, done.evaluations)


def resume_store(path: str | Path, *, quick: bool = False, progress: Progress | None = None) -> WriteReport:
    """Finish the store at ``path`` from nothing but itself; raise `StoreError` if it cannot be done here."""
    where = local_path(path)
    plan = layout.read_header(where).plan(where)
    return write_zarr(plan, where, quick=quick, progress=progress)


def local_path(path: str | Path) -> Path:
    """Return an absolute path; raise `StoreError` for a URL."""
    if "://" in str(path):
        raise StoreError(f"{str(path)!r} is a URL; stores are folders: write it to one and copy it")
    return Path(path).expanduser().absolute()


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())
