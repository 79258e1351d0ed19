"""Small worlds with position-revealing roots: every pixel of every band differs from its mirror images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.grid import Grid
from geoinfinite.recipe.recipe import Numerics, Recipe
from geoinfinite.recipe.root import Root
from geoinfinite.samplers.presets import IndependentTiles

GENERATED = """
[root]
source = "generated"
[grid]
crs = "EPSG:32633"
origin = [412300.0, 5207700.0]
resolution = 300.0
shape = [20, 28]
levels = 3
[level.0.model]
ref = "analytic:planet"
[model]
ref = "analytic:gaussian"
"""
"""A world file whose level 0 is drawn, with nothing said of samplers."""


def revealing(rows: int, columns: int) -> np.ndarray:
    """Return ``(3, y, x)`` uint8 whose values tell band, row and column; some blocks are black or white."""
    band, y, x = np.mgrid[:3, :rows, :columns]
    values = (20 + 7 * y + 3 * x + 29 * band + (y * x) % 11 * 6) % 256
    values[:, 2:5, 3:7] = 0
    values[:, -4:, -5:] = 255
    return values.astype(np.uint8)


def write_root(
    path: Path, values: np.ndarray, crs: str | None, origin: tuple[float, float], resolution: float
) -> Path:
    """Write a GeoTIFF of ``(band, y, x)`` values."""
    bands, rows, columns = values.shape
    transform = Affine(resolution, 0, origin[0], 0, -resolution, origin[1])
    # GDAL would take the fourth of four bands for an alpha band, which is a mask.
    plain = {"photometric": "MINISBLACK", "alpha": "NO"} if bands == 4 else {}
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=bands,
        height=rows,
        width=columns,
        dtype=values.dtype,
        crs=crs,
        transform=transform,
        **plain,
    ) as raster:
        raster.write(values)
    return path


def patch_world(folder: Path, **changes: object) -> Recipe:
    """Return an off-origin, non-square world on a projected grid: 20 x 28 px of 300 m, four levels."""
    root = write_root(folder / "patch.tif", revealing(20, 28), "EPSG:32633", (412_300.0, 5_207_700.0), 300.0)
    grid = Grid("EPSG:32633", (412_300.0, 5_207_700.0), 300.0, (20, 28), factor=4, levels=4)
    return _world(root, grid, "patch", changes)


def ring_world(folder: Path, **changes: object) -> Recipe:
    """Return a world once round the Earth: 12 x 24 px of 15 degrees, four levels."""
    root = write_root(folder / "ring.tif", revealing(12, 24), "EPSG:4326", (-180.0, 90.0), 15.0)
    grid = Grid("EPSG:4326", (-180.0, 90.0), 15.0, (12, 24), factor=4, levels=4, periodic=True)
    return _world(root, grid, "ring", changes)


def _world(root: Path, grid: Grid, name: str, changes: dict[str, object]) -> Recipe:
    world = Recipe(
        grid=grid,
        root=Root(str(root)),
        model=ModelReference("analytic:gaussian"),
        sampler=IndependentTiles(steps=3, tile=32, stride=24),
        numerics=Numerics(micro_batch=2),
        name=name,
        seed=11,
    )
    return world.replace(**changes)
