"""Tiles and network evaluations of layers, counted before anything is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from geoinfinite.conditions.known import KnownPixels
from geoinfinite.conditions.known_blocks import TileKind
from geoinfinite.engine.steering import Steering
from geoinfinite.plane.window import Window
from geoinfinite.recipe.solver_settings import Sampling
from geoinfinite.samplers.stepping import Course, Step
from geoinfinite.tiling import Chart, Layer, Need, Solve, TileBlock, cone


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of drawing some pixels of one level when its parent is at hand."""

    tiles: int = 0
    """Tiles drawn, over all layers, each one once."""
    evaluations: int = 0
    """Network evaluations of one tile; padding of short batches is not counted."""

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.tiles + other.tiles, self.evaluations + other.evaluations)


@dataclass(frozen=True, slots=True)
class Pricing:
    """What the tiles of one level cost: how they are solved, what steers them, the pixels of their state."""

    solving: Sampling
    steering: Steering
    latent: int = 1
    """Pixels of the level per pixel of the state."""
    known: KnownPixels | None = None
    """Tiles that are known take no evaluations, and those known in part take more."""
    repeats: int = 1
    """How often a tile that is known in part takes every step."""

    @property
    def is_uniform(self) -> bool:
        """Whether all tiles of a layer cost the same."""
        return self.known is None and self.steering.counts is None

    @property
    def uniform(self) -> Pricing:
        """The same if nothing were known, and all tiles were told one text."""
        return replace(self, steering=replace(self.steering, counts=None), known=None, repeats=1)

    def of_layers(self, layers: tuple[Layer, ...], window: Window) -> Cost:
        """Return what a window that is not empty takes: the tiles of its cone."""
        needs = cone(layers, window)
        return Cost(sum(need.tiles for need in needs), sum(self.evaluations(need) for need in needs))

    def of_windows(self, layers: tuple[Layer, ...], windows: Sequence[Window]) -> Cost:
        """Return what windows that are not empty take together: the tiles of their cones, each one once."""
        cones = [cone(layers, window) for window in windows]
        cost = Cost()
        for needs in zip(*cones, strict=True):
            tiles = {need.layer.canonical(index) for need in needs for index in need.indices}
            alone = (replace(needs[0], rows=range(y, y + 1), columns=range(x, x + 1)) for y, x in tiles)
            if self.is_uniform:
                cost += Cost(len(tiles), len(tiles) * self.evaluations(next(alone)))
            else:
                cost += Cost(len(tiles), sum(map(self.evaluations, alone)))
        return cost

    def evaluations(self, need: Need) -> int:
        """Return the network evaluations of the tiles that a window needs of one layer."""
        return sum(self.of_block(block, steps) for block, steps in _blocks_of(need))

    def of_block(self, tiles: TileBlock, steps: range) -> int:
        """Return the network evaluations of tiles that take some steps, given on the plane of the state."""
        return self._calls(tiles.refine(self.latent)) * self.estimates(steps)

    def _calls(self, tiles: TileBlock) -> int:
        """Return the network calls of one step of the tiles of a block, repeats included."""
        calls = self.steering.calls(tiles)
        if self.known is None:
            return calls
        known, partly = (self._calls_of(tiles, kind) for kind in (TileKind.ALL, TileKind.SOME))
        return calls - known + (self.repeats - 1) * partly

    def _calls_of(self, tiles: TileBlock, kind: TileKind) -> int:
        """Return the network calls of those tiles of a block that are of a kind."""
        if self.known is None:
            return 0
        if self.steering.counts is None:
            return self.known.count(tiles, kind) * len(self.steering.terms)
        return sum(map(self.steering.calls_of, self.known.of_kind(tiles, kind)))

    def estimates(self, steps: range) -> int:
        """Return how many estimates a tile takes in some steps, counted from 0."""
        solver, course = self.solving.solver, Course(self.solving.sigmas)
        return sum(solver.evaluations_of_step(Step(step + 1, course)) for step in steps)


def _blocks_of(need: Need) -> Iterator[tuple[TileBlock, range]]:
    """Yield the tiles that take steps, in blocks: a chart's tiles lie where the chart does."""
    work, block = need.layer.work, need.block
    if isinstance(work, Solve):
        yield block, work.steps
    if isinstance(work, Chart):
        size = need.layer.lattice.size
        for inner in cone(work.layers, Window(0, size, 0, size)):
            for inner_block, steps in _blocks_of(inner):
                for index in inner.indices:
                    y, x = inner_block.window(index).y0, inner_block.window(index).x0
                    origin = block.origin[0] + y, block.origin[1] + x
                    yield replace(block, size=inner_block.size, origin=origin), steps
