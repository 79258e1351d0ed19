"""What a window costs, known before anything is computed: tiles and network evaluations per level."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from geoinfinite.engine.generate import in_domain, parent_of, whole_blocks
from geoinfinite.engine.layers import layer_evaluations, level_layers
from geoinfinite.errors import CostWarning
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.tiling import cone

COLD = 4.0
"""A window that costs more than this many times its independent tiles is worth a warning."""


@dataclass(frozen=True, slots=True)
class LevelCost:
    """What one level contributes."""

    level: int
    window: Window
    """The pixels of the level that are needed."""
    tiles: int
    """Tiles drawn, over all layers, each one once."""
    evaluations: int
    """Network evaluations of one tile; padding of short batches is not counted."""


def level_cost(world: Recipe, level: int, window: Window) -> LevelCost:
    """Return the cost of a window of one level whose parent is at hand."""
    if window.size == 0 or (level == 0 and not world.root.generated):
        return LevelCost(level, window, 0, 0)
    needs = cone(level_layers(world, level), whole_blocks(world, level, window))
    tiles = sum(need.tiles for need in needs)
    return LevelCost(level, window, tiles, sum(layer_evaluations(world, level, need) for need in needs))


def parent_window(world: Recipe, level: int, window: Window) -> Window:
    """Return the pixels of level ``level - 1`` that drawing a window of ``level`` reads."""
    return in_domain(world.grid, level - 1, parent_of(world, level, window))


def window_cost(world: Recipe, level: int, window: Window) -> list[LevelCost]:
    """Return the cost of a window with nothing at hand, from level 0 to the level itself."""
    costs = []
    while True:
        costs.append(level_cost(world, level, window))
        if level == 0 or window.size == 0:
            return costs[::-1]
        level, window = level - 1, parent_window(world, level, window)


def cold_ratio(world: Recipe, level: int, window: Window) -> float:
    """Return how many times more evaluations a window takes, nothing at hand, than with independent tiles.

    1 for independent tiles; the cone of fused layers makes it larger, the more so the smaller the window.
    """
    cold = alone = 0
    for cost in window_cost(world, level, window):
        cold += cost.evaluations
        alone += _alone(world, cost.level, cost.window)
    return cold / alone if alone else 1.0


def _alone(world: Recipe, level: int, window: Window) -> int:
    """Return the evaluations of a window of a level whose tiles are solved alone."""
    if window.size == 0 or (level == 0 and not world.root.generated):
        return 0
    sampler = world.sampler_at(level)
    rows, columns = (-(-(side + sampler.tile - sampler.stride) // sampler.stride) for side in window.shape)
    return rows * columns * sampler.steps


def warn_if_cold(world: Recipe, level: int, window: Window) -> None:
    """Warn of a window that costs more than `COLD` times what independent tiles would."""
    ratio = cold_ratio(world, level, window)
    if ratio > COLD:
        warnings.warn(
            f"{window.height:,} x {window.width:,} pixels of level {level} read on their own take "
            f"{ratio:.1f} times the evaluations of independent tiles, because sampler.preset="
            f"{world.sampler_at(level).preset!r} fuses far around; write a store, where every tile is drawn "
            'once: da.geoinfinite.to_zarr(PATH), or take preset = "charted" or "earlysync"',
            CostWarning,
            stacklevel=3,
        )
