"""Maps painted on windows of cells: features are asked for, brought to strokes and burnt in their order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.burning import burnt
from geoinfinite.conditions.map_cells import Cells
from geoinfinite.conditions.map_strokes import Canvas, Stroke, strokes_of
from geoinfinite.conditions.map_style import Style
from geoinfinite.conditions.map_tags import IN_ONE, tags_of
from geoinfinite.conditions.vector_file import VectorFile, VectorLayer
from geoinfinite.conditions.vectors_near import features_near
from geoinfinite.plane.window import Window

_AT_ONCE = 2**22
"""Samples that are painted at once."""


def painted(
    file: VectorFile, layers: Sequence[VectorLayer], style: Style, cells: Cells, window: Window
) -> NDArray[np.float64]:
    """Return the colours ``(y, x, band)``, 0 to 255, of cells of a window that lies within the level."""
    rows = max(1, _AT_ONCE // (window.width * style.samples**2))
    strips = [
        Window(y, min(y + rows, window.y1), window.x0, window.x1) for y in range(window.y0, window.y1, rows)
    ]
    return np.concatenate([_strip(file, layers, Canvas(cells, strip, style)) for strip in strips])


def _strip(file: VectorFile, layers: Sequence[VectorLayer], canvas: Canvas) -> NDArray[np.float64]:
    strokes = [
        stroke for number, layer in enumerate(layers) for stroke in _strokes(file, layer, number, canvas)
    ]
    strokes.sort(key=lambda stroke: stroke.order)
    style, (height, width) = canvas.style, canvas.window.shape
    number_of = {colour: number for number, colour in enumerate(style.colours)}
    n = style.samples
    numbers = burnt(((stroke.shape, number_of[stroke.colour]) for stroke in strokes), (height * n, width * n))
    palette = np.array(style.colours, np.uint8)
    bands = [
        palette[:, band][numbers].reshape(height, n, width, n).sum(axis=(1, 3), dtype=np.uint16)
        for band in range(palette.shape[1])
    ]
    # Sums of whole numbers are exact in any order.
    return np.stack(bands, axis=-1) / (n * n)


def _strokes(file: VectorFile, layer: VectorLayer, number: int, canvas: Canvas) -> list[Stroke]:
    columns = tuple(dict.fromkeys((*canvas.style.keys, *IN_ONE)))
    about = canvas.window.expand(canvas.reach).refine(canvas.cells.pixels)
    features = features_near(file, layer, columns, canvas.cells.grid, (canvas.cells.level, about))
    return list(strokes_of(features, tags_of(features, canvas.style.keys), canvas, number))
