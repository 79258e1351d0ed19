"""An invented town as OpenStreetMap would have it, for the pictures of docs/conditions.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely

CRS = "EPSG:32632"
WEST, NORTH = 500_000.0, 5_200_000.0
"""The upper left corner of the town, in metres."""
COLUMNS = (
    "building",
    "landuse",
    "natural",
    "leisure",
    "amenity",
    "highway",
    "waterway",
    "railway",
    "other_tags",
)
Features = list[tuple[Any, dict[str, str]]]


def write(path: Path) -> str:
    """Write the town as GDAL writes an extract: a layer of areas and one of lines."""
    for layer, features in (("multipolygons", areas()), ("lines", lines())):
        shapes = np.array([_placed(shape) for shape, _ in features], object)
        tags = [np.array([tags.get(name) for _, tags in features], object) for name in COLUMNS]
        pyogrio.raw.write(
            str(path),
            shapely.to_wkb(shapes),
            tags,
            list(COLUMNS),
            layer=layer,
            crs=CRS,
            geometry_type="Unknown",
            driver="GPKG",
            append=path.exists(),
        )
    return str(path)


def areas() -> Features:
    """Return ground, water and buildings, in metres from the corner, y southwards."""
    wood = shapely.Polygon([(0, 0), (130, 0), (105, 40), (60, 70), (0, 90)])
    lake = shapely.transform(
        shapely.Point(0, 0).buffer(1, quad_segs=24), lambda p: p * (38, 20) + np.array([330, 240])
    )
    found: Features = [
        (shapely.box(-50, -50, 600, 500), {"landuse": "residential"}),
        (wood, {"natural": "wood"}),
        (shapely.Polygon([(265, 190), (400, 195), (400, 290), (255, 290)]), {"leisure": "park"}),
        (lake, {"natural": "water"}),
        (shapely.box(20, 228, 96, 278), {"leisure": "pitch"}),
        (shapely.box(290, 20, 380, 90), {"amenity": "parking"}),
        (shapely.box(168, 120, 250, 186), {"landuse": "commercial"}),
        (
            shapely.Polygon([(180, 130), (236, 130), (236, 176), (214, 176), (214, 152), (180, 152)]),
            {"building": "retail"},
        ),
        (shapely.box(300, 36, 336, 74), {"building": "yes"}),
        (shapely.box(112, 228, 140, 262), {"building": "church", "amenity": "place_of_worship"}),
    ]
    rng = np.random.default_rng(3)
    for x in range(16, 160, 22):
        for y in (118, 160, 196):
            width, depth = rng.uniform(9, 14), rng.uniform(8, 12)
            house = shapely.box(-width / 2, -depth / 2, width / 2, depth / 2)
            angle = rng.uniform(-6, 6)
            placed = shapely.transform(
                house, lambda p, a=np.deg2rad(angle): p @ [[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]
            )
            found.append(
                (shapely.transform(placed, lambda p, x=x, y=y: p + np.array([x, y])), {"building": "house"})
            )
    return found


def lines() -> Features:
    """Return roads, a railway and a stream."""
    bend = np.linspace(0, 1, 20)
    curve = np.stack([420 * bend - 10, 100 + 8 * np.sin(bend * 6) - 60 * bend], axis=1)
    brook = np.stack([280 + 12 * np.sin(bend * 9), 310 * bend - 20], axis=1)
    return [
        (shapely.LineString(brook), {"waterway": "stream"}),
        (shapely.LineString([(-10, 140), (160, 140), (160, 300)]), {"highway": "residential"}),
        (shapely.LineString([(-10, 212), (260, 212), (262, 300)]), {"highway": "residential"}),
        (shapely.LineString([(160, 140), (160, 82)]), {"highway": "tertiary"}),
        (shapely.LineString([(255, 66), (345, 84), (370, 40)]), {"highway": "service"}),
        (shapely.LineString([(262, 205), (300, 215), (345, 212), (395, 280)]), {"highway": "footway"}),
        (shapely.LineString([(0, 60), (60, 40), (100, 10)]), {"highway": "track"}),
        (shapely.LineString(curve), {"highway": "primary"}),
        (shapely.LineString([(-10, 20), (160, 50), (420, 160)]), {"railway": "rail"}),
    ]


def _placed(shape: Any) -> Any:
    return shapely.transform(shape, lambda points: points * (1, -1) + np.array([WEST, NORTH]))
