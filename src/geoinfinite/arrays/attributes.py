"""The attributes of a world's arrays, in memory and in files: what they are, and where they come from."""

from __future__ import annotations

from typing import Any

from geoinfinite.plane.grid import Grid
from geoinfinite.provenance import DIGITAL_SOURCE_TYPE, SYNTHETIC, version
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.recipe.worldfile import dump

PROVENANCE = (
    "synthetic",
    "digital_source_type",
    "geoinfinite_version",
    "geoinfinite_token",
    "geoinfinite_recipe",
)
"""Attributes that every output has."""


def provenance(recipe: Recipe) -> dict[str, Any]:
    """Return the provenance attributes of every output; the recipe among them is a world file."""
    return {
        "synthetic": SYNTHETIC,
        "digital_source_type": DIGITAL_SOURCE_TYPE,
        "geoinfinite_version": version(),
        "geoinfinite_token": recipe.token,
        "geoinfinite_recipe": dump(recipe),
    }


def level_facts(grid: Grid, level: int) -> dict[str, Any]:
    """Return the attributes that differ from level to level."""
    return {
        "long_name": "synthetic imagery",
        "geoinfinite_level": level,
        "ground_sample_distance_m": float(f"{grid.gsd_m(level):.4g}"),
    }


def array_attributes(recipe: Recipe, level: int) -> dict[str, Any]:
    """Return the attributes of a level's array and of its dataset, in memory and in a store.

    The window is not among them: attributes survive selections, and it would be that of another array.
    Files keep it beside, as ``geoinfinite_window``.
    """
    return level_facts(recipe.grid, level) | provenance(recipe)


def ensemble_attributes(recipe: Recipe, level: int) -> dict[str, Any]:
    """Return the attributes of an array over several seeds.

    Its recipe holds but for the seed, which the coordinate ``seed`` says; no token names pixels of several.
    """
    attrs = array_attributes(recipe, level)
    del attrs["geoinfinite_token"]
    return attrs
