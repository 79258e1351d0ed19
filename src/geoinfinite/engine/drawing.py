"""Draws the tiles of one level, layer by layer, each tile once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.diffusion.denoiser import Denoiser
from geoinfinite.diffusion.model import Array, Bound, Cond, ModelFacts, TileModel
from geoinfinite.diffusion.noise import NoiseField
from geoinfinite.errors import ModelError
from geoinfinite.models.loaded import borrow
from geoinfinite.plane.resample import project_mean
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.recipe.solver_settings import Sampling
from geoinfinite.samplers import Course
from geoinfinite.samplers.consistency import consistent
from geoinfinite.tiling import Layer, Need, TileCache, TileIndex, cone, fixed_batches, fuse, tile_weights


@dataclass(frozen=True, slots=True)
class Ground:
    """The parent under everything that is drawn, ``(band, y, x)``, on its own level's pixels."""

    pixels: NDArray[Any]
    """In the world's dtype."""
    values: Array
    """In [-1, 1]."""
    window: Window
    factor: int

    def under(self, window: Window, margin: int) -> Array:
        """Return the parent under a window of the level, with a margin in parent pixels."""
        y, x = window.coarsen(self.factor).expand(margin).slices(self.window)
        return self.values[:, y, x]


@dataclass(frozen=True, slots=True)
class Field:
    """A fused layer: ``(channel, y, x)`` of a window."""

    values: Array
    window: Window

    def cut(self, window: Window) -> Array:
        """Return a part of it."""
        y, x = window.slices(self.window)
        return self.values[:, y, x]


