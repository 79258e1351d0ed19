"""What a world draws two levels below its root, against real pictures of the same places.

`python -m training.cascade --pack HELD PACK` draws level 2 of the bundled world, with everything that a
user's window goes through, in the middle of the packs' windows of the Blue Marble that `WINDOWS` names. It
prints, for every window and for all of them, the power over the real one of brightness and of two colours, by
octave (`geoinfinite.evaluation.octave_ratios`): of level 2, and of its means, which are level 1. The real
pictures are resampled to the world's pixels. Their own are no smaller, so that their finest octaves are too
weak at level 2; at level 1 they are sharp. `--sheet FILE` writes drawn over real.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from rasterio.transform import from_origin
from rasterio.warp import Resampling, reproject
from torch import Tensor

import geoinfinite as gi
from geoinfinite.evaluation import octave_ratios
from geoinfinite.models.earth.colours import along_axes
from geoinfinite.plane.web_map import HALF_M
from training import pack
from training.marble import ZOOM
from training.scene import Scene

LEVEL, SIDE = 2, 256
PER_DEGREE = 15 * 4**LEVEL
WINDOWS = "246-159", "73-164", "77-140", "131-88", "130-70", "187-103", "123-80", "215-137"
"""First tiles, of zoom 8: New Zealand, Patagonia, Altiplano, Alps, Norway, Tibet, England, Kimberley."""
Picture = NDArray[np.uint8]


def window(scene: Scene, tiles: int) -> gi.Window:
    """Return the window of the world in the middle of a scene of so many tiles along a side."""
    x, y = (int(number) + tiles / 2 for number in scene.name.split("-")[1:])
    degrees = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * y / 2**ZOOM))))
    row, column = (int(at * PER_DEGREE) for at in (90 - degrees, x / 2**ZOOM * 360))
    half = SIDE // 2
    return gi.Window(row - half, row + half, column - half, column + half)


def resampled(scene: Scene, tiles: int, at: gi.Window) -> Picture:
    """Return a scene in web mercator on the pixels (3, y, x) of a window of the world."""
    x, y = (int(number) for number in scene.name.split("-")[1:])
    tile = 2 * HALF_M / 2**ZOOM
    pixel, degrees = tile * tiles / scene.pixels.shape[1], 1 / PER_DEGREE
    found = np.zeros((3, SIDE, SIDE), np.float32)
    reproject(
        scene.pixels.numpy().astype(np.float32),
        found,
        src_transform=from_origin(x * tile - HALF_M, HALF_M - y * tile, pixel, pixel),
        src_crs="EPSG:3857",
        dst_transform=from_origin(at.x0 * degrees - 180, 90 - at.y0 * degrees, degrees, degrees),
        dst_crs="EPSG:4326",
        resampling=Resampling.bilinear,
    )
    return np.rint(found).astype(np.uint8)


def figures(drawn: list[Picture], real: list[Picture]) -> dict[str, list[list[float]]]:
    """Return the power over the real one (axis, octave) of brightness and two colours, by level."""
    fine = [along_axes(torch.from_numpy(np.stack(images).astype(np.float32))) for images in (drawn, real)]
    return {"level 2": ratios(*fine), "level 1": ratios(*(F.avg_pool2d(images, 4) for images in fine))}


def ratios(drawn: Tensor, real: Tensor) -> list[list[float]]:
    """Return the power over the real one (axis, octave) of pictures (picture, axis, y, x)."""
    pairs = (
        (one.numpy(), other.numpy()) for one, other in zip(drawn.split(1, 1), real.split(1, 1), strict=True)
    )
    return [[round(value, 2) for value in octave_ratios(*pair)] for pair in pairs]


def main() -> None:
    """Read the command line, print the powers and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", type=Path, nargs="+", required=True, help="folders of `training.imagery`")
    parser.add_argument("--sheet", type=Path, help="PNG to write")
    arguments = parser.parse_args()
    scenes = {scene.name: scene for folder in arguments.pack for scene in pack.read(folder)}
    world: Any = gi.World.load("earth")
    drawn, real = [], []
    for name in (f"marble-{place}" for place in WINDOWS):
        if name not in scenes:
            continue
        # Windows have 6 tiles of 256 px, the others 4; north and south of 45 degrees they are halved.
        tiles = 6 if scenes[name].pixels.shape[1] % 768 == 0 else 4
        at = window(scenes[name], tiles)
        drawn.append(np.asarray(gi.generate(world, LEVEL, at)))
        real.append(resampled(scenes[name], tiles, at))
        print(json.dumps({"window": name, **figures(drawn[-1:], real[-1:])}), flush=True)
    print(json.dumps({"window": "all", **figures(drawn, real)}))
    if arguments.sheet is not None:
        rows = [np.concatenate(pictures, 2) for pictures in (drawn, real)]
        Image.fromarray(np.concatenate(rows, 1).transpose(1, 2, 0)).save(arguments.sheet)


if __name__ == "__main__":
    main()
