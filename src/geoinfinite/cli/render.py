"""The commands that draw: ``render`` and ``resume``."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from geoinfinite.cli.jobs import job, progress_of, tell
from geoinfinite.cli.place import place_of
from geoinfinite.cli.show import describe_plan, describe_store, opening_line, size_of
from geoinfinite.cli.store import already, completeness, read_store
from geoinfinite.cli.targets import PICTURES, check_space, check_targets
from geoinfinite.progress import Silent
from geoinfinite.stores.pictures import check_png, hidden_store
from geoinfinite.stores.planning import Plan, plan_window
from geoinfinite.stores.writing import local_path, resume_store, write_zarr


def render(options: argparse.Namespace) -> int:
    """Draw a place once and write it as often as asked; a Zarr store goes on where an earlier run stopped."""
    paths = check_targets(options.out, overwrite=options.overwrite)
    plan = plan_window(*place_of(options))
    check_space(paths[0], plan)
    if any(path.suffix == ".png" for path in paths):
        check_png(plan)
    kept = paths[0].suffix == ".zarr"
    store = paths[0] if kept else hidden_store(plan, paths[0])
    pictures = paths[1:] if kept else paths
    found = already(plan, store)
    tell(options, describe_plan(plan) if found is None else describe_store(store.name, *found))
    with job(options, store, pictures):
        _write(options, plan, store, pictures)
        if not kept:
            shutil.rmtree(store)
    for out in options.out:
        tell(options, f"wrote {out} ({size_of(local_path(out))}); {opening_line(out, plan.level)}")
    return 0


def _write(options: argparse.Namespace, plan: Plan, store: Path, pictures: list[Path]) -> None:
    """Draw a plan into a store, then write pictures from it."""
    write_zarr(plan, store, progress=progress_of(options))
    for path in pictures:
        PICTURES[path.suffix](plan, path, overwrite=options.overwrite, store=store, progress=Silent())


def resume(options: argparse.Namespace) -> int:
    """Finish a store from nothing but itself."""
    path, header = local_path(options.store), read_store(options.store)
    tell(options, describe_store(options.store, *completeness(path)))
    with job(options, path):
        report = resume_store(path, progress=progress_of(options))
    tell(
        options,
        f"{options.store} is complete, {report.drawn:,} shards drawn and {report.kept:,} kept; "
        f"{opening_line(options.store, header.level)}",
    )
    return 0