@dataclass(frozen=True, slots=True)
class Drawing:
    """One level of a world on known ground: everything that its tiles need but their position."""

    world: Recipe
    level: int
    facts: ModelFacts
    sampling: Sampling
    ground: Ground | None
    """``None`` for level 0 of a generated world."""
    cache: TileCache | None = None
    token: str = ""
    """The world's token, computed once: it names tiles in the cache."""

    def fused(self, layers: tuple[Layer, ...], window: Window) -> Array:
        """Return what the last of some layers says of a window: its cone drawn, layer by layer."""
        below: Field | None = None
        for number, need in enumerate(cone(layers, window)):
            below = Field(self.blend(need, self.tiles(number, need, below)), need.window)
        if below is None:
            raise ModelError(f"level {self.level} has no layers to draw {window} from")
        return below.values

    @staticmethod
    def blend(need: Need, tiles: Iterator[tuple[Window, Array]]) -> Array:
        """Return the window that a layer's tiles add up to, ``(channel, y, x)``."""
        lattice, profile = need.layer.lattice, need.layer.profile
        return need.settle_edges(
            fuse(tiles, tile_weights(lattice.size, lattice.stride, profile), need.window)
        )

    def tiles(self, number: int, need: Need, below: Field | None) -> Iterator[tuple[Window, Array]]:
        """Yield the tiles of a layer that a window needs, in row-major order, drawing each one once."""
        layer, batch = need.layer, 1 if need.layer.inner else self.world.numerics.micro_batch
        held: dict[TileIndex, Array] = {}
        waiting: list[TileIndex] = []
        missing: dict[TileIndex, TileIndex] = {}

        def flush() -> Iterator[tuple[Window, Array]]:
            held.update(self._draw_missing(number, layer, missing, below))
            for index in waiting:
                yield layer.lattice.window(index), held[layer.canonical(index)]
            for key in [k for k in held if k[0] < waiting[-1][0]]:
                del held[key]
            waiting.clear()
            missing.clear()

        for index in need.indices:
            key = layer.canonical(index)
            waiting.append(index)
            if key not in held and key not in missing:
                tile = self._cached(number, key)
                if tile is None:
                    missing[key] = index
                else:
                    held[key] = tile
            if len(missing) == batch:
                yield from flush()
        if waiting:
            yield from flush()

    def _cached(self, number: int, key: TileIndex) -> Array | None:
        return None if self.cache is None else self.cache.get((self.token, self.level, number, key))

    def _draw_missing(
        self, number: int, layer: Layer, missing: dict[TileIndex, TileIndex], below: Field | None
    ) -> dict[TileIndex, Array]:
        """Return at most a batch of tiles by canonical index, given where each one was met."""
        if not missing:
            return {}
        numerics = self.world.numerics
        with borrow(self.world.model_at(self.level), numerics.device) as model:
            # Another thread may have drawn them while this one waited for the model.
            ready = {k: tile for k in missing if (tile := self._cached(number, k)) is not None}
            todo = [(k, layer.lattice.window(index)) for k, index in missing.items() if k not in ready]
            if layer.inner:
                drawn = [(k, self._chart(layer, window)) for k, window in todo]
            else:
                drawn = []
                for batch, real in fixed_batches(todo, numerics.micro_batch):
                    made = self._solve(model, layer, [window for _, window in batch], below)
                    drawn += [(k, tile) for (k, _), tile in zip(batch[:real], made, strict=False)]
            for key, tile in drawn:
                ready[key] = tile
                if self.cache is not None:
                    self.cache.put((self.token, self.level, number, key), tile)
        return ready

    def _chart(self, layer: Layer, window: Window) -> Array:
        """Draw a tile that consists of layers of its own; only the whole of it is worth keeping."""
        inner = tuple(part.shift(window.y0, window.x0) for part in layer.inner)
        return replace(self, cache=None).fused(inner, window)

    def _solve(self, model: TileModel, layer: Layer, windows: Sequence[Window], below: Field | None) -> Array:
        """Draw a batch of tiles, ``(tile, channel, y, x)``: states midway, images at the end."""
        decodes = not layer.steps
        places = [self._place(layer, window) for window in windows]
        bound = model.bind(Cond(self._parents(places, self.facts.margin), self.world.grid.gsd_m(self.level)))
        if decodes and below is not None:
            latents = np.stack([below.cut(layer.reads(window)) for window in windows])
            crop = slice(layer.halo, -layer.halo or None)
            images = bound.image(bound.state(latents))[..., crop, crop]
            return self._settled(images, windows)
        x, past = self._advance(bound, layer, windows, places, below)
        if layer.steps.stop < self.world.sampler_at(self.level).steps:
            return np.concatenate([bound.field(part) for part in (x, *past)], axis=1)
        if self.facts.latent > 1:
            return bound.field(x)
        return self._settled(bound.image(x), windows)

    def _advance(
        self,
        bound: Bound,
        layer: Layer,
        windows: Sequence[Window],
        places: Sequence[Window],
        below: Field | None,
    ) -> tuple[Any, tuple[Any, ...]]:
        """Take a layer's steps from noise, or from the layer below."""
        sampler, latent = self.world.sampler_at(self.level), self.facts.latent
        channels = self.facts.channels or self.world.bands
        noise = self.world.noise(self.level, channels, latent)

        def fresh(draw: int) -> Any:
            return bound.state(noise_under(windows, noise, draw))

        solving = self.sampling
        course = Course(solving.sigmas, fresh, solving.eta)
        if layer.steps.start == 0 or below is None:
            x, *past = [fresh(0) * solving.start]
        else:
            carried = np.stack([below.cut(window) for window in windows])
            x, *past = (
                bound.state(np.ascontiguousarray(carried[:, i : i + channels]))
                for i in range(0, carried.shape[1], channels)
            )
        denoise: Denoiser = bound.denoise
        if sampler.consistency in ("project", "guide"):
            parents = self._parents(places, 0)
            denoise = consistent(bound, parents, self.world.grid.factor, sampler.consistency)
        x, carries = solving.solver.advance(
            denoise, x, tuple(past), course=course, start=layer.steps.start, stop=layer.steps.stop
        )
        return (x if layer.steps.stop < course.steps else x * solving.end), carries

    def _place(self, layer: Layer, window: Window) -> Window:
        """Return the pixels of the level that a tile is told about."""
        return window.refine(self.facts.latent) if layer.steps else window.expand(layer.halo)

    def _parents(self, places: Sequence[Window], margin: int) -> Array | None:
        if self.ground is None:
            return None
        return np.stack([self.ground.under(place, margin) for place in places])

    def _settled(self, images: Array, windows: Sequence[Window]) -> Array:
        """Return finite images that keep their parents' means."""
        world = self.world
        if not np.isfinite(images).all():
            raise ModelError(
                f"model.ref={world.model_at(self.level).ref!r} returned values that are not finite at level "
                f'{self.level}, {windows[0]}; try model.dtype = "float32"'
            )
        parents = self._parents(windows, 0)
        if parents is None or world.sampler_at(self.level).consistency == "none":
            return images
        return project_mean(images, parents, world.grid.factor)


def noise_under(windows: Sequence[Window], field: NoiseField, draw: int) -> Array:
    """Return the noise of every window, ``(tile, band, y, x)``; neighbours in a row are hashed together."""
    first, last = windows[0], windows[-1]
    in_a_row = all(w.y0 == first.y0 and first.x0 <= w.x0 <= last.x0 for w in windows)
    if not in_a_row or last.x1 - first.x0 > len(windows) * first.width:
        return np.stack([field(w, draw) for w in windows])
    strip = Window(first.y0, first.y1, first.x0, last.x1)
    values = field(strip, draw)
    return np.stack([values[:, *w.slices(strip)] for w in windows])
