"""Tiles and network evaluations of layers, counted before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from geoinfinite.plane.window import Window
from geoinfinite.recipe.solver_settings import Sampling
from geoinfinite.tiling import Chart, Layer, Need, Solve, cone


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of drawing some pixels of one level when its parent is at hand."""

    tiles: int = 0
    """Tiles drawn, over all layers, each one once."""
    evaluations: int = 0
    """Network evaluations of one tile; padding of short batches is not counted."""

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.tiles + other.tiles, self.evaluations + other.evaluations)


def cost_of_layers(layers: tuple[Layer, ...], solving: Sampling, window: Window) -> Cost:
    """Return what a window that is not empty takes: the tiles of its cone."""
    needs = cone(layers, window)
    return Cost(sum(need.tiles for need in needs), sum(evaluations_of(need, solving) for need in needs))


def evaluations_of(need: Need, solving: Sampling) -> int:
    """Return the network evaluations of the tiles that a window needs of one layer."""
    layer = need.layer
    if isinstance(layer.work, Chart):
        size = layer.lattice.size
        return need.tiles * cost_of_layers(layer.work.layers, solving, Window(0, size, 0, size)).evaluations
    if isinstance(layer.work, Solve):
        return need.tiles * evaluations_of_steps(layer.work.steps, solving)
    return 0


def evaluations_of_steps(steps: range, solving: Sampling) -> int:
    """Return the network evaluations of one tile in some steps; a step to sigma = 0 takes one."""
    return sum(1 if solving.sigmas[step + 1] == 0 else solving.solver.evaluations for step in steps)
