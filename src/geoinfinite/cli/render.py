"""The commands that draw: ``render`` and ``resume``."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from geoinfinite.cli.jobs import job, progress_of, tell
from geoinfinite.cli.place import place_of
from geoinfinite.cli.show import describe_part, describe_plan, describe_store, opening_line, size_of
from geoinfinite.cli.store import already, completeness, open_store, read_store
from geoinfinite.cli.targets import Targets, check_space, check_targets
from geoinfinite.plane.window import Window
from geoinfinite.progress import Silent
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.files.paths import hidden_store
from geoinfinite.stores.listing import describe_listed
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.objects.local import LocalObjects
from geoinfinite.stores.planning import Plan, plan_window
from geoinfinite.stores.writing import resume_store, write_zarr

FindPlace = Callable[[argparse.Namespace], tuple[Recipe, int, Window]]
"""Makes a recipe, a level and a window of what the options name."""


def render(options: argparse.Namespace) -> int:
    """Draw a place of a world and write it."""
    return draw(options, place_of)


def draw(options: argparse.Namespace, place: FindPlace) -> int:
    """Draw a place once and write it as often as asked; a Zarr store goes on where an earlier run stopped."""
    targets = check_targets(options)
    plan = plan_window(*place(options), preset=options.preset)
    store: Objects = targets.store or LocalObjects(hidden_store(plan, targets.files[0]))
    if isinstance(store, LocalObjects):
        check_space(store.root if targets.store else targets.files[0], plan)
    also = [said for picture in targets.pictures if (said := picture.check(plan))]
    found = already(plan, store)
    name = next((out for out in options.out if out.endswith(".zarr")), store.url)
    tell(options, describe_plan(plan) if found is None else describe_store(name, *found))
    if targets.store is not None:
        tell(options, f"{name} {describe_listed([stage.level for stage in plan.listed], plan.unlisted)}")
    for said in also:
        tell(options, said)
    with job(options, store, targets.files):
        _write(options, plan, targets, store)
    if options.part[1] > 1:
        tell(options, describe_part(options.part, options.out[0], *completeness(store)))
        return 0
    for out in options.out:
        tell(options, f"wrote {out}{size_of(out)}; {opening_line(out, plan.level)}")
    return 0


def _write(options: argparse.Namespace, plan: Plan, targets: Targets, store: Objects) -> None:
    """Draw a plan into the store, then write pictures from it."""
    progress = progress_of(options)
    if targets.store is None and len(targets.pictures) == 1:
        # A picture's own hidden store also holds its partial files.
        (picture,) = targets.pictures
        picture.write(plan, overwrite=options.overwrite, progress=progress)
        return
    write_zarr(plan, store, progress=progress, part=options.part)
    for picture in targets.pictures:
        picture.write(plan, overwrite=options.overwrite, store=store, progress=Silent())
    if isinstance(store, LocalObjects) and targets.store is None:
        store.remove()


def resume(options: argparse.Namespace) -> int:
    """Finish a store from nothing but itself."""
    store = open_store(options, options.store)
    header = read_store(store)
    tell(options, describe_store(options.store, *completeness(store)))
    with job(options, store):
        report = resume_store(store, progress=progress_of(options), part=options.part)
    if options.part[1] > 1:
        tell(options, describe_part(options.part, options.store, *completeness(store)))
        return 0
    tell(
        options,
        f"{options.store} is complete, {report.drawn:,} shards drawn and {report.kept:,} kept; "
        f"{opening_line(options.store, header.level)}",
    )
    return 0
