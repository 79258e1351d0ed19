"""Write level 0 of the bundled world: NASA's Blue Marble as a Cloud Optimized GeoTIFF.

Run `python -m training.root --out src/geoinfinite/data/blue-marble.tif`. The README beside this
file says why the pixels are kept as JPEG at quality 95. Its blacks are lifted (`training.layer.lift_blacks`);
JPEG makes some pixels at coasts black again, which are lifted further until none is left.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image
from rasterio.transform import from_origin

from training import sources
from training.layer import lift_blacks

PIXEL_DEGREES = 360 / 5400
DARKEST = 5
"""Least value of a band: a block of level 1 that has this mean has room for detail."""
MOST_PASSES = 24


def write(source: Path, target: Path) -> None:
    """Copy the pixels of `source` (5400 x 2700 RGB), blacks lifted, to `target` with their georeference."""
    wanted = np.moveaxis(lift_blacks(np.asarray(Image.open(source).convert("RGB"))), 2, 0).astype(np.int16)
    target.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(MOST_PASSES):
        _write(target, wanted.clip(0, 255).astype(np.uint8))
        with rasterio.open(target) as dataset:
            lacking = (DARKEST - dataset.read().astype(np.int16)).clip(0)
        if not lacking.any():
            break
        wanted += 2 * _over_pairs(lacking)


def _over_pairs(lacking: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return the greatest of every 2 x 2 pixels, which share their colour in the file, in each of them."""
    bands, rows, columns = lacking.shape
    most = lacking.reshape(bands, rows // 2, 2, columns // 2, 2).max((2, 4))
    return most.repeat(2, axis=1).repeat(2, axis=2)


def _write(target: Path, pixels: NDArray[np.uint8]) -> None:
    with rasterio.open(
        target,
        "w",
        driver="COG",
        width=pixels.shape[2],
        height=pixels.shape[1],
        count=3,
        dtype="uint8",
        crs="EPSG:4326",
        transform=from_origin(-180.0, 90.0, PIXEL_DEGREES, PIXEL_DEGREES),
        compress="JPEG",
        quality=95,
        blocksize=256,
        overviews="NONE",
    ) as dataset:
        dataset.write(pixels)
        dataset.update_tags(
            title="NASA Blue Marble Next Generation, blacks lifted",
            credit="NASA Earth Observatory, Reto Stockli",
            licence="public domain",
        )


def main() -> None:
    """Read the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the GeoTIFF to write")
    parser.add_argument("--cache", type=Path, default=Path("training/cache"), help="downloads")
    arguments = parser.parse_args()
    write(sources.blue_marble(arguments.cache), arguments.out)


if __name__ == "__main__":
    main()
