"""What a window costs, known before anything is computed: tiles and network evaluations per level."""

from __future__ import annotations

from dataclasses import dataclass

from geoinfinite.cascade import in_domain, parent_of, whole_blocks
from geoinfinite.recipe import Recipe
from geoinfinite.stack import layer_evaluations, level_layers
from geoinfinite.tiling import cone
from geoinfinite.window import Window


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
