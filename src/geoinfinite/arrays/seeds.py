"""The dimension of seeds: worlds that differ in their seed alone, side by side."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr

from geoinfinite.errors import WorldError
from geoinfinite.recipe.recipe import Recipe

DIM = "seed"


def recipes_of(recipe: Recipe, seeds: Iterable[int]) -> list[Recipe]:
    """Return a recipe for every seed; raise `WorldError` for seeds that name no world, or one twice."""
    given = _listed(seeds)
    repeated = {seed for seed in given if given.count(seed) > 1}
    if repeated:
        raise WorldError(
            f"seeds={seeds!r} repeats {min(repeated)}; every seed is one world: take each of them once"
        )
    return [recipe.replace(seed=seed) for seed in given]


def _listed(seeds: Any) -> list[int]:
    if isinstance(seeds, str) or not isinstance(seeds, Iterable):
        raise WorldError(f"seeds={seeds!r} is no sequence of integers; take seeds=range(16)")
    given = [seed.__index__() if hasattr(seed, "__index__") else seed for seed in seeds]
    if not given:
        raise WorldError(f"seeds={seeds!r} is empty; take seeds=range(16)")
    return given


def seed_coordinate(recipes: list[Recipe]) -> xr.Coordinates:
    """Return the coordinate ``seed`` with its index."""
    seeds = np.array([recipe.seed for recipe in recipes], np.uint64)
    values = seeds if seeds.max() >= 2**63 else seeds.astype(np.int64)
    attrs = {"long_name": "seed of the world"}
    return xr.Coordinates({DIM: xr.Variable((DIM,), values, attrs)})
