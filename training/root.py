"""Write level 0 of the bundled world: NASA's Blue Marble as a tiled GeoTIFF.

Run `python -m training.root --water water.tif --out src/geoinfinite/data/blue-marble.tif`. Shores are moved
to where the raster of water has them (`training.moved_shores`). Blacks and whites are pulled in
(`training.layer.pull_in_ends`). The README beside this file says why the pixels are even counts, kept as WebP
without loss.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

from training import globe
from training.layer import Bytes, pull_in_ends
from training.moved_shores import moved
from training.shores import open_shores

PIXEL_DEGREES = 360 / 5400
FINER = 4
"""Along each pixel, the finer ones whose shores are moved: 1.9 km."""
STRIP, MARGIN = 600, 24
"""Rows of finer pixels whose shores are moved at once, and those around them that this depends on."""
STEP = 2
"""Counts between values of a band: without the last bit the file is a fifth smaller."""


def with_shores(fine: Bytes, share: Bytes) -> Bytes:
    """Return the means (y / 4, x / 4, 3) of a picture (y, x, 3) as wet as `share` (y, x), of 255, says."""
    return np.concatenate(list(_strips(fine, share)))


def _strips(fine: Bytes, share: Bytes) -> Iterator[Bytes]:
    for top in range(0, len(fine), STRIP):
        first = max(0, top - MARGIN)
        around = slice(first, top + STRIP + MARGIN)
        strip = moved(fine[around], share[around])[top - first :][:STRIP]
        blocks = strip.reshape(len(strip) // FINER, FINER, -1, FINER, 3)
        yield np.rint(blocks.mean((1, 3))).astype(np.uint8)


def in_steps(pixels: Bytes) -> Bytes:
    """Return pixels in the nearest steps of `STEP` counts."""
    return (np.rint(pixels / STEP) * STEP).clip(0, 255).astype(np.uint8)


def write(pixels: Bytes, target: Path) -> None:
    """Write the globe (y, x, 3) with its georeference."""
    target.parent.mkdir(parents=True, exist_ok=True)
    height, width, bands = pixels.shape
    with rasterio.open(
        target,
        "w",
        driver="GTiff",
        width=width,
        height=height,
        count=bands,
        dtype="uint8",
        crs="EPSG:4326",
        transform=from_origin(-180.0, 90.0, PIXEL_DEGREES, PIXEL_DEGREES),
        compress="WEBP",
        webp_lossless="YES",
        interleave="pixel",
        tiled=True,
        blockxsize=256,
        blockysize=256,
    ) as dataset:
        dataset.write(np.moveaxis(pixels, 2, 0))
        dataset.update_tags(
            title="NASA Blue Marble Next Generation, shores moved to GSHHG's, blacks and whites pulled in",
            credit="NASA Earth Observatory, Reto Stockli; GSHHG, Wessel and Smith 1996",
            licence="imagery public domain, shores LGPL",
        )


def main() -> None:
    """Read the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the GeoTIFF to write")
    parser.add_argument("--cache", type=Path, default=Path("training/cache"), help="downloads")
    parser.add_argument("--water", type=Path, required=True, help="the land-and-water raster")
    arguments = parser.parse_args()
    fine = globe.read(arguments.cache, FINER)
    share = open_shores(arguments.water).globe(*fine.shape[:2]).numpy()
    write(in_steps(pull_in_ends(with_shores(fine, share))), arguments.out)


if __name__ == "__main__":
    main()
