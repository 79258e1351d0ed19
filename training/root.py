"""Write level 0 of the bundled world: NASA's Blue Marble as a Cloud Optimized GeoTIFF.

Run `python -m training.root --out src/geoinfinite/data/blue-marble.tif`. The README beside this
file says why the pixels are kept as JPEG at quality 95.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import rasterio
from PIL import Image
from rasterio.transform import from_origin

from training import sources

PIXEL_DEGREES = 360 / 5400


def write(source: Path, target: Path) -> None:
    """Copy the pixels of `source` (5400 x 2700 RGB) to `target` with their georeference."""
    pixels = np.moveaxis(np.asarray(Image.open(source).convert("RGB")), 2, 0)
    target.parent.mkdir(parents=True, exist_ok=True)
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
            title="NASA Blue Marble Next Generation",
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
