"""``Level``: one level of a world, resolved once; reads, plans and stores take their facts from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from geoinfinite.conditions.known import KnownPixels
from geoinfinite.conditions.sketch import Sketch
from geoinfinite.diffusion.model import Array, ModelFacts, TileModel
from geoinfinite.engine.cost import Cost, Pricing
from geoinfinite.engine.parent_pixels import within_grid
from geoinfinite.engine.raster_source import RasterSource
from geoinfinite.engine.steering import Steering
from geoinfinite.errors import ModelError
from geoinfinite.file_memo import FileState
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.quantise import Encoding
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.recipe.solver_settings import Sampling
from geoinfinite.samplers.tiled import TiledSampler
from geoinfinite.tiling import Chart, Decode, Layer, cone


class TileNoise(Protocol):
    """The noise of tiles, a function of their position."""

    def __call__(self, windows: Sequence[Window], step: int) -> Array:
        """Return standard normals ``(tile, channel, y, x)``: 0 starts a solve, i is for its step i."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The source of a level that a network draws."""

    model: ModelReference
    digest: str
    """Name of what the model computes."""
    files: tuple[FileState, ...]
    """The model's files, as they stood when the digest was taken."""
    facts: ModelFacts
    sampler: TiledSampler
    solving: Sampling
    layers: tuple[Layer, ...]
    """First to last; the last one, fused, is the level's image."""
    noise: TileNoise
    channels: int
    """Channels of the state."""
    guided: str | None
    """How every step is corrected towards the parent: ``"project"``, ``"guide"``, or not at all."""
    keeps_means: bool
    """Whether every block of the level has its parent's mean."""
    steering: Steering
    """What the tiles are told besides their parents."""
    sketch: Sketch | None = None
    """The draft that the level is drawn to."""
    known: KnownPixels | None = None
    """The pixels that are known already."""

    def load(self, device: str) -> TileModel:
        """Load the model; raise `ModelError` if its files are others by now, whose pixels would be others."""
        model = self.model.load(device)
        changed = next((file.path for file in self.files if not file.is_current()), None)
        if changed is not None:
            raise ModelError(
                f"model.ref={self.model.ref!r}: {changed} was changed after the world was opened; "
                "load the world again, or put the old file back"
            )
        return model

    @property
    def pricing(self) -> Pricing:
        """What tiles cost."""
        return Pricing(self.solving, self.steering, self.facts.latent, self.known, self.repeats)

    @property
    def repeats(self) -> int:
        """How often a tile that is known in part takes every step; 1 where nothing is known."""
        return 1 if self.known is None else self.sampler.repeats_where_known

    @property
    def is_layered(self) -> bool:
        """Whether tiles are fused between layers, or are more than one call of a network."""
        return len(self.layers) > 1 or isinstance(self.layers[-1].work, Chart)


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a world with all that its pixels depend on; made by `resolve`, which alone reads files.

    Invariant: equal tokens and numbers are equal pixels. A level travels to other processes as its recipe,
    number and token, and is resolved there anew: content that differs is refused.
    """

    recipe: Recipe
    number: int
    """0 is the coarsest."""
    token: str
    """The token of the recipe."""
    bands: int
    source: RasterSource | Drawn
    """Where its pixels come from."""
    parent: Level | None
    """The next coarser level, on which this one is drawn; ``None`` for level 0."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(band, y, x)``."""
        return self.bands, *self.recipe.grid.shape_at(self.number)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The world's dtype."""
        return np.dtype(self.recipe.dtype)

    @property
    def encoding(self) -> Encoding:
        """How the dtype's values map to a network's."""
        return self.recipe.encoding

    @property
    def sampler(self) -> TiledSampler:
        """How the level's tiles are sampled, or would be if it were drawn."""
        return self.source.sampler if isinstance(self.source, Drawn) else self.recipe.sampler_at(self.number)

    @property
    def period(self) -> int | None:
        """Columns after which the level repeats, if it does."""
        return self.recipe.grid.period(self.number)

    @property
    def factor(self) -> int:
        """Pixels along each side of one pixel of the parent; 1 where there is none."""
        return 1 if self.parent is None else self.recipe.grid.factor

    @property
    def drawn(self) -> Drawn:
        """The source of a level that is drawn."""
        if isinstance(self.source, RasterSource):
            raise TypeError(f"level {self.number} is read from {self.source.name}, not drawn")
        return self.source

    def blocks(self, window: Window) -> Window:
        """Return the smallest window of whole parent pixels that holds a window."""
        return window.coarsen(self.factor).refine(self.factor)

    def seen(self, window: Window) -> Window:
        """Return the pixels of all tiles from which a window is drawn."""
        first = cone(self.drawn.layers, self.blocks(window))[0]
        return self.pixels_told(first.layer, first.hull)

    def pixels_told(self, layer: Layer, window: Window) -> Window:
        """Return the level's pixels under a window of a layer's plane: tiles see their parent."""
        if isinstance(layer.work, Decode):
            return window.expand(layer.work.halo)
        return window.refine(self.drawn.facts.latent)

    def parent_under(self, seen: Window) -> Window:
        """Return the parent's pixels under a window, with the model's margin, also beyond the grid."""
        return seen.coarsen(self.factor).expand(self.drawn.facts.margin)

    def parent_window(self, window: Window) -> Window:
        """Return the pixels of level ``number - 1`` that drawing a window reads."""
        under = self.parent_under(self.seen(window))
        return within_grid(self.recipe.grid, self.number - 1, under)

    def cost(self, window: Window) -> Cost:
        """Return what drawing a window takes when its parent is at hand; nothing for a raster."""
        if window.size == 0 or isinstance(self.source, RasterSource):
            return Cost()
        return self.source.pricing.of_layers(self.source.layers, self.blocks(window))
