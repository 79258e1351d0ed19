"""Worlds that conditions steer: level 0 drawn by the closed-form model, on grids in several CRSs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import grounds
import numpy as np
import preset_cases
from affine import Affine

from geoinfinite import World
from geoinfinite.conditions import Condition, Embedding, Known, Map, Metadata, Raster, Text
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Numerics
from geoinfinite.recipe.root import Root
from geoinfinite.samplers.tiled import TiledSampler

PIXELS, LATENTS = MODELS = "analytic:conditional", "analytic:conditional-latent"
SHAPE = 66, 90


def _about(crs: str, step: float) -> Grid:
    x, y = grounds.around(crs)
    return Grid(crs, (x - 41.3 * step, y + 37.1 * step), step, SHAPE)


PLACES = {
    "utm": _about("EPSG:32632", 20.0),
    "mercator": _about("EPSG:3857", 30.0),
    "geographic": _about("EPSG:4326", 2.5e-4),
    "albers": _about("EPSG:5070", 20.0),
    "ring": Grid("EPSG:4326", (-180.0, 90.0), 3.75, (48, 96), periodic=True),
}
"""Grids about one place, none of them on the lattice of another, and one once round the Earth."""
REGIONS = {place: Window(9, 54, 21, 77) for place in PLACES} | {"ring": Window(0, 48, -37, 19)}
"""Off the lattice of tiles; on the ring across the antimeridian."""


def hint(folder: Path, place: str, name: str = "hint.tif", seed: int = 3) -> str:
    """A raster of noise over a place, in another CRS than its grid."""
    if place == "ring":
        return grounds.write(
            folder / name, grounds.noise((3, 45, 90), seed), "EPSG:4326", Affine(4, 0, -180, 0, -4, 90)
        )
    crs = "EPSG:3857" if place in ("geographic", "albers") else "EPSG:4326"
    values = grounds.noise((3, 420, 420), seed)
    return grounds.write(folder / name, values, crs, grounds.about(crs, grounds.STEPS[crs]))


def numbers(folder: Path, place: str, name: str, bands: int) -> str:
    """A coarse raster over a place, of values from 0 to 1."""
    transform = Affine(4, 0, -180, 0, -4, 90)
    if place != "ring":
        transform = grounds.about("EPSG:4326", 6e-3, side=20)
    shape = (bands, 45, 90) if place == "ring" else (bands, 20, 20)
    values = grounds.noise(shape, seed=5).astype(np.float32) / np.float32(255)
    return grounds.write(folder / name, values, "EPSG:4326", transform)


def regions(folder: Path, place: str) -> str:
    """Polygons with texts over a place; on the ring one of them lies across the antimeridian."""
    if place != "ring":
        return grounds.regions(folder)
    found = [
        grounds.polygon(175, 20, 40, "red", 9),
        grounds.polygon(-20, -30, 30, "blue", 7, 5),
        grounds.polygon(10, -20, 25, "red", 6, 6),
    ]
    return grounds.write_polygons(folder / "regions.geojson", found)


def scene(folder: Path, place: str) -> str:
    """Known pixels of a part of a grid, with a hole; on the ring they lie across the antimeridian."""
    grid = PLACES[place]
    values = grounds.noise((3, 40, 50), seed=9)
    values[:, 9:17, 20:33] = 0
    row, column = (3, 80) if place == "ring" else (11, 23)
    left, top = grid.origin
    step = grid.resolution
    transform = Affine(step, 0, left + column * step, 0, -step, top - row * step)
    return grounds.write(folder / "scene.tif", values, grid.crs, transform, nodata=0)


COLOURS = (("red", (200, 0, 7)), ("blue", (0, 30, 255)), ("green", (0, 120, 60)))
Make = Callable[[Path, str], Condition]
KINDS: dict[str, Make] = {
    "raster": lambda folder, place: Raster("hint", hint(folder, place), fill=(0,)),
    "classes": lambda folder, place: Raster("hint", hint(folder, place), resampling="nearest", fill=(0,)),
    "map": lambda folder, place: Map(
        "hint", regions(folder, place), style="plain", column="text", colours=COLOURS, background=(9, 30, 70)
    ),
    "text by region": lambda folder, place: Text(
        "prompt", "grey", source=regions(folder, place), column="text"
    ),
    "text by template": lambda folder, place: Text(
        "prompt", "a field[ that is {use}]", source=regions(folder, place)
    ),
    "metadata": lambda folder, place: Metadata(
        "metadata", cloud_cover=numbers(folder, place, "clouds.tif", 1)
    ),
    "embedding": lambda folder, place: Embedding(
        "embedding", numbers(folder, place, "features.tif", 3), guidance=1.5
    ),
    "known": lambda folder, place: Known(scene(folder, place), level=0),
}
"""A condition of every kind, by a name."""
TOGETHER = "raster", "text by region", "metadata", "embedding"
"""Those that fill all slots of the model at once."""


def world(
    place: str,
    conditions: tuple[Condition, ...],
    sampler: TiledSampler = preset_cases.PRESET_CASES["independent"],
    *,
    model: str = PIXELS,
    guidance: float | None = None,
    **changes: object,
) -> World:
    """A world of one level that conditions steer."""
    made = World(
        grid=PLACES[place],
        root=Root("generated"),
        model=ModelReference(model),
        sampler=replace(sampler, guidance=guidance, consistency="none"),
        numerics=Numerics(micro_batch=2),
        name="steered",
        seed=5,
        conditions=conditions,
    )
    return made.replace(**changes)
