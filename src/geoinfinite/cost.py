"""What a window costs, known before anything is computed: tiles and network evaluations per level."""

from __future__ import annotations

from dataclasses import dataclass

from geoinfinite.cascade import in_domain
from geoinfinite.recipe import Recipe
from geoinfinite.samplers import evaluations
from geoinfinite.window import Window


@dataclass(frozen=True, slots=True)
class LevelCost:
    """What one level contributes."""

    level: int
    window: Window
    """The pixels of the level that are needed."""
    tiles: int
    """Tiles drawn, each one once."""
    evaluations: int
    """Network evaluations of one tile; padding of short batches is not counted."""


def level_cost(world: Recipe, level: int, window: Window) -> LevelCost:
    """Return the cost of a window of one level whose parent is at hand."""
    if level == 0 or window.size == 0:
        return LevelCost(level, window, 0, 0)
    factor, sampler = world.grid.factor, world.sampler
    aligned = window.coarsen(factor).refine(factor)
    rows, columns = (
        len(world.lattice.span(aligned.y0, aligned.y1)),
        len(world.lattice.span(aligned.x0, aligned.x1)),
    )
    period = world.grid.period(level)
    if period is not None:
        columns = min(columns, period // sampler.stride)
    tiles = rows * columns
    return LevelCost(level, window, tiles, tiles * evaluations(sampler.solver, sampler.steps))


def parent_window(world: Recipe, level: int, window: Window) -> Window:
    """Return the pixels of level ``level - 1`` that drawing a window of ``level`` reads."""
    factor = world.grid.factor
    hull = world.lattice.hull(window.coarsen(factor).refine(factor))
    return in_domain(world.grid, level - 1, hull.coarsen(factor).expand(world.model.facts().margin))


def window_cost(world: Recipe, level: int, window: Window) -> list[LevelCost]:
    """Return the cost of a window with nothing at hand, from level 0 to the level itself."""
    costs = []
    while True:
        costs.append(level_cost(world, level, window))
        if level == 0 or window.size == 0:
            return costs[::-1]
        level, window = level - 1, parent_window(world, level, window)
