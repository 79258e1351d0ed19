"""Draws docs/figures/first_picture.png: what the first command draws. Run ``python docs/figures/first_picture.py``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

import geoinfinite as gi

BOUNDS = 6.5, 45.5, 8.1, 46.5


def main(folder: Path = Path(__file__).parent) -> None:
    """Draw level 1 of the Alps, every pixel as 6 x 6."""
    pixels = gi.World.load("earth").array(level=1, bounds=BOUNDS).transpose("y", "x", "band").values
    large = np.kron(pixels, np.ones((6, 6, 1), "uint8"))
    Image.fromarray(large).save(folder / "first_picture.png", optimize=True)


if __name__ == "__main__":
    main()
