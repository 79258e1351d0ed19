"""A level of a recipe, or a window of it, as a labelled lazy array that says what it is."""

from __future__ import annotations

from typing import Any

import xarray as xr

from geoinfinite.arrays.axis import crs_of
from geoinfinite.arrays.blocks import preferred_side
from geoinfinite.arrays.index import GridIndex, spatial_ref
from geoinfinite.arrays.lazy import LazyBox
from geoinfinite.arrays.variables import WorldVariable
from geoinfinite.engine import resolve
from geoinfinite.errors import WindowError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.provenance import SYNTHETIC, version
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.recipe.worldfile import dump

NAME = "image"
DIMS = "band", "y", "x"


def level_dataset(
    recipe: Recipe, level: int, *, window: Window | None = None, chunks: Any = None
) -> xr.Dataset:
    """Return a dataset of one lazy variable, ``image`` with ``(band, y, x)``; nothing is drawn.

    ``window`` may run past the antimeridian of a periodic grid; the default is the whole level.
    ``chunks`` is as in ``xarray.open_dataset``: ``None`` for no Dask, ``{}`` for chunks of the
    preferred size. Raises `WindowError` for a level or window that the grid does not have.
    """
    if isinstance(level, bool) or not hasattr(level, "__index__"):
        raise WindowError(f"level={level!r} is not an integer; take 0 to {recipe.grid.levels - 1}")
    level = level.__index__()
    window = recipe.grid.full(level) if window is None else window
    recipe.grid.check_window(level, window)
    held = resolve(recipe, level)
    index = GridIndex.of(recipe.grid, level, window)
    attrs = level_facts(recipe, level) | provenance(recipe)
    side, bands = preferred_side(recipe.sampler_at(level).stride), held.shape[0]
    encoding = {
        "grid_mapping": "spatial_ref",
        "preferred_chunks": {"band": bands, "y": min(side, window.height), "x": min(side, window.width)},
    }
    pixels = WorldVariable(DIMS, LazyBox.of(held, window), attrs, encoding)
    names = ["red", "green", "blue"] if bands == 3 else list(range(1, bands + 1))
    coords = xr.Coordinates.from_xindex(index).assign(
        band=names, spatial_ref=spatial_ref(recipe.grid, level, window, index)
    )
    dataset = xr.Dataset({NAME: pixels}, coords=coords, attrs=attrs)
    return dataset if chunks is None else dataset.chunk(_per_dimension(chunks))


def level_array(
    recipe: Recipe, level: int, *, window: Window | None = None, chunks: Any = None
) -> xr.DataArray:
    """Return the lazy variable of `level_dataset`."""
    return level_dataset(recipe, level, window=window, chunks=chunks)[NAME]


def level_tree(recipe: Recipe, *, chunks: Any = None) -> xr.DataTree:
    """Return every level as a node, ``/0`` the coarsest."""
    return xr.DataTree.from_dict(level_groups(recipe, chunks=chunks), name=recipe.name)


def level_groups(recipe: Recipe, *, chunks: Any = None) -> dict[str, xr.Dataset]:
    """Return the dataset of every level by the path of its node, and what they have in common at ``/``."""
    groups = {"/": xr.Dataset(attrs=provenance(recipe))}
    for level in range(recipe.grid.levels):
        dataset = level_dataset(recipe, level, chunks=chunks)
        dataset.attrs = level_facts(recipe, level)
        groups[f"/{level}"] = dataset
    return groups


def band_names(bands: int) -> list[str] | list[int]:
    """Return the labels of bands: colours where there are three, else numbers from 1 as files have.

    >>> band_names(3), band_names(2)
    (['red', 'green', 'blue'], [1, 2])
    """
    return ["red", "green", "blue"] if bands == 3 else list(range(1, bands + 1))


def spatial_ref_attributes(grid: Grid) -> dict[str, Any]:
    """Return the CF grid mapping of a grid, without a ``GeoTransform``."""
    attrs: dict[str, Any] = crs_of(grid).to_cf()
    attrs["spatial_ref"] = attrs["crs_wkt"]
    return attrs


def array_attributes(recipe: Recipe, level: int) -> dict[str, Any]:
    """Return the attributes of a level's array and of its dataset, in memory and in a store."""
    return level_facts(recipe, level) | provenance(recipe)


def _per_dimension(chunks: Any) -> Any:
    return dict.fromkeys(DIMS, chunks) if isinstance(chunks, int | str) else chunks


def provenance(recipe: Recipe) -> dict[str, Any]:
    """Return what every output says of itself; the recipe is a world file that makes it again."""
    return {
        "synthetic": SYNTHETIC,
        "geoinfinite_version": version(),
        "geoinfinite_token": recipe.token,
        "geoinfinite_recipe": dump(recipe),
    }


def level_facts(recipe: Recipe, level: int) -> dict[str, Any]:
    """Return what tells one level from another."""
    return {
        "long_name": "synthetic imagery",
        "geoinfinite_level": level,
        "ground_sample_distance_m": float(f"{recipe.grid.gsd_m(level):.4g}"),
    }
