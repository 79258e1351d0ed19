"""What a notebook shows of a recipe: where it is, what draws it, and its levels."""

from __future__ import annotations

from geoinfinite.errors import GeoInfiniteError
from geoinfinite.html_tables import columns_table, facts_table
from geoinfinite.recipe.recipe import Recipe

MOST_LEVELS = 24
"""Levels that are listed."""


def world_table(recipe: Recipe) -> str:
    """Return a recipe as HTML; nothing is drawn."""
    grid = recipe.grid
    bounds = ", ".join(f"{edge:g}" for edge in grid.bounds(0, grid.full(0)))
    steered = [f"{type(c).__name__} {c.name!r}" for c in recipe.conditions]
    facts = {
        "seed": recipe.seed,
        "token": _token(recipe),
        "bounds": f"{bounds} ({grid.crs}{', once round' if grid.periodic else ''})",
        "level 0": recipe.root.source,
        "model": _models(recipe),
        "sampler": _sampler(recipe),
        "values": recipe.dtype,
        **({"conditions": ", ".join(steered)} if steered else {}),
    }
    rows = [
        (level, f"{grid.gsd_m(level):.4g}", " x ".join(f"{side:,}" for side in grid.shape_at(level)))
        for level in range(min(grid.levels, MOST_LEVELS))
    ]
    more = [("...", f"{grid.levels - MOST_LEVELS} more", "")] if grid.levels > MOST_LEVELS else []
    table = columns_table(("level", "metres per pixel", "rows x columns"), [*rows, *more])
    return facts_table(f"world {recipe.name!r}", facts) + table


def _token(recipe: Recipe) -> str:
    """Return the beginning of the token; what keeps it from being known, where files are gone."""
    try:
        return recipe.token[:12]
    except (GeoInfiniteError, OSError) as error:
        return f"unknown: {error}"


def _models(recipe: Recipe) -> str:
    names = dict.fromkeys(recipe.model_at(level).ref for level in recipe.drawn_levels())
    return ", ".join(names) or "none"


def _sampler(recipe: Recipe) -> str:
    levels = recipe.drawn_levels()
    if not levels:
        return "none"
    sampler = recipe.sampler_at(levels[-1])
    return (
        f"{sampler.preset}, {sampler.steps} steps of {sampler.solver}, tiles of {sampler.tile} px "
        f"every {sampler.stride} px"
    )
