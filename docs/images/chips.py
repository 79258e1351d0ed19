"""Draws the picture of docs/chips.md. Run ``python docs/images/chips.py``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random

import geopandas
import numpy as np
import shapely
from PIL import Image, ImageDraw

import geoinfinite as gi
from geoinfinite.chips import BoxLabels, Chip, ChipContent, MaskLabels, fit_layout, generate_layout, select

HERE = Path(__file__).parent
CRS = "EPSG:32632"
BOUNDS = 500_000, 5_195_000, 502_400, 5_196_600
COLOURS = {"ship": (235, 110, 70), "tank": (60, 190, 120)}
SCALE, GAP = 3, 6


def counted() -> geopandas.GeoDataFrame:
    """Objects of an invented harbour, to fit a layout on."""
    rng = Random(2)
    shapes, names = [], []
    for _ in range(160):
        name = "ship" if rng.random() < 0.6 else "tank"
        length, width = (rng.uniform(25, 60), rng.uniform(8, 14)) if name == "ship" else (24, 22)
        box = shapely.box(-length / 2, -width / 2, length / 2, width / 2)
        turned = shapely.affinity.rotate(box, rng.gauss(40, 15) if name == "ship" else rng.uniform(0, 180))
        shapes.append(shapely.affinity.translate(turned, rng.uniform(0, 1600), rng.uniform(0, 1600)))
        names.append(name)
    return geopandas.GeoDataFrame({"class": names}, geometry=shapes, crs=CRS)


def shown(chip: Chip) -> Image.Image:
    """Return a chip beside itself with its labels: outlines of boxes, and below them the mask."""
    pixels = np.moveaxis(chip.pixels, 0, -1)
    size = chip.window.width * SCALE
    plain = Image.fromarray(pixels).resize((size, size), Image.Resampling.NEAREST)
    labelled = plain.copy()
    draw = ImageDraw.Draw(labelled)
    for label in chip.boxes:
        corners = [tuple(corner * SCALE) for corner in label.corners]
        draw.polygon(corners, outline="white" if not label.is_cut else "yellow", width=2)
        x, y = corners[0]
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill="white" if not label.is_cut else "yellow")
    classes = np.array([(20, 24, 40), *COLOURS.values()], np.uint8)[chip.mask]
    mask = Image.fromarray(classes).resize((size, size), Image.Resampling.NEAREST)
    sheet = Image.new("RGB", (size, 3 * size + 2 * GAP), "white")
    for number, one in enumerate((plain, labelled, mask)):
        sheet.paste(one, (0, number * (size + GAP)))
    return sheet


def main() -> None:
    """Draw chips of a harbour that a layout fills, with their labels."""
    with tempfile.TemporaryDirectory() as folder:
        layout = generate_layout(fit_layout(counted(), 200), BOUNDS, CRS, seed=6)
        source = str(gi.conditions.save(layout, Path(folder) / "layout.gpkg"))
        told = gi.conditions.Map("hint", source, style="plain", column="class", colours=COLOURS)
        place = {"crs": CRS, "bounds": BOUNDS, "resolution": 2.0}
        world = gi.World.for_model("analytic:conditional", conditions=[told], **place)
        content = ChipContent(0, 96, BoxLabels(source), MaskLabels(source, tuple(COLOURS)))
        chips = select(world, content, count=4)
        sheets = [shown(chip) for chip in chips.read(range(4))]
    width, height = sheets[0].size
    picture = Image.new("RGB", (4 * width + 3 * GAP, height), "white")
    for number, sheet in enumerate(sheets):
        picture.paste(sheet, (number * (width + GAP), 0))
    picture.save(HERE / "chips.jpg", quality=88)


if __name__ == "__main__":
    main()
