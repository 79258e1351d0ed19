"""The time that one evaluation of a level's network takes on this machine."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.engine import Drawn, Level, draw, process_resources
from geoinfinite.engine.resources import Resources
from geoinfinite.plane.window import Window
from geoinfinite.tiling import NoTileCache


def seconds_per_evaluation(level: Level) -> float:
    """Return the seconds of one evaluation of one tile, from the second of two batches; 0.0 for a raster."""
    if not isinstance(level.source, Drawn):
        return 0.0
    middle = np.full((level.bands, 1, 1), level.encoding.range[1] / 2, level.dtype)

    def grey(window: Window) -> NDArray[Any]:
        return np.broadcast_to(middle, (level.bands, *window.shape))

    shared = process_resources()
    resources = Resources(NoTileCache(), shared.models, shared.rasters)
    pixel, seconds = Window(0, 1, 0, 1), 0.0
    for _ in range(2):
        began = time.perf_counter()
        draw(level, pixel, None if level.parent is None else grey, resources)
        seconds = time.perf_counter() - began
    cost, batch = level.cost(pixel), level.recipe.numerics.micro_batch
    padded = -(-cost.tiles // batch) * batch
    return seconds * cost.tiles / (padded * cost.evaluations)
