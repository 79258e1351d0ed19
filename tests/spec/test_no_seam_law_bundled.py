"""No-seam law for the bundled network, at the tile and stride that its world ships.

The picture is compared with one tile drawn over the whole window (`seams`): tiles may move steps and
variance where they blend by no more than `TOLERANCE`, and pixels by no more than `COUNTS` on average, which
tiles with noise of their own exceed.
"""

from __future__ import annotations

import numpy as np
import pytest
from bad_noise import by_tile
from drawings import UNCACHED, exchanged
from seams import drawn_as_one, traces

from geoinfinite.engine import Level, read, resolve
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe

WINDOW = Window(2880, 3360, 11_520, 12_000)
"""480 x 480 px of level 1: Italy, Tunisia and the sea between."""
TOLERANCE = 0.1
COUNTS = 1.0
"""Of 255. Measured: 0.5 with shared noise, 2.7 without it."""


def breaches(level: Level, whole: np.ndarray) -> dict[str, float]:
    tiled = read(level, WINDOW, UNCACHED)
    found = traces(tiled, whole, level.recipe, WINDOW)
    beyond = {name: ratio for name, ratio in found.items() if abs(ratio - 1) > TOLERANCE}
    apart = float(np.abs(tiled.astype(float) - whole).mean())
    return beyond | ({"counts": apart} if apart > COUNTS else {})


@pytest.mark.slow
def test_shipped_tiles_leave_no_trace_and_tiles_with_noise_of_their_own_do() -> None:
    earth = worldfile.load("earth", Recipe)
    whole, level = drawn_as_one(earth, WINDOW), resolve(earth, 1)
    assert breaches(level, whole) == {}
    assert breaches(exchanged(level, noise=by_tile(3, lambda w: [w.y0 + 4096, w.x0 + 4096])), whole)
