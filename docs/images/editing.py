"""Draws the picture of docs/editing.md. Run ``python docs/images/editing.py``: some minutes on two cores."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import rioxarray
import xarray as xr
from PIL import Image, ImageDraw

import geoinfinite as gi

HERE = Path(__file__).parent
GAP = 6
ROWS, COLUMNS = 192, 256
"""Pixels of every panel."""


def main() -> None:
    """Draw one row of panels for each of zoom, fill and extend."""
    earth = rioxarray.open_rasterio(gi.World.load("earth").root.path)
    with tempfile.TemporaryDirectory() as folder:
        save(seeds(earth, folder), "editing-seeds.png")
        rows = [zoom(earth, folder), fill(earth, folder), extend(earth, folder)]
    sheet = np.concatenate([part for row in rows for part in (row, blank(GAP, row.shape[2]))][:-1], axis=1)
    save(sheet, "editing.png")


def save(picture: np.ndarray, name: str) -> None:
    """Write a picture beside this file."""
    Image.fromarray(np.moveaxis(picture, 0, -1)).save(HERE / name)


def zoom(earth: xr.DataArray, folder: str) -> np.ndarray:
    """Return a raster, a part of it enlarged, and the same part drawn 16 times finer."""
    real = part(earth, 620, 2560)
    y, x = 88, 150
    fine = real.geoinfinite.zoom(16, folder=folder)
    drawn = fine[:, 16 * y : 16 * y + ROWS, 16 * x : 16 * x + COLUMNS].values
    seen = real.values[:, y : y + ROWS // 16, x : x + COLUMNS // 16]
    assert (drawn.reshape(3, 12, 16, 16, 16).mean(axis=(2, 4)) == seen).all()
    return row(framed(real.values, y, x), seen.repeat(16, axis=1).repeat(16, axis=2), drawn)


def fill(earth: xr.DataArray, folder: str) -> np.ndarray:
    """Return a raster with holes, the same without them, and what is there."""
    real = part(earth, 700, 1130)
    holes = xr.zeros_like(real[0], dtype=bool)
    holes[70:130, 90:160] = True
    holes[20:36, 180:230] = True
    for n in range(7):
        holes[10 + 9 * n : 13 + 9 * n, 12 + 6 * n : 60 + 6 * n] = True
    drawn = real.geoinfinite.fill(holes=holes, folder=folder).values
    assert (drawn[:, ~holes.values] == real.values[:, ~holes.values]).all()
    return row(np.where(holes, 0, real.values), drawn, real.values)


def extend(earth: xr.DataArray, folder: str) -> np.ndarray:
    """Return a raster, and the same drawn beyond its edges: without a guide, and with one."""
    real = earth[:, 680:776, 2560:2688].load()
    sides: dict[str, Any] = {"north": 48, "south": 48, "east": 64, "west": 64, "folder": folder}
    alone = real.geoinfinite.extend(**sides).values
    guided = real.geoinfinite.extend(**sides, guide="bundled:blue-marble").values
    seen = np.zeros_like(alone)
    seen[:, 48:144, 64:192] = real.values
    assert (alone[:, 48:144, 64:192] == real.values).all()
    return row(seen, alone, guided)


def seeds(earth: xr.DataArray, folder: str) -> np.ndarray:
    """Return a place drawn with seed 0, with seed 7, and with seed 7 in its eastern half."""
    real = earth[:, 690:722, 2690:2738].load()
    world = real.geoinfinite.zoom(4, folder=folder).geoinfinite.world
    left, bottom, right, top = real.rio.bounds()
    middle = (left + right) / 2
    ring = [[middle, bottom], [right, bottom], [right, top], [middle, top], [middle, bottom]]
    half = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "properties": {"seed": 7}, "geometry": half}
    path = Path(folder) / "half.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    halves = world.replace(conditions=[gi.conditions.Seeds(str(path), width=16)])
    drawn = [w.array(1).values for w in (world, world.replace(seed=7), halves)]
    panels = [picture.repeat(2, axis=1).repeat(2, axis=2) for picture in drawn]
    gap = blank(panels[0].shape[1], GAP)
    return np.concatenate([panels[0], gap, panels[1], gap, panels[2]], axis=2)


def part(earth: xr.DataArray, top: int, left: int) -> xr.DataArray:
    """Return a panel of Blue Marble."""
    return earth[:, top : top + ROWS, left : left + COLUMNS].load()


def framed(pixels: np.ndarray, y: int, x: int) -> np.ndarray:
    """Return pixels with a frame around those that are enlarged beside them."""
    image = Image.fromarray(np.moveaxis(pixels, 0, -1).copy())
    box = (x - 2, y - 2, x + COLUMNS // 16 + 1, y + ROWS // 16 + 1)
    ImageDraw.Draw(image).rectangle(box, outline="white")
    return np.moveaxis(np.array(image), -1, 0)


def row(*panels: np.ndarray) -> np.ndarray:
    """Return panels side by side."""
    parts = [part for panel in panels for part in (panel, blank(ROWS, GAP))][:-1]
    return np.concatenate(parts, axis=2)


def blank(rows: int, columns: int) -> np.ndarray:
    """Return white."""
    return np.full((3, rows, columns), 255, np.uint8)


if __name__ == "__main__":
    main()
