"""What a store says by the conventions of Zarr: where its pixels lie, and how its levels belong together.

https://github.com/zarr-conventions: multiscales, spatial, proj, coords.
"""

from __future__ import annotations

from typing import Any

from geoinfinite.arrays.dataarray import band_names
from geoinfinite.engine import Drawn
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.stores.planning import Plan
from geoinfinite.stores.stages import Stage

_CONVENTIONS = {
    "spatial": ("689b58e2-cf7b-45e0-9fff-9cfc0883d6b4", "v0.1", "Spatial coordinate information"),
    "proj": ("f17cb550-5864-4468-aeb7-f3180cfb622f", "v0.1", "Coordinate reference system information"),
    "multiscales": ("d35379db-88df-4056-af3a-620245f8e347", "v0.1", "Multiscale layout of groups"),
    "coords": (
        "6ca4454a-658a-4348-a667-b39ced0e58cb",
        "v1",
        "Domain-agnostic mapping between Zarr array index space and coordinate space.",
    ),
}
SPATIAL_DIMENSIONS = {"spatial:dimensions": ["y", "x"]}


def of_root(plan: Plan) -> dict[str, Any]:
    """Return the attributes of the root group: one extent, and the levels that fill it, finest first."""
    grid = plan.recipe.grid
    return {
        "zarr_conventions": _named("multiscales", "spatial", "proj", "coords"),
        "multiscales": {"layout": _layout(plan)},
        **_proj(grid),
        **SPATIAL_DIMENSIONS,
        "spatial:bbox": list(grid.bounds(plan.level, plan.window)),
        "spatial:registration": "pixel",
        "coords:coordinates": {"band": {"type": "inline", "values": band_names(plan.recipe.bands)}},
    }


def of_group(grid: Grid, level: int, window: Window) -> dict[str, Any]:
    """Return the attributes of the group of a window of a level."""
    return {
        "zarr_conventions": _named("spatial", "proj"),
        **_proj(grid),
        **_spatial(grid, level, window),
        **SPATIAL_DIMENSIONS,
        "spatial:bbox": list(grid.bounds(level, window)),
        "spatial:registration": "pixel",
    }


def _layout(plan: Plan) -> list[dict[str, Any]]:
    """Return the levels, finest first; all have one corner, and pixel = pixel of ``derived_from`` * scale.

    Where blocks keep the mean of their parent's pixel, a level is the average of the finer one, whichever was
    made first, and readers take it for an overview. Elsewhere the finer one is said to be drawn on it.
    """
    factor, averaged = float(plan.recipe.grid.factor), all(map(_keeps_means, plan.listed[:-1]))
    layout: list[dict[str, Any]] = []
    for index, stage in enumerate(plan.listed):
        made_of = index - 1 if averaged else index + 1
        entry: dict[str, Any] = {
            "asset": stage.group,
            **_spatial(plan.recipe.grid, stage.level, stage.window),
        }
        scale = 1.0
        if 0 <= made_of < len(plan.listed):
            scale = factor if averaged else 1 / factor
            entry["derived_from"] = plan.listed[made_of].group
            entry["resampling_method"] = "average" if averaged else "diffusion"
        entry["transform"] = {"scale": [scale, scale], "translation": [0.0, 0.0]}
        layout.append(entry)
    return layout


def _keeps_means(stage: Stage) -> bool:
    """Say whether the mean of every block of a level is its parent's pixel."""
    source = stage.source.source
    return isinstance(source, Drawn) and source.keeps_means and source.known is None


def _named(*names: str) -> list[dict[str, str]]:
    return [
        {
            "schema_url": f"https://raw.githubusercontent.com/zarr-conventions/{name}/refs/tags/{tag}/schema.json",
            "spec_url": f"https://github.com/zarr-conventions/{name}/blob/{tag}/README.md",
            "uuid": uuid,
            "name": name,
            "description": description,
        }
        for name in names
        for uuid, tag, description in [_CONVENTIONS[name]]
    ]


def _proj(grid: Grid) -> dict[str, str]:
    crs = grid.geobox(0, Window(0, 1, 0, 1)).crs
    assert crs is not None
    wkt = {"proj:wkt2": crs.to_wkt()}
    return wkt if crs.epsg is None else {"proj:code": f"EPSG:{crs.epsg}", **wkt}


def _spatial(grid: Grid, level: int, window: Window) -> dict[str, Any]:
    return {
        "spatial:transform": [float(v) for v in grid.transform(level, window)[:6]],
        "spatial:shape": list(window.shape),
    }
