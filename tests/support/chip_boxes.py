"""Objects about a small world on a projected grid, as files that label chips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import vector_files
from PIL import Image

from geoinfinite.chips import BoxLabels, ChipContent

CRS = "EPSG:32633"
LEVEL = 3
"""1280 x 1792 pixels of 4.6875 m."""
LEFT, TOP, STEP = 412_300.0, 5_207_700.0, 4.6875
NAMES = "ship", "oil tank", "crane"


def turned_boxes(count: int = 240, seed: int = 5) -> tuple[list[Any], list[str]]:
    """Boxes of every angle all over the world, some over its edges, with their classes."""
    rng = np.random.default_rng(seed)
    x, y = LEFT + rng.random(count) * 1792 * STEP, TOP - rng.random(count) * 1280 * STEP
    across, up = 40 + 260 * rng.random(count), 30 + 60 * rng.random(count)
    degrees = 180 * rng.random(count)
    shapes = [vector_files.turned_box(*values) for values in zip(x, y, across, up, degrees, strict=True)]
    return shapes, [NAMES[i % 3] for i in range(count)]


def write(path: Path, crs: str = CRS, **changes: Any) -> str:
    """A file of such boxes, in any CRS."""
    shapes, names = turned_boxes(**changes)
    moved = [vector_files.carried(shape, CRS, crs) for shape in shapes] if crs != CRS else shapes
    return vector_files.write(path, crs, moved, {"class": names})


def content(path: Path | str, **changes: Any) -> ChipContent:
    """Chips of 128 pixels that have such boxes."""
    fields = {"level": LEVEL, "size": 128, "boxes": BoxLabels(str(path))}
    return ChipContent(**(fields | changes))


def pixels(shape: Any) -> np.ndarray:
    """The corners of a box on the pixels of the level."""
    points = np.array(shape.exterior.coords)[:4]
    return np.stack([(points[:, 0] - LEFT) / STEP, (TOP - points[:, 1]) / STEP], axis=1)


def picture(path: Path) -> np.ndarray:
    """The values of a picture, ``(y, x, band)`` or ``(y, x)``, as pillow reads them."""
    with Image.open(path) as opened:
        return np.asarray(opened)


def texts(path: Path) -> dict[str, str]:
    """What a PNG says of itself."""
    with Image.open(path) as opened:
        opened.load()
        return dict(opened.text)
