"""AeroGen's boxes on the grid of latents: whole cells of corners, and masks of objects."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Cells = NDArray[np.int64]
Rule = Literal["centre", "outline"]


def cells(corners: NDArray[np.float64], shape_px: tuple[int, int], shape_cells: tuple[int, int]) -> Cells:
    """Return corners ``(box, 8)``, x before y, in whole cells, from ``(box, corner, 2)`` in pixels of a tile.

    Shapes are rows and columns. As published, a number is cut to whole pixels first, and then to whole cells:
    ``int(int(x) * 64 / 512)``, so 0 to 64 within the tile. Corners outside it are cut towards 0 too.

    >>> cells(np.array([[[511.9, 16.0], [512.0, 8.0], [7.9, -9.0], [8.0, 0.0]]]), (512, 512), (64, 64))
    array([[63,  2, 64,  1,  0, -1,  1,  0]])
    """
    pixels = np.trunc(corners).astype(np.int64)
    size = np.array(shape_px[::-1], np.int64)
    scaled = pixels * np.array(shape_cells[::-1], np.int64)
    # Whole numbers: a division that rounds down is one that cuts, of the absolute value.
    return (np.sign(scaled) * (np.abs(scaled) // size)).reshape(len(corners), 8)


def masks(
    outlines: NDArray[np.float64], corners: Cells, shape_cells: tuple[int, int], rule: Rule
) -> NDArray[np.uint8]:
    """Return masks ``(box, y, x)`` of 0 and 1 on the grid of latents.

    ``rule="centre"``: the cells whose centres lie in the outline ``(box, corner, 2)``, x before y, *in cells*
    and not cut to whole ones: what the object covers.
    ``rule="outline"``: what Pillow draws of the whole ``corners`` ``(box, 8)`` of `cells`, the cells that the
    outline touches among it, as published: 1.2 times as large, and half a cell up and to the left.
    """
    if rule == "outline":
        drawn = [_drawn(box.reshape(-1, 2), shape_cells) for box in corners]
        return np.array(drawn, np.uint8).reshape(-1, *shape_cells)
    covered = [_covered(outline, shape_cells) for outline in outlines]
    return np.array(covered, np.uint8).reshape(-1, *shape_cells)


def _drawn(corners: Cells, shape: tuple[int, int]) -> NDArray[np.uint8]:
    image = Image.new("L", shape[::-1], 0)
    ImageDraw.Draw(image).polygon([(int(x), int(y)) for x, y in corners], outline=1, fill=1)
    return np.asarray(image)


def _covered(outline: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the cells ``(y, x)`` whose centres a polygon holds: an odd number of edges lies to the right.

    An edge holds its upper end and not its lower one, so that a corner counts once; a centre on an edge lies
    to its left, as in GDAL. So of two polygons that share an edge, one holds a centre on it.
    """
    y, x = np.arange(shape[0])[:, None] + 0.5, np.arange(shape[1])[None, :] + 0.5
    odd = np.zeros(shape, bool)
    for edge in zip(outline, np.roll(outline, -1, 0), strict=True):
        # Downwards, whichever way the polygon goes round.
        (x0, y0), (x1, y1) = sorted(edge, key=lambda end: float(end[1]))
        odd ^= (y0 <= y) & (y < y1) & ((x - x0) * (y1 - y0) <= (y - y0) * (x1 - x0))
    return odd
