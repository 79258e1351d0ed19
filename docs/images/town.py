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
        shapes = np.array([placed(shape) for shape, _ in features], object)
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
        (shapely.Polygon([(296, 58), (384, 44), (384, 96), (296, 96)]), {"amenity": "parking"}),
        (shapely.box(168, 120, 250, 186), {"landuse": "commercial"}),
        (
            shapely.Polygon([(180, 130), (236, 130), (236, 176), (214, 176), (214, 152), (180, 152)]),
            {"building": "retail"},
        ),
        (shapely.box(312, 62, 344, 88), {"building": "yes"}),
        (shapely.box(112, 228, 140, 262), {"building": "church", "amenity": "place_of_worship"}),
    ]
    for n, (x, y) in enumerate((x, y) for x in range(16, 150, 22) for y in (118, 162, 194)):
        width, depth, angle = 11 + 2.5 * np.sin(5 * n), 10 + 2 * np.sin(3 * n), 0.1 * np.sin(7 * n)
        house = shapely.box(-width / 2, -depth / 2, width / 2, depth / 2)
        found.append((_turned(house, angle, (x, y)), {"building": "house"}))
    return found


def ships() -> list[Any]:
    """Return hulls in a harbour, in metres from the corner, y southwards; some are not rectangles."""
    hull = shapely.Polygon([(-16, -5), (9, -5), (17, 0), (9, 5), (-16, 5)])
    barge = shapely.box(-12, -4, 12, 4)
    tug = shapely.Polygon([(-5, -3), (6, -3), (6, 3), (1, 3), (1, 6), (-5, 6)])
    return [
        _turned(
            (hull, barge, tug)[n % 3],
            0.9 * n,
            (28 + 47 * (n % 6) + 9 * (n % 2), 26 + 42 * (n // 6) + 7 * (n % 3)),
        )
        for n in range(24)
    ]


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
        (shapely.LineString([(352, 46), (356, 94), (290, 100), (262, 104)]), {"highway": "service"}),
        (shapely.LineString([(262, 205), (300, 215), (345, 212), (395, 280)]), {"highway": "footway"}),
        (shapely.LineString([(0, 60), (60, 40), (100, 10)]), {"highway": "track"}),
        (shapely.LineString(curve), {"highway": "primary"}),
        (shapely.LineString([(-10, 20), (160, 50), (420, 160)]), {"railway": "rail"}),
    ]


def _turned(shape: Any, angle: float, to: tuple[float, float]) -> Any:
    cos, sin = np.cos(angle), np.sin(angle)
    return shapely.transform(
        shape, lambda points: points @ np.array([[cos, sin], [-sin, cos]]) + np.array(to)
    )


def placed(shape: Any) -> Any:
    """Return a shape in the CRS."""
    return shapely.transform(shape, lambda points: points * (1, -1) + np.array([WEST, NORTH]))
