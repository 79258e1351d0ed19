"""The layers of a level: which tiles solve which steps, on which lattice, in which order."""

from __future__ import annotations

from dataclasses import replace
from math import lcm

from geoinfinite.diffusion.model import ModelFacts
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.recipe.solver_settings import sampling_of
from geoinfinite.samplers.presets import ChartedMultiDiffusion, SpotDiffusion
from geoinfinite.samplers.tiled import TiledSampler
from geoinfinite.tiling import Lattice, Layer, Need, cone


def level_layers(world: Recipe, level: int) -> tuple[Layer, ...]:
    """Return the layers of a level, first to last; the last one's blend is the level's image.

    Every layer of a model of pixels lies on the level's own pixels. A latent model's lie on the latent
    state, and one more layer decodes it.
    """
    sampler, facts = world.sampler_at(level), world.model_at(level).facts()
    domain = world.grid.full(level)
    decoding: tuple[Layer, ...] = ()
    if facts.latent > 1:
        unit = lcm(facts.latent, world.grid.factor)
        decoder = Layer(
            Lattice(sampler.tile, sampler.stride),
            sampler.weights,
            zoom=facts.latent,
            halo=-(-facts.halo // unit) * unit,
        )
        decoder = _within(world, level, decoder, domain, 1)
        domain, decoding = decoder.reads(decoder.need(domain).hull), (decoder,)
    if isinstance(sampler, ChartedMultiDiffusion):
        solving: tuple[Layer, ...] = (_charts(sampler, facts.latent),)
    else:
        solving = _parts(world, level, sampler, facts)
    if isinstance(sampler, SpotDiffusion):
        # A shifted tile that hangs over an edge may read pixels that no tile of the step before would hold.
        return (*(_turning(world, level, layer, facts.latent) for layer in solving), *decoding)
    return (*(_within(world, level, layer, domain, facts.latent) for layer in solving), *decoding)


def _parts(world: Recipe, level: int, sampler: TiledSampler, facts: ModelFacts) -> tuple[Layer, ...]:
    unit = lcm(facts.latent, world.grid.factor if level else 1)
    key, side, stride = world.noise_key, sampler.tile // facts.latent, sampler.stride // facts.latent
    layers = []
    for part, steps in enumerate(sampler.parts):
        y, x = (at // facts.latent for at in sampler.origin(key, level, part, unit))
        layers.append(Layer(Lattice(side, stride, (y, x)), sampler.weights, steps))
    return tuple(layers)


def _charts(sampler: ChartedMultiDiffusion, latent: int) -> Layer:
    """Return the layer of charts; within each, tiles from its first pixel to its last."""
    core, halo = sampler.chart // latent, sampler.halo // latent
    tile, stride, side = sampler.tile // latent, sampler.stride // latent, core + 2 * halo
    fill = range((side - tile) // stride + 1)
    inner = tuple(Layer(Lattice(tile, stride), sampler.weights, steps, fill, fill) for steps in sampler.parts)
    # Charts are solved to the end before they blend, as independent tiles are.
    return Layer(Lattice(side, core, (-halo, -halo)), "hann", range(sampler.steps), inner=inner)


def _within(world: Recipe, level: int, layer: Layer, domain: Window, latent: int) -> Layer:
    """Return a layer of no other tiles than those that meet the level's pixels."""
    there_are, turning = layer.need(domain), _turning(world, level, layer, latent)
    return replace(turning, rows=there_are.rows, columns=None if world.grid.periodic else there_are.columns)


def _turning(world: Recipe, level: int, layer: Layer, latent: int) -> Layer:
    """Return a layer whose tiles repeat after a turn of a periodic level."""
    period = world.grid.period(level)
    return layer if period is None else replace(layer, turn=period // latent // layer.lattice.stride)


def layer_evaluations(world: Recipe, level: int, need: Need) -> int:
    """Return how many network evaluations the tiles take that a window needs of one layer."""
    if need.layer.inner:
        chart = Window(0, need.layer.lattice.size, 0, need.layer.lattice.size)
        return need.tiles * sum(layer_evaluations(world, level, n) for n in cone(need.layer.inner, chart))
    sampling = sampling_of(world.sampler_at(level), world.model_at(level))
    # A step to sigma = 0 takes one evaluation in every solver.
    each = (1 if sampling.sigmas[step + 1] == 0 else sampling.solver.evaluations for step in need.layer.steps)
    return need.tiles * sum(each)
