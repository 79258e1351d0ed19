"""Draws docs/images/alps.png: a zoom from the input to level 3. Run ``python docs/images/alps.py``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import geoinfinite as gi

PANELS = (
    (0, (3.9, 43.9, 10.7, 48.433)),
    (1, (6.1, 45.2, 8.5, 46.8)),
    (3, (7.0, 45.8, 7.6, 46.2)),
)
SIZE = 576, 384
GAP = 12


def main() -> None:
    """Draw the panels side by side; each one's frame is the place of the next."""
    earth = gi.World.load("earth")
    strip = Image.new("RGB", (3 * SIZE[0] + 2 * GAP, SIZE[1]), "white")
    for number, (level, bounds) in enumerate(PANELS):
        pixels = gi.generate(earth, level, earth.grid.window(level, bounds))
        panel = Image.fromarray(np.moveaxis(pixels, 0, -1)).resize(SIZE, Image.Resampling.NEAREST)
        if number + 1 < len(PANELS):
            ImageDraw.Draw(panel).rectangle(frame(bounds, PANELS[number + 1][1]), outline="white", width=2)
        strip.paste(panel, (number * (SIZE[0] + GAP), 0))
    strip.save(Path(__file__).with_suffix(".png"), optimize=True)


def frame(outer: tuple[float, ...], inner: tuple[float, ...]) -> list[float]:
    """Return where one place lies in the panel of another, as left, top, right, bottom in pixels."""
    across, down = SIZE[0] / (outer[2] - outer[0]), SIZE[1] / (outer[3] - outer[1])
    return [
        (inner[0] - outer[0]) * across,
        (outer[3] - inner[3]) * down,
        (inner[2] - outer[0]) * across,
        (outer[3] - inner[1]) * down,
    ]


if __name__ == "__main__":
    main()
