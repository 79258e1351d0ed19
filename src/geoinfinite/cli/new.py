"""The command ``new``: a world file that fits a model."""

from __future__ import annotations

import argparse
import os
import shlex
import tomllib
from collections.abc import Sequence
from math import ceil, floor
from pathlib import Path
from typing import Any

from odc.geo.crs import CRS

from geoinfinite.cli.exits import OutputExists
from geoinfinite.cli.show import print_facts
from geoinfinite.conditions import KINDS, Condition
from geoinfinite.errors import WorldError
from geoinfinite.models import from_pretrained
from geoinfinite.plane.crs import carry_bounds
from geoinfinite.plane.window import Window
from geoinfinite.recipe import condition_tables, worldfile
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
    """Return the conditions that the options name: ``--prompt``, ``--raster`` and ``--condition``."""
    found = [] if options.prompt is None else [KINDS["text"]("prompt", options.prompt)]
    found += [KINDS["raster"](slot, os.path.abspath(path)) for slot, path in options.raster]
    tables = [_table(head, pairs) for head, *pairs in options.condition]
    return [*found, *condition_tables.read(tables, KINDS, Path.cwd())]


def _table(head: str, pairs: Sequence[str]) -> dict[str, Any]:
    """Return the ``[[condition]]`` that words of the command line stand for.

    >>> _table("metadata:metadata", ["date=2019-07-14", "cloud_cover=0.1"])["cloud_cover"]
    0.1
    """
    kind, _, slot = head.partition(":")
    table: dict[str, Any] = {"kind": kind} | ({"name": slot} if slot else {})
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise WorldError(
                f"--condition {head} {pair}: {pair!r} is not KEY=VALUE, such as source=osm.tif; write it so"
            )
        table[key] = _value(value)
    return table


def _value(text: str) -> Any:
    """Return a value as TOML reads it; text that is no value of TOML stands for itself.

    >>> _value("[1, 2]"), _value("osm.tif")
    ([1, 2], 'osm.tif')
    """
    try:
        found = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return found["value"] if found.keys() == {"value"} else text


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
