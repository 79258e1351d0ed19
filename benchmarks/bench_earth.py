"""What the bundled world costs, and whether its tiles are seen.

Run ``python -m pytest benchmarks/bench_earth.py --benchmark-enable -s`` on an idle machine. ``seconds`` are
of the processor, which other programs disturb less, the least of three rounds; ``memory`` is the most that a
process of its own ever held, Python and torch included. ``GEOINFINITE_BENCH_MODEL`` names the folder of a
network of the kind "earth-residual-flow": it draws the same window by turns, four evaluations of 128 px tiles
every 120 px. ``over one tile`` is the variance of detail where tiles blend over that of one tile which is
drawn over the whole window: 1 is without a trace. ``seam`` is as in `bench_presets`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from drawings import UNCACHED, cost, in_one_tile
from numpy.typing import NDArray

from geoinfinite import evaluation
from geoinfinite.engine import generate
from geoinfinite.models.reference import ModelReference
from geoinfinite.models.threads import one_thread
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.samplers.presets import IndependentTiles

PLACES = {"alps": (2640, 11_220), "china": (3680, 17_640), "mississippi": (3600, 5380)}
"""First row and column of windows of level 1."""
SIDE, LOOKED_AT = 1024, 512
ROUNDS = 3
FOUR_STEPS = IndependentTiles(solver="ab2", shift=3.0, steps=4, tile=128, stride=120)
ON_ITS_OWN = """
import sys
from pathlib import Path
from geoinfinite.engine import generate
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe
recipe = worldfile.loads(sys.stdin.read(), Recipe)
generate(recipe, 1, Window(*map(int, sys.argv[1:])))
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


def window(place: str, side: int) -> Window:
    """Return a square of level 1."""
    row, column = PLACES[place]
    return Window(row, row + side, column, column + side)


def worlds() -> Iterator[tuple[str, Recipe]]:
    """Yield the bundled world, and the same with the network that is named."""
    bundled = worldfile.load("earth", Recipe)
    yield "bundled", bundled
    if folder := os.environ.get("GEOINFINITE_BENCH_MODEL"):
        yield "other", bundled.replace(model=ModelReference(folder), sampler=FOUR_STEPS, conditions=())


def seconds(recipe: Recipe, place: Window) -> float:
    """Return what drawing a window takes in one thread, in seconds of the processor."""
    with one_thread():
        began = time.process_time()
        generate(recipe, 1, place, resources=UNCACHED)
        return time.process_time() - began


def memory(recipe: Recipe, place: Window) -> float:
    """Return the most memory, in MB, of a process that draws a window."""
    at = map(str, (place.y0, place.y1, place.x0, place.x1))
    command = [sys.executable, "-c", ON_ITS_OWN, *at]
    done = subprocess.run(command, input=worldfile.dump(recipe), text=True, capture_output=True, check=True)
    return float(done.stdout) * 1024 / 1e6


def test_cost(benchmark: Any) -> None:
    """Draw a window by turns; count, time and weigh."""
    place = window("alps", SIDE if benchmark.enabled else 32)
    known = dict(worlds())
    rounds = ROUNDS if benchmark.enabled else 1
    turns = benchmark.pedantic(
        lambda: [{name: seconds(recipe, place) for name, recipe in known.items()} for _ in range(rounds)],
        rounds=1,
    )
    for name, recipe in known.items():
        evaluations, tile = cost(recipe, 1, place).evaluations, recipe.sampler.tile
        megapixels = place.size / 1e6
        row = {
            "evaluations": evaluations,
            "pixels evaluated per pixel": evaluations * tile**2 / place.size,
            "seconds per megapixel": min(turn[name] for turn in turns) / megapixels,
        }
        if benchmark.enabled and sys.platform == "linux":
            row["memory in MB"] = memory(recipe, place)
        print(f"\n{name:8}", *(f"{key} {value:.4g};" for key, value in row.items()))
        assert evaluations > 0


@pytest.mark.parametrize("place", PLACES)
def test_seams(benchmark: Any, place: str) -> None:
    """Compare the detail of blended tiles with that of one tile over them all."""
    recipe = worldfile.load("earth", Recipe)
    part = window(place, LOOKED_AT if benchmark.enabled else 2 * recipe.sampler.stride)
    ours, whole = benchmark.pedantic(
        lambda: [detail(world, part) for world in (recipe, in_one_tile(recipe, part))], rounds=1
    )
    stride, blended = recipe.sampler.stride, recipe.sampler.tile - recipe.sampler.stride
    corner = part.y0, part.x0
    rows, columns = (
        (np.arange(length) + first) % stride < blended
        for length, first in zip(part.shape, corner, strict=True)
    )
    ratios = [ratio(ours[:, rows], whole[:, rows]), ratio(ours[..., columns], whole[..., columns])]
    seams = [max(evaluation.seam_phase_ratio(x, stride, corner)) for x in (ours, whole)]
    print(f"\n{place:12} over one tile, y {ratios[0]:.3f}, x {ratios[1]:.3f};", end=" ")
    print(f"seam {seams[0]:.3f}, of one tile {seams[1]:.3f}")
    assert min(ratios) > 0.5


def ratio(ours: NDArray[Any], whole: NDArray[Any]) -> float:
    """Return the variance of detail over that of other detail."""
    return float(np.square(ours).mean() / np.square(whole).mean())


def detail(recipe: Recipe, part: Window) -> NDArray[Any]:
    """Return what a window of level 1 adds to its parent (band, y, x)."""
    factor = recipe.grid.factor
    parent = recipe.root.read(part.coarsen(factor)).astype(float)
    return generate(recipe, 1, part, resources=UNCACHED) - parent.repeat(factor, 1).repeat(factor, 2)
