"""The command ``chips``: labelled pictures of a world, for training."""

from __future__ import annotations

import argparse
import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path

from geoinfinite.chips import (
    FILTERS,
    BoxLabels,
    ChipContent,
    ChipSet,
    MaskLabels,
    Places,
    Split,
    WriteSettings,
    select,
    write,
)
from geoinfinite.chips.source import Readable, source_of
from geoinfinite.cli.jobs import progress_of, tell
from geoinfinite.conditions import Boxes
from geoinfinite.errors import StoreError, WorldError
from geoinfinite.plane.crs import carry_bounds, parse_crs
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.objects import open_objects


def run(options: argparse.Namespace) -> int:
    """Draw the chips that the options ask for, or go on with those of an earlier run."""
    readable = _readable(options)
    chips = select(
        readable,
        _content(options, readable),
        places=_places(options, readable),
        count=options.count,
        split=None if options.split is None else Split.parse(options.split),
    )
    settings = WriteSettings(
        format=options.format,
        picture=options.picture,
        filters={name: FILTERS[name] for name in dict.fromkeys(options.filter)},
        limit=options.limit,
    )
    tell(options, _opening(chips))
    with _interruptible(options):
        report = write(chips, open_objects(options.out), settings, progress=progress_of(options, "chips"))
    left = "" if report.complete else f"; {report.left:,} are left: run the same command again"
    tell(options, f"{report}{left}")
    return 0


def _readable(options: argparse.Namespace) -> Readable:
    """Return the world that is named, or the store."""
    name = str(options.world)
    if name.endswith(".zarr") or "://" in name or Path(name).expanduser().is_dir():
        if options.seed is not None:
            raise StoreError(f"--seed={options.seed}: the pixels of the store {name} are drawn; leave it out")
        return name
    recipe = worldfile.load(name, Recipe)
    return recipe if options.seed is None else recipe.replace(seed=options.seed)


def _content(options: argparse.Namespace, readable: Readable) -> ChipContent:
    source, column = options.boxes, options.column
    own = [c for c in getattr(readable, "conditions", ()) if isinstance(c, Boxes)]
    if source is None and own:
        source, column = own[0].source, column or own[0].column
    column = column or "class"
    if source is None and (options.format not in (None, "geoparquet") or options.masks):
        wanted = f"--format={options.format}" if options.format else f"--masks={','.join(options.masks)}"
        raise WorldError(
            f"{wanted} needs objects, and the world is told none; name a file of polygons: --boxes FILE"
        )
    labels_boxes = source is not None and (options.format is not None or not options.masks)
    boxes = BoxLabels(source, column, options.classes, options.least_visible) if labels_boxes else None
    masks = MaskLabels(source, options.masks, column) if options.masks else None
    return ChipContent(options.level, options.size, boxes, masks, options.pairs)


def _places(options: argparse.Namespace, readable: Readable) -> Places:
    bounds = options.bbox
    if bounds is not None:
        grid = source_of(readable, options.level).grid
        same = parse_crs(options.crs) == parse_crs(grid.crs)
        bounds = tuple(bounds) if same else carry_bounds(tuple(bounds), options.crs, grid.crs)
    return Places(seed=options.places_seed, bounds=bounds)


def _opening(chips: ChipSet) -> str:
    sizes = f"{chips.content.size} x {chips.content.size} px of level {chips.content.level}"
    parts = [f"{chips.splits.count(name):,} {name}" for name in dict.fromkeys(sorted(chips.splits))]
    classes = f"; classes {', '.join(chips.classes)}" if chips.classes else ""
    return f"{len(chips):,} chips of {sizes} ({', '.join(parts)}){classes}"


@contextlib.contextmanager
def _interruptible(options: argparse.Namespace) -> Iterator[None]:
    """Let signals end the job; every chip that was written is whole."""
    hint = f"chips drawn are kept in {shlex.quote(options.out)}; run the same command again to go on"
    with options.signals.during(hint, lambda: None):
        try:
            yield
        except KeyboardInterrupt as interrupt:
            word = str(interrupt) or "interrupted"
            raise KeyboardInterrupt(f"{word}; {hint}") from interrupt
