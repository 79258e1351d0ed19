"""One batch of tiles through the network: from noise or the layer below to states or images."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from geoinfinite.conditions.known import KnownPixels
from geoinfinite.conditions.known_blocks import TileKind
from geoinfinite.conditions.place import Place
from geoinfinite.conditions.sketch import Sketch
from geoinfinite.diffusion.denoiser import Denoiser
from geoinfinite.diffusion.model import Array, Bound, Cond, TileModel
from geoinfinite.diffusion.noise import NoiseField
from geoinfinite.engine.exclusive import ExclusiveCalls, Lock
from geoinfinite.engine.known_tiles import known_states
from geoinfinite.engine.level import Level
from geoinfinite.engine.parent_pixels import ParentPixels
from geoinfinite.engine.steering import ToldTile, merged, steered
from geoinfinite.errors import ModelError
from geoinfinite.plane.resample import project_mean
from geoinfinite.plane.window import Window
from geoinfinite.samplers import Course
from geoinfinite.samplers.consistency import consistent, drawn_towards
from geoinfinite.samplers.known import knowing, repeated
from geoinfinite.tiling import Decode, Layer, Solve


@dataclass(frozen=True, slots=True)
class FusedLayer:
    """A window of a layer whose tiles have been fused, ``(channel, y, x)``."""

    values: Array
    window: Window

    def under(self, window: Window) -> Array:
        """Return a part of it, ``(channel, y, x)``."""
        return self.values[:, *window.slices(self.window)]


@dataclass(frozen=True, slots=True)
class Footing:
    """What the tiles of one window of a layer are drawn on."""

    parent: ParentPixels | None
    """``None`` for level 0, which is told nothing."""
    below: FusedLayer | None = None
    """What the tiles begin from; ``None``: from noise."""


@dataclass(frozen=True, slots=True)
class TileBatch:
    """Tiles of one layer that go through the network together."""

    level: Level
    layer: Layer
    windows: Sequence[Window]
    """On the layer's own plane, all of one size."""
    footings: Sequence[Footing]
    """What every tile is drawn on; tiles of one window share theirs."""
    told: Sequence[ToldTile] = ()
    """What conditions say of every tile; nothing where tiles are not solved."""
    kind: TileKind = TileKind.NONE
    """How much of every tile is known."""

    def draw(self, model: TileModel, lock: Lock) -> Array:
        """Return the tiles, ``(tile, channel, y, x)``: states, or images of the level that are finite.

        ``lock`` is held during network calls alone.
        """
        drawn, work = self.level.drawn, self.layer.work
        bound = self._bound(model, lock)
        if isinstance(work, Decode):
            return self._settled(self._decode(bound, work))
        if not isinstance(work, Solve):
            raise TypeError(f"{type(work).__name__} is no work of a batch of tiles")
        x, past = self._solve(bound, work)
        if work.steps.stop < len(drawn.solving.sigmas) - 1:
            return np.concatenate([bound.field(part) for part in (x, *past)], axis=1)
        x = _scaled(x, drawn.solving.end)
        return bound.field(x) if drawn.facts.latent > 1 else self._settled(bound.image(x))

    def _bound(self, model: TileModel, lock: Lock) -> ExclusiveCalls:
        """Return the model told about the tiles; networks that read what they are told run on the device."""
        drawn = self.level.drawn
        asks = bool(self.told) and self.kind is not TileKind.ALL
        slots = [filling.slot.name for filling in drawn.steering.filled] if asks else []
        cond = Cond(
            self._parents(drawn.facts.margin),
            self.level.recipe.grid.gsd_m(self.level.number),
            told=merged(self.told, slots),
            strength=drawn.steering.strength,
        )
        with lock if slots else nullcontext():
            bound = model.bind(cond)
        return ExclusiveCalls(bound, lock, drawn.facts.latent > 1)

    def _decode(self, bound: Bound, work: Decode) -> Array:
        """Return the images of latent states, without the halo that they were decoded with."""
        latents = self._below([self.layer.reads(window) for window in self.windows])
        if latents is None:
            raise TypeError("a layer that decodes lies on a layer of latent states")
        kept = slice(work.halo, -work.halo or None)
        return bound.image(bound.state(latents))[..., kept, kept]

    def _solve(self, bound: ExclusiveCalls, work: Solve) -> tuple[Any, tuple[Any, ...]]:
        """Take the layer's steps: return the state, and the fields that the solver carries on."""
        drawn = self.level.drawn
        solving = drawn.solving

        def fresh(step: int) -> Any:
            return bound.state(drawn.noise(self.windows, step))

        below = None if work.steps.start == 0 else self._below(self.windows)
        if below is None:
            x, *past = [_scaled(fresh(0), solving.start)]
        else:
            x, *past = (bound.state(part) for part in _carried(below, drawn.channels))
        solver, denoise = solving.solver, self._estimates(bound)
        if drawn.known is not None and self.kind is not TileKind.NONE:
            x0, mask = self._known(bound, drawn.known)
            denoise = knowing(denoise, x0, mask)
            if below is None:
                x = x + mask * x0
            if self.kind is TileKind.SOME:
                solver = repeated(solver, drawn.repeats)
        if drawn.guided is not None:
            denoise = consistent(bound, self._parents(0), self.level.factor, drawn.guided, denoise)
        course = Course(solving.sigmas, fresh, solving.eta)
        x, later = solver.advance(
            denoise, x, tuple(past), course=course, start=work.steps.start, stop=work.steps.stop
        )
        # A step that is taken again leaves other fields than one that is not, and fused tiles have the same.
        return x, () if drawn.repeats > 1 else later

    def _estimates(self, bound: ExclusiveCalls) -> Denoiser:
        """Return the guided denoiser; one that asks nothing for tiles of which all is known."""
        if self.kind is TileKind.ALL:
            return lambda x, sigma: x
        drawn = self.level.drawn
        denoise = steered(bound, drawn.steering, self.told, drawn.facts.latent)
        return denoise if drawn.sketch is None else self._sketched(bound, drawn.sketch, denoise)

    def _sketched(self, bound: ExclusiveCalls, sketch: Sketch, denoise: Denoiser) -> Denoiser:
        """Return the denoiser drawn to a draft picture."""
        grid, level = self.level.recipe.grid, self.level.number
        windows = [self.level.pixels_told(self.layer, window) for window in self.windows]
        found = [sketch.means(Place(grid, level, window)) for window in windows]
        wanted, weights = (np.stack([pair[i] for pair in found]) for i in (0, 1))
        return drawn_towards(bound, wanted, weights, sketch.cell, denoise)

    def _known(self, bound: ExclusiveCalls, known: KnownPixels) -> tuple[Any, Any]:
        """Return the known states of the tiles, and where they are known."""
        windows = [self.level.pixels_told(self.layer, window) for window in self.windows]
        x0, mask = known_states(known, self.level.encoding, windows, bound, self.level.drawn.facts.latent)
        # Of a tile that is wholly known its surroundings may not be.
        return x0, mask * 0 + 1 if self.kind is TileKind.ALL else mask

    def _below(self, windows: Sequence[Window]) -> Array | None:
        """Return windows of the layer below, one for every tile, ``(tile, channel, y, x)``."""
        pairs = zip(self.footings, windows, strict=True)
        parts = [footing.below.under(window) for footing, window in pairs if footing.below is not None]
        return np.stack(parts) if parts else None

    def _parents(self, margin: int) -> Array | None:
        """Return the parent under every tile, as far beyond it as ``margin`` parent pixels."""
        return self._parents_under([self.level.pixels_told(self.layer, w) for w in self.windows], margin)

    def _parents_under(self, windows: Sequence[Window], margin: int) -> Array | None:
        pairs = zip(self.footings, windows, strict=True)
        parts = [footing.parent.under(w, margin) for footing, w in pairs if footing.parent is not None]
        return np.stack(parts) if parts else None

    def _settled(self, images: Array) -> Array:
        """Return finite images whose blocks have their parents' means."""
        drawn = self.level.drawn
        if not np.isfinite(images).all():
            raise ModelError(
                f"model.ref={drawn.model.ref!r} with model.dtype={drawn.model.dtype!r} returned values that "
                f"are not finite at level {self.level.number}, {self.windows[0]}; "
                + _remedy_for_infinite(drawn.model.dtype)
            )
        parents = self._parents_under(self.windows, 0) if drawn.keeps_means else None
        return images if parents is None else project_mean(images, parents, self.level.factor)


