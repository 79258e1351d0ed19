"""Write level 0 of the bundled world: NASA's Blue Marble as a tiled GeoTIFF.

Run `python -m training.root --water water.tif --out src/geoinfinite/data/blue-marble.tif`. Shores are moved
to where the raster of water has them (`training.moved_shores`). The README beside this file says why the
pixels are kept as JPEG without chroma subsampling. Blacks and whites are pulled in
(`training.layer.pull_in_ends`); JPEG puts some pixels at coasts back, which are moved again, until none is
left.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
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
DARKEST, BRIGHTEST = 5, 250
"""Least and largest value of a band: a block of level 1 that has such a mean has room for detail."""
MOST_PASSES = 60


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


def write(pixels: Bytes, target: Path) -> None:
    """Write the globe (2700, 5400, 3) with its georeference, every band from `DARKEST` to `BRIGHTEST`."""
    wanted = np.moveaxis(pixels, 2, 0).astype(np.int16)
    target.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(MOST_PASSES):
        _write(target, wanted.clip(0, 255).astype(np.uint8))
        with rasterio.open(target) as dataset:
            found = dataset.read().astype(np.int16)
        outside = found.clip(DARKEST, BRIGHTEST) - found
        if not outside.any():
            break
        wanted += 2 * outside


def _write(target: Path, pixels: NDArray[np.uint8]) -> None:
    with rasterio.open(
        target,
        "w",
        driver="GTiff",
        width=pixels.shape[2],
        height=pixels.shape[1],
        count=3,
        dtype="uint8",
        crs="EPSG:4326",
        transform=from_origin(-180.0, 90.0, PIXEL_DEGREES, PIXEL_DEGREES),
        compress="JPEG",
        photometric="RGB",
        jpeg_quality=90,
        tiled=True,
        blockxsize=256,
        blockysize=256,
    ) as dataset:
        dataset.write(pixels)
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
    write(pull_in_ends(with_shores(fine, share)), arguments.out)


if __name__ == "__main__":
    main()
