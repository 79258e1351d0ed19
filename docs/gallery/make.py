"""Draws the pictures of docs/gallery.md: zooms from planet to metres. Run ``python docs/gallery/make.py``."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import geoinfinite as gi

PLACES = {
    "alps": (7.66, 45.98),
    "sahara": (8.0, 24.0),
    "amazon": (-60.2, -3.3),
    "coast": (-9.15, 38.6),
    "islands": (-149.5, -17.6),
}
"""Longitude and latitude of the centre of every panel."""
DEEPEST = 6
SIDE, GAP, COLUMNS = 256, 6, 4
SEEDS = (42, 43, 44)


def main() -> None:
    """Draw every place, or the named ones, into the folder of this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("places", nargs="*", help=f"of {', '.join(PLACES)}; all when none is named")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder of the pictures")
    arguments = parser.parse_args()
    earth = gi.World.load("earth")
    for name in arguments.places or PLACES:
        save(zoom(earth, *PLACES[name]), arguments.out / f"{name}.jpg")
    if not arguments.places:
        save(seeds(earth, *PLACES["alps"]), arguments.out / "seeds.jpg")


def zoom(earth: gi.World, lon: float, lat: float) -> Image.Image:
    """Return the planet and levels 0 to `DEEPEST` around a place, each with the next one's frame."""
    panels = [planet(earth, lon, lat)]
    for level in range(DEEPEST + 1):
        panel = picture(earth, level, around(earth, level, lon, lat))
        if level < DEEPEST:
            framed(panel, SIDE // earth.grid.factor)
        panels.append(
            labelled(panel, length(earth.grid.gsd_m(level)) + "/px" + (" (input)" if level == 0 else ""))
        )
    return sheet(panels)


def seeds(earth: gi.World, lon: float, lat: float) -> Image.Image:
    """Return a place at level 2 under three seeds, after its input enlarged."""
    window = around(earth, 2, lon, lat)
    coarse = picture(earth, 0, window.coarsen(earth.grid.factor).coarsen(earth.grid.factor))
    panels = [labelled(coarse.resize((SIDE, SIDE), Image.Resampling.NEAREST), "input")]
    for seed in SEEDS:
        panels.append(labelled(picture(earth.replace(seed=seed), 2, window), f"seed {seed}"))
    return sheet(panels)


def around(earth: gi.World, level: int, lon: float, lat: float) -> gi.Window:
    """Return a square window around a place, at multiples of 16 so that its parents are whole."""
    resolution, (left, top) = earth.grid.resolution_at(level), earth.grid.origin
    row, column = (round(at / resolution / 16) * 16 for at in (top - lat, lon - left))
    half = SIDE // 2
    return gi.Window(row - half, row + half, column - half, column + half)


def picture(earth: gi.World, level: int, window: gi.Window) -> Image.Image:
    """Return the pixels of a window as a picture."""
    return Image.fromarray(np.moveaxis(gi.generate(earth, level, window), 0, -1))


def planet(earth: gi.World, lon: float, lat: float) -> Image.Image:
    """Return the hemisphere of columns around a place, with a frame of the first window of level 0."""
    rows = earth.grid.shape[0]
    middle = round((lon - earth.grid.origin[0]) / earth.grid.resolution)
    whole = picture(earth, 0, gi.Window(0, rows, middle - rows // 2, middle + rows // 2))
    panel = whole.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    scale = SIDE / rows
    y = (earth.grid.origin[1] - lat) / earth.grid.resolution * scale
    half = SIDE / 2 * scale
    ImageDraw.Draw(panel).rectangle([SIDE / 2 - half, y - half, SIDE / 2 + half, y + half], outline="white")
    return labelled(panel, "the planet")


def framed(panel: Image.Image, side: int) -> None:
    """Draw the square in the middle that the next panel shows."""
    low, high = (SIDE - side) / 2, (SIDE + side) / 2
    ImageDraw.Draw(panel).rectangle([low, low, high, high], outline="white")


def labelled(panel: Image.Image, text: str) -> Image.Image:
    """Return the panel with a line of text in its lower left corner."""
    draw = ImageDraw.Draw(panel)
    box = draw.textbbox((5, SIDE - 16), text)
    draw.rectangle([box[0] - 3, box[1] - 2, box[2] + 3, box[3] + 2], fill="black")
    draw.text((5, SIDE - 16), text, fill="white")
    return panel


def length(metres: float) -> str:
    """Return a length to read.

    >>> length(7421.3), length(115.9), length(1.81)
    ('7.4 km', '116 m', '1.8 m')
    """
    return (
        f"{metres / 1000:.1f} km"
        if metres >= 1000
        else f"{metres:.3g} m"
        if metres >= 100
        else f"{metres:.2g} m"
    )


def sheet(panels: list[Image.Image]) -> Image.Image:
    """Return panels side by side, `COLUMNS` in a row."""
    rows = -(-len(panels) // COLUMNS)
    size = COLUMNS * (SIDE + GAP) - GAP, rows * (SIDE + GAP) - GAP
    whole = Image.new("RGB", size, "white")
    for index, panel in enumerate(panels):
        whole.paste(panel, (index % COLUMNS * (SIDE + GAP), index // COLUMNS * (SIDE + GAP)))
    return whole


def save(image: Image.Image, path: Path) -> None:
    """Write a JPEG."""
    image.save(path, quality=88, optimize=True, progressive=True)


if __name__ == "__main__":
    main()