def _carried(fields: Array, channels: int) -> list[Array]:
    """Return the state and the solver's fields that the layer below left."""
    starts = range(0, fields.shape[1], channels)
    return [np.ascontiguousarray(fields[:, i : i + channels]) for i in starts]


def _remedy_for_infinite(dtype: str) -> str:
    if dtype != "float32":
        return 'set model.dtype = "float32"'
    return "check its weights: geoinfinite models inspect REF"


@dataclass(frozen=True, slots=True)
class PositionNoise:
    """Noise of tiles by their position: tiles that overlap share the noise of the pixels they share."""

    field: NoiseField

    def __call__(self, windows: Sequence[Window], step: int) -> Array:
        """Return normals ``(tile, channel, y, x)``; neighbours in a row are hashed together."""
        first, last = windows[0], windows[-1]
        in_a_row = all(w.y0 == first.y0 and first.x0 <= w.x0 <= last.x0 for w in windows)
        if not in_a_row or last.x1 - first.x0 > len(windows) * first.width:
            return np.stack([self.field(w, step) for w in windows])
        strip = Window(first.y0, first.y1, first.x0, last.x1)
        values = self.field(strip, step)
        return np.stack([values[:, *w.slices(strip)] for w in windows])


def _scaled(x: Any, factor: float) -> Any:
    """Return a state times a factor, which is 1 for most models."""
    return x if factor == 1 else x * factor
