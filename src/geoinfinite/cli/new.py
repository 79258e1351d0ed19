"""The command ``new``: a world file that fits a model."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Sequence
from math import ceil, floor
from pathlib import Path

from odc.geo.crs import CRS

from geoinfinite.cli.exits import OutputExists
from geoinfinite.cli.show import print_facts
from geoinfinite.conditions import KINDS, Condition
from geoinfinite.models import from_pretrained
from geoinfinite.plane.crs import carry_bounds
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.fitting import fitted_fields
from geoinfinite.recipe.recipe import Recipe

DEGREES = "EPSG:4326"


def run(options: argparse.Namespace) -> int:
    """Write a world file for a model and a place, and say how to draw it."""
    out = Path(options.out).expanduser()
    if out.exists() and not options.overwrite:
        raise OutputExists(f"--out={options.out} exists; name another file, or add --overwrite")
    recipe = _recipe(options)
    out.write_text(worldfile.dump(recipe, out.absolute().parent), encoding="utf-8")
    sampler = recipe.sampler_at(recipe.grid.levels - 1)
    print_facts(
        f"wrote {options.out}",
        [
            ("grid", f"{recipe.grid.crs}, {recipe.grid.shape[0]:,} x {recipe.grid.shape[1]:,} px"),
            ("sampler", f"{sampler.solver}, {sampler.steps} steps, tiles of {sampler.tile} px"),
            ("told", ", ".join(c.name for c in recipe.conditions) or "nothing"),
            ("draw it", _command(options, recipe)),
        ],
    )
    return 0


def _recipe(options: argparse.Namespace) -> Recipe:
    model = from_pretrained(options.ref)
    crs, bounds = options.crs, options.bbox
    if bounds is not None:
        crs = crs or _utm(*bounds)
        bounds = bounds if crs == DEGREES else carry_bounds(tuple(bounds), DEGREES, crs)
        bounds = _outwards(bounds, options.resolution) if options.resolution else bounds
    fields = fitted_fields(model, crs, bounds, options.resolution, options.root, _conditions(options))
    return Recipe(**fields, name=options.name or Path(options.out).stem, seed=options.seed or 0)


def _outwards(bounds: Sequence[float], step: float) -> list[float]:
    """Return bounds moved outwards to whole multiples of a step: their numbers are short then."""
    left, bottom, right, top = bounds
    return [
        floor(left / step) * step,
        floor(bottom / step) * step,
        ceil(right / step) * step,
        ceil(top / step) * step,
    ]


def _utm(west: float, south: float, east: float, north: float) -> str:
    """Return the UTM zone in which the middle of a box lies."""
    return str(CRS.utm((west + (east - west) % 360 / 2 + 180) % 360 - 180, (south + north) / 2))


def _conditions(options: argparse.Namespace) -> list[Condition]:
    """Return the conditions that the options name: ``--prompt TEXT``, ``--raster SLOT=FILE``."""
    found = [] if options.prompt is None else [KINDS["text"]("prompt", options.prompt)]
    return found + [KINDS["raster"](slot, os.path.abspath(path)) for slot, path in options.raster]


def _command(options: argparse.Namespace, recipe: Recipe) -> str:
    """Return a command that draws the middle of the finest level."""
    level = recipe.grid.levels - 1
    whole = recipe.grid.full(level)
    side = min(recipe.sampler_at(level).tile, *whole.shape)
    y, x = (whole.height - side) // 2, (whole.width - side) // 2
    box = recipe.grid.bounds(level, Window(y, y + side, x, x + side))
    place = ["--crs", recipe.grid.crs, "--bbox", *(f"{edge:.12g}" for edge in box)]
    picture = str(Path(options.out).with_suffix(".png"))
    return shlex.join(["geoinfinite", "render", options.out, "--level", str(level), *place, "--out", picture])
