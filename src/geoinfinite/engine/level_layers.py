"""The layers of a level: which tiles do which work, on which lattice, in which order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import lcm

from geoinfinite.diffusion.model import ModelFacts
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.samplers.presets import ChartedMultiDiffusion, SpotDiffusion
from geoinfinite.samplers.tiled import TiledSampler
from geoinfinite.tiling import Chart, Decode, Lattice, Layer, Solve


@dataclass(frozen=True, slots=True)
class Lattices:
    """The values that fix where the tiles of a level lie: grid, sampler, model, and the world's noise key."""

    grid: Grid
    level: int
    sampler: TiledSampler
    facts: ModelFacts
    key: int

    def layers(self) -> tuple[Layer, ...]:
        """Return the layers of the level, first to last; the last one, fused, is the level's image.

        Every layer of a model of pixels lies on the level's own pixels. A latent model's layers lie on
        the pixels of the latent state, and one more layer decodes it.
        """
        domain = self.grid.full(self.level)
        decoding: tuple[Layer, ...] = ()
        if self.facts.latent > 1:
            decoder = self._bounded(self._decoder(), domain)
            domain, decoding = decoder.reads(decoder.need(domain).hull), (decoder,)
        if isinstance(self.sampler, ChartedMultiDiffusion):
            solving: tuple[Layer, ...] = (self._charts(self.sampler),)
        else:
            solving = self._parts()
        if isinstance(self.sampler, SpotDiffusion):
            # A shifted tile that hangs over an edge may read pixels that no tile of the step before holds.
            return (*(self._periodic(layer, self.facts.latent) for layer in solving), *decoding)
        return (*(self._bounded(layer, domain, self.facts.latent) for layer in solving), *decoding)

    def _decoder(self) -> Layer:
        latent, sampler = self.facts.latent, self.sampler
        unit = lcm(latent, self.grid.factor)
        work = Decode(zoom=latent, halo=-(-self.facts.halo // unit) * unit)
        return Layer(Lattice(sampler.tile, sampler.stride), work, sampler.weights)

    def _parts(self) -> tuple[Layer, ...]:
        """Return one layer for the steps between one fusion of the tiles and the next."""
        sampler, latent = self.sampler, self.facts.latent
        unit = lcm(latent, self.grid.factor if self.level else 1)
        layers = []
        for part, steps in enumerate(sampler.parts):
            y, x = (at // latent for at in sampler.origin(self.key, self.level, part, unit))
            lattice = Lattice(sampler.tile // latent, sampler.stride // latent, (y, x))
            layers.append(Layer(lattice, Solve(steps), sampler.weights))
        return tuple(layers)

    def _charts(self, sampler: ChartedMultiDiffusion) -> Layer:
        """Return the layer of charts; within each, tiles from its first pixel to its last."""
        latent = self.facts.latent
        core, halo = sampler.chart // latent, sampler.halo // latent
        tile, stride, side = sampler.tile // latent, sampler.stride // latent, core + 2 * halo
        fill = range((side - tile) // stride + 1)
        inner = tuple(
            Layer(Lattice(tile, stride), Solve(steps), sampler.weights, fill, fill) for steps in sampler.parts
        )
        # Charts are solved to the end before they are fused, as independent tiles are.
        return Layer(Lattice(side, core, (-halo, -halo)), Chart(inner), "hann")

    def _bounded(self, layer: Layer, domain: Window, latent: int = 1) -> Layer:
        """Return a layer without the tiles that lie wholly outside the level."""
        there_are, periodic = layer.need(domain), self._periodic(layer, latent)
        return replace(
            periodic, rows=there_are.rows, columns=None if self.grid.periodic else there_are.columns
        )

    def _periodic(self, layer: Layer, latent: int) -> Layer:
        """Return a layer whose tiles repeat after a turn of a periodic level."""
        period = self.grid.period(self.level)
        return layer if period is None else replace(layer, turn=period // latent // layer.lattice.stride)
