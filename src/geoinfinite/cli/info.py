"""The command ``info``: a world, or a store."""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import Any

from geoinfinite.cli.show import edges, length, print_facts, print_json, print_table
from geoinfinite.cli.store import completeness, open_store, read_store
from geoinfinite.conditions.protocol import Condition
from geoinfinite.models.backend import TORCH
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.recipe.settings import described
from geoinfinite.samplers.tiled import TiledSampler
from geoinfinite.stores.identity import Header
from geoinfinite.stores.listing import describe_listed


def run(options: argparse.Namespace) -> int:
    """Describe a world or a store."""
    path = Path(options.subject).expanduser()
    if "://" in options.subject or path.suffix == ".zarr" or path.is_dir():
        store = open_store(options, options.subject)
        header, done = read_store(store), completeness(store)
        if options.json:
            print_json(_store_document(store.url, header, *done))
        else:
            _describe_store(store.url, header, *done)
        return 0
    recipe = worldfile.load(options.subject, Recipe)
    if options.json:
        print_json(_world_document(recipe))
    else:
        _describe_world(recipe)
    return 0


def _world_document(recipe: Recipe) -> dict[str, Any]:
    grid = recipe.grid
    return {
        "kind": "world",
        "name": recipe.name,
        "token": recipe.token,
        "seed": recipe.seed,
        "bands": recipe.bands,
        "dtype": recipe.dtype,
        "crs": grid.crs,
        "factor": grid.factor,
        "periodic": grid.periodic,
        "root": recipe.root.source,
        "device": recipe.numerics.device,
        "conditions": [{"name": c.name, "kind": c.kind, "levels": c.levels} for c in recipe.conditions],
        "levels": [_level_document(recipe, level) for level in range(grid.levels)],
    }


def _level_document(recipe: Recipe, level: int) -> dict[str, Any]:
    rows, columns = recipe.grid.shape_at(level)
    drawn = _drawn(recipe, level)
    return {
        "level": level,
        "gsd_m": recipe.grid.gsd_m(level),
        "rows": rows,
        "columns": columns,
        "source": "model" if drawn else "raster",
        "model": recipe.model_at(level).ref if drawn else None,
        "backend": recipe.model_at(level).backend if drawn else None,
        "sampler": described(recipe.sampler_at(level)) if drawn else None,
    }


def _drawn(recipe: Recipe, level: int) -> bool:
    """Say whether a level is drawn by a model, and not read from the root raster."""
    return level > 0 or recipe.root.drawn


def _describe_world(recipe: Recipe) -> None:
    grid = recipe.grid
    levels = range(grid.levels)
    drawn = [level for level in levels if _drawn(recipe, level)]
    print_facts(
        f"world {recipe.name!r}",
        [
            ("token", recipe.token),
            ("seed", str(recipe.seed)),
            ("values", f"{recipe.bands} bands, {recipe.dtype}"),
            ("grid", f"{_short(grid.crs)}, factor {grid.factor}{', once round the Earth' * grid.periodic}"),
            ("root", recipe.root.source),
            *_by_levels("model", drawn, lambda level: _model(recipe, level)),
            *_by_levels("sampler", drawn, lambda level: _sampler(recipe.sampler_at(level))),
            *((f"condition {c.name}", _condition(c)) for c in recipe.conditions),
        ],
    )
    print_table(
        ("level", "ground sample distance", "rows", "columns", "from"),
        [
            (str(level), length(grid.gsd_m(level)), f"{rows:,}", f"{columns:,}", source)
            for level in levels
            for rows, columns in [grid.shape_at(level)]
            for source in ["model" if _drawn(recipe, level) else "root"]
        ],
    )


def _condition(condition: Condition) -> str:
    levels = f", at levels {', '.join(map(str, condition.levels))}" * bool(condition.levels)
    return f"{condition.kind}{levels}"


def _by_levels(name: str, levels: list[int], text: Any) -> list[tuple[str, str]]:
    """Return a fact of every level, one line for levels in a row that share it."""
    return [
        (f"{name} of {_range([level for level, _ in group])}", value)
        for value, found in itertools.groupby(
            ((level, text(level)) for level in levels), key=lambda pair: pair[1]
        )
        for group in [list(found)]
    ]


def _range(levels: list[int]) -> str:
    if len(levels) == 1:
        return f"level {levels[0]}"
    return f"levels {levels[0]} to {levels[-1]}"


def _model(recipe: Recipe, level: int) -> str:
    model = recipe.model_at(level)
    by = f", by {model.backend}" * (model.backend != TORCH)
    return f"{model.ref}, {model.dtype}{by}, on {recipe.numerics.device}"


def _sampler(sampler: TiledSampler) -> str:
    return (
        f"{sampler.preset}, {sampler.solver} {sampler.steps} steps, tiles of {sampler.tile} px "
        f"every {sampler.stride} px"
    )


def _short(crs: str) -> str:
    """Return an authority code as it is, and of WKT no more than its name."""
    return crs if len(crs) < 40 else crs.split('"')[1]


def _store_document(path: str, header: Header, done: int, shards: int) -> dict[str, Any]:
    return {
        "kind": "store",
        "path": path,
        "token": header.token,
        "level": header.level,
        "levels": sorted((*header.listed, *header.unlisted)),
        "listed": list(header.listed),
        "preset": header.preset.name,
        "readers": header.preset.readers,
        "window": edges(header.window),
        "shards": shards,
        "shards_written": done,
        "complete": done == shards,
        "numerics": dict(header.numerics),
        "software": dict(header.software),
        "recipe": header.recipe,
    }


def _describe_store(path: str, header: Header, done: int, shards: int) -> None:
    state = "complete" if done == shards else f"resume with: geoinfinite resume {path}"
    window = header.window
    print_facts(
        path,
        [
            ("token", header.token),
            ("shards", f"{done:,} of {shards:,} written; {state}"),
            ("level", f"{header.level}; {describe_listed(header.listed, header.unlisted)}"),
            ("preset", f"{header.preset.name}, read by {header.preset.readers}"),
            ("window", f"rows {window.y0}..{window.y1}, columns {window.x0}..{window.x1}"),
            (
                "numerics",
                ", ".join(f"{key} {value}" for key, value in header.numerics.items() if key != "simd"),
            ),
            ("software", ", ".join(f"{key} {value}" for key, value in header.software.items())),
        ],
    )
    print(f"recipe\n{header.recipe.rstrip()}")
