"""The commands that draw: ``render`` and ``resume``."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import shutil
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import dask

from geoinfinite.cli.place import place_of
from geoinfinite.cli.show import completeness, describe_plan, opening_line, size_of
from geoinfinite.errors import BudgetError, GeoInfiniteError, StoreError
from geoinfinite.progress import Progress, Silent, progress_on
from geoinfinite.stores import layout
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.pictures import write_cog, write_png
from geoinfinite.stores.planning import Plan, bytes_text, plan_window
from geoinfinite.stores.writing import local_path, resume_store, write_zarr

HIGHEST_COMPRESSION = 20
"""More than any imagery but a flat one compresses losslessly."""

PICTURES = {".tif": write_cog, ".tiff": write_cog, ".png": write_png}


def render(options: argparse.Namespace) -> int:
    """Draw a place once and write it as often as asked; a Zarr store goes on where an earlier run stopped."""
    for out in options.out:
        _check_target(out, overwrite=options.overwrite)
    paths = sorted((local_path(out) for out in options.out), key=lambda path: path.suffix != ".zarr")
    if len(paths) > 1 and paths[1].suffix == ".zarr":
        raise StoreError(
            f"--out names two stores, {paths[0].name} and {paths[1].name}; name one, and copy it"
        )
    plan = plan_window(*place_of(options))
    _check_space(paths[0], plan)
    _tell(options, describe_plan(plan))
    store = paths[0] if paths[0].suffix == ".zarr" else None
    with _scheduler(options), _interruptions(paths[0]):
        for index, path in enumerate(paths):
            progress = _progress(options) if index == 0 or store is None else Silent()
            if path.suffix == ".zarr":
                write_zarr(plan, path, progress=progress)
            else:
                PICTURES[path.suffix](plan, path, overwrite=options.overwrite, store=store, progress=progress)
    for out in options.out:
        _tell(options, f"wrote {out} ({size_of(local_path(out))}); {opening_line(out, plan.level)}")
    return 0


def resume(options: argparse.Namespace) -> int:
    """Finish a store from nothing but itself."""
    path = local_path(options.store)
    objects = open_objects(path)
    header = layout.read_header(objects)
    done, shards = completeness(objects)
    _tell(options, f"{options.store} has {done:,} of {shards:,} shards: checking them, drawing the others")
    with _scheduler(options), _interruptions(path):
        report = resume_store(path, progress=_progress(options))
    _tell(
        options,
        f"{options.store} is complete, {report.drawn:,} shards drawn and {report.kept:,} kept; "
        f"{opening_line(options.store, header.level)}",
    )
    return 0


def _check_target(out: str, *, overwrite: bool) -> None:
    """Refuse a path before anything is drawn for it."""
    path = local_path(out)
    if path.suffix == ".zarr":
        if overwrite and path.exists():
            raise StoreError(
                f"--overwrite is for .tif and .png: a .zarr is resumed, never replaced; "
                f"leave it out, or delete {out} first"
            )
    elif path.suffix not in PICTURES:
        raise StoreError(f"--out={out}: the ending {path.suffix!r} is not .zarr, .tif or .png; choose one")
    elif path.exists() and not overwrite:
        raise StoreError(f"--out={out} exists; choose another path, or add --overwrite")


def _check_space(path: Path, plan: Plan) -> None:
    """Refuse what would not fit on the disk however well it compressed."""
    there = next(folder for folder in path.parents if folder.exists())
    free = shutil.disk_usage(there).free
    if plan.bytes > HIGHEST_COMPRESSION * free:
        raise BudgetError(
            f"{path.name} would hold {bytes_text(plan.bytes)} of pixels before compression, {there} has "
            f"{bytes_text(free)} free; take a smaller --bbox or a lower --level"
        )


@contextlib.contextmanager
def _scheduler(options: argparse.Namespace) -> Iterator[None]:
    """Run Dask's tasks where the options say."""
    if options.scheduler is None:
        threads = {"scheduler": "threads", "num_workers": options.workers}
        with dask.config.set({} if options.workers is None else threads):
            yield
        return
    try:
        client = import_module("distributed").Client(options.scheduler)
    except ImportError as error:
        raise GeoInfiniteError(
            "--scheduler needs dask.distributed; install it: pip install 'geoinfinite[distributed]'"
        ) from error
    except (OSError, ValueError) as error:
        raise GeoInfiniteError(
            f"--scheduler={options.scheduler}: {error}; start one with 'dask scheduler' and "
            "'dask worker ADDRESS', or leave it out to use threads"
        ) from error
    with client:
        yield


@contextlib.contextmanager
def _interruptions(path: Path) -> Iterator[None]:
    """Say on Ctrl-C how far the work is and how to go on."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if path.suffix != ".zarr":
            raise KeyboardInterrupt("interrupted; the same command goes on where this one was") from interrupt
        if not path.exists():
            raise KeyboardInterrupt("interrupted before anything was written") from interrupt
        done, shards = completeness(open_objects(path))
        raise KeyboardInterrupt(
            f"interrupted: {done:,} of {shards:,} shards; "
            f"resume with: geoinfinite resume {shlex.quote(str(path))}"
        ) from interrupt


def _progress(options: argparse.Namespace) -> Progress:
    return Silent() if options.quiet else progress_on(sys.stderr)


def _tell(options: argparse.Namespace, text: str) -> None:
    if not options.quiet:
        print(text, flush=True)
