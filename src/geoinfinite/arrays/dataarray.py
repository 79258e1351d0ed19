"""Makes labelled lazy arrays, with provenance attributes, of a level of a recipe or of a window of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr

from geoinfinite.arrays.attributes import array_attributes, ensemble_attributes, level_facts, provenance
from geoinfinite.arrays.axis import crs_of
from geoinfinite.arrays.blocks import preferred_side
from geoinfinite.arrays.budget import DEFAULT_BUDGET, ReadBudget
from geoinfinite.arrays.index import BandIndex, GridIndex
from geoinfinite.arrays.lazy import LazyBox
from geoinfinite.arrays.seeds import DIM as SEED
from geoinfinite.arrays.seeds import recipes_of, seed_coordinate
from geoinfinite.arrays.variables import WorldVariable
from geoinfinite.engine import resolve
from geoinfinite.errors import WindowError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe

NAME = "image"
DIMS = "band", "y", "x"


def level_dataset(
    recipe: Recipe,
    level: int,
    *,
    window: Window | None = None,
    chunks: Any = None,
    budget: ReadBudget = DEFAULT_BUDGET,
    seeds: Iterable[int] | None = None,
) -> xr.Dataset:
    """Return a dataset of one lazy variable, ``image`` with ``(band, y, x)``; nothing is drawn.

    ``budget`` limits what one read may cost. ``window`` may run past the antimeridian of a periodic grid;
    the default is the whole level.
    ``chunks`` is as in ``xarray.open_dataset``: ``None`` for no Dask, ``{}`` for chunks of the
    preferred size. With ``seeds`` the variable is ``(seed, band, y, x)``. Raises `WindowError` for a level or
    window that the grid does not have, `WorldError` for seeds that are none.
    """
    level = checked_level(recipe, level)
    window = recipe.grid.full(level) if window is None else window
    recipe.grid.check_window(level, window)
    held = resolve(recipe, level)
    coords = coordinates(recipe.grid, level, window, held.bands)
    side = preferred_side(held.sampler.stride)
    preferred = {"band": held.bands, "y": min(side, window.height), "x": min(side, window.width)}
    box, attrs = LazyBox.of(held, window, budget), array_attributes(recipe, level)
    if seeds is not None:
        recipes = recipes_of(recipe, seeds)
        preferred = {SEED: 1, **preferred}
        box = box.of_seeds(tuple(resolve(each, level) for each in recipes))
        attrs, coords = ensemble_attributes(recipe, level), coords.merge(seed_coordinate(recipes)).coords
    pixels = WorldVariable(
        [*preferred], box, attrs, {"grid_mapping": "spatial_ref", "preferred_chunks": preferred}
    )
    dataset = xr.Dataset({NAME: pixels}, coords=coords, attrs=attrs)
    return dataset if chunks is None else dataset.chunk(_per_dimension(chunks))


def checked_level(recipe: Recipe, level: Any) -> int:
    """Return a level as an integer; raise `WindowError` for a value that is no integer."""
    if isinstance(level, bool) or not hasattr(level, "__index__"):
        raise WindowError(f"level={level!r} is not an integer; take 0 to {recipe.grid.levels - 1}")
    return int(level.__index__())


def coordinates(grid: Grid, level: int, window: Window, bands: int) -> xr.Coordinates:
    """Return ``band``, ``y``, ``x`` with their indexes, and ``spatial_ref``, of a window of a level."""
    names = xr.Variable(("band",), band_names(bands))
    indexes: dict[Any, xr.Index] = {
        "band": BandIndex.from_variables({"band": names}, options={}),
        **GridIndex.of(grid, level, window),
    }
    variables = {name: index.create_variables()[name] for name, index in indexes.items()}
    reference = xr.Variable((), np.int32(0), spatial_ref_attributes(grid))
    return xr.Coordinates({**variables, "spatial_ref": reference}, indexes=indexes)


def band_names(bands: int) -> list[str] | list[int]:
    """Return the labels of bands: colours where there are three, else numbers from 1 as files have.

    >>> band_names(3), band_names(2)
    (['red', 'green', 'blue'], [1, 2])
    """
    return ["red", "green", "blue"] if bands == 3 else list(range(1, bands + 1))


def spatial_ref_attributes(grid: Grid) -> dict[str, Any]:
    """Return the CF grid mapping of a grid, without a ``GeoTransform``.

    A scalar coordinate does not follow selections: after a stride or a mean over blocks, readers would take
    an old pixel size from it. They compute it from x and y. Files, whose pixels stay where they are, add
    `geo_transform`.
    """
    attrs: dict[str, Any] = crs_of(grid).to_cf()
    attrs["spatial_ref"] = attrs["crs_wkt"]
    return attrs


def level_array(
    recipe: Recipe,
    level: int,
    *,
    window: Window | None = None,
    chunks: Any = None,
    budget: ReadBudget = DEFAULT_BUDGET,
    seeds: Iterable[int] | None = None,
) -> xr.DataArray:
    """Return the lazy variable of `level_dataset`."""
    return level_dataset(recipe, level, window=window, chunks=chunks, budget=budget, seeds=seeds)[NAME]


def level_tree(recipe: Recipe, *, chunks: Any = None) -> xr.DataTree:
    """Return every level as a node, ``/0`` the coarsest."""
    return xr.DataTree.from_dict(level_groups(recipe, chunks=chunks), name=recipe.name)


def level_groups(recipe: Recipe, *, chunks: Any = None) -> dict[str, xr.Dataset]:
    """Return the dataset of every level by the path of its node, and what they have in common at ``/``."""
    groups = {"/": xr.Dataset(attrs=provenance(recipe))}
    for level in range(recipe.grid.levels):
        dataset = level_dataset(recipe, level, chunks=chunks)
        dataset.attrs = level_facts(recipe.grid, level)
        groups[f"/{level}"] = dataset
    return groups


def _per_dimension(chunks: Any) -> Any:
    return dict.fromkeys(DIMS, chunks) if isinstance(chunks, int | str) else chunks
