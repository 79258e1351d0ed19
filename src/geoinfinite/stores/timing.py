"""What one evaluation of a world's network takes on this machine."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.engine.cost import level_cost
from geoinfinite.engine.generate import draw
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe


def seconds_per_evaluation(world: Recipe, level: int) -> float:
    """Return the seconds of one evaluation of one tile, from the second of two batches drawn."""
    if level == 0:
        return 0.0
    parent = np.full((world.bands, 1, 1), world.encoding.range[1] / 2, world.dtype)

    def grey(window: Window) -> NDArray[Any]:
        return np.broadcast_to(parent, (world.bands, *window.shape))

    pixel = Window(0, 1, 0, 1)
    seconds = 0.0
    for _ in range(2):
        began = time.perf_counter()
        draw(world, level, pixel, grey)
        seconds = time.perf_counter() - began
    cost, batch = level_cost(world, level, pixel), world.numerics.micro_batch
    padded = -(-cost.tiles // batch) * batch
    return seconds * cost.tiles / (padded * cost.evaluations)
