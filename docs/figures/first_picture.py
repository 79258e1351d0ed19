"""Draws docs/figures/first_picture.png: what the first command draws. Run this file by ``python``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

import geoinfinite as gi

BOUNDS = 6, 45, 9, 47


def main(folder: Path = Path(__file__).parent, world: str = "earth") -> None:
    """Draw level 1 of the Alps, every pixel as 4 x 4."""
    pixels = gi.World.load(world).array(level=1, bounds=BOUNDS).transpose("y", "x", "band").values
    large = np.kron(pixels, np.ones((4, 4, 1), "uint8"))
    Image.fromarray(large).save(folder / "first_picture.png", optimize=True)


if __name__ == "__main__":
    main()
