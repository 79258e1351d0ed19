"""A town of vectors about one place, and what a slot is told of maps."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from vector_files import carried, turned_box

from geoinfinite.conditions import Map, Place
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.told import Slot

SLOT = Slot("hint", "raster", channels=3, span=(0.0, 1.0))
GRID = Grid("EPSG:32632", (499_990.0, 5_200_010.0), 4.0, (160, 200), factor=4, levels=2)
"""Level 1 has pixels of 1 m."""
EARTH = Grid("EPSG:4326", (-180.0, 90.0), 0.25, (720, 1440), factor=4, levels=2, periodic=True)
X, Y = 500_200.0, 5_199_850.0
"""The outer corner of pixel (160, 210) of level 1."""
LAND, WATER, BUILDING = (242, 239, 233), (170, 211, 223), (217, 208, 201)
COLUMNS = "highway", "building", "landuse", "natural", "other_tags"


def town(crs: str = GRID.crs) -> tuple[list[Any], dict[str, list[Any]]]:
    """Areas, lines and buildings about (X, Y), of which many lie over edges of tiles."""
    rng = np.random.default_rng(11)
    shapes: list[Any] = []
    tags: list[dict[str, str]] = []
    for n in range(30):
        x, y, size, angle = (
            X + rng.uniform(-90, 90),
            Y + rng.uniform(-90, 90),
            rng.uniform(4, 60),
            rng.uniform(0, 90),
        )
        shapes.append(turned_box(x, y, size, size * 0.7, angle))
        tags.append(
            [{"building": "yes"}, {"landuse": "forest"}, {"natural": "water"}, {"landuse": "retail"}][n % 4]
        )
    for n in range(14):
        walk = np.cumsum(rng.normal(0, 23, (5, 2)), axis=0) + np.array([X, Y])
        shapes.append(shapely.LineString(walk))
        tags.append({"highway": ["residential", "primary", "footway", "service"][n % 4]})
    shapes.append(shapely.MultiLineString([[(X - 80, Y), (X + 80, Y + 13)], [(X, Y - 70), (X + 11, Y + 70)]]))
    tags.append({"other_tags": '"railway"=>"tram","name"=>"T"'})
    placed = [carried(shape, GRID.crs, crs) for shape in shapes] if crs != GRID.crs else shapes
    return placed, {name: [said.get(name) for said in tags] for name in COLUMNS}


def told(path: str, window: Window, grid: Grid = GRID, level: int = 1, **more: Any) -> np.ndarray:
    """What a slot is told, as bytes ``(y, x, band)``."""
    slot = more.pop("slot", SLOT)
    condition = Map("hint", path, **({"style": "osm-carto-z17"} | more))
    condition.check(slot, grid, level)
    values: Any = condition.told(Place(grid, level, window), slot)
    return np.moveaxis(values * 255, 0, -1).round().astype(int)
