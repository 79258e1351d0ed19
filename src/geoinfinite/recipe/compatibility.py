"""Checks that a grid, a model and a sampler fit together on a level; errors say what to write instead."""

from __future__ import annotations

from dataclasses import replace
from math import lcm
from typing import Any

from geoinfinite.diffusion.model import ModelFacts, unknown_gsd
from geoinfinite.errors import WorldError
from geoinfinite.plane.grid import Grid
from geoinfinite.samplers.presets import ChartedMultiDiffusion, SpotDiffusion
from geoinfinite.samplers.tiled import TiledSampler
from geoinfinite.tiling import PROFILES

LARGEST = {"tile": 2**14, "chart": 2**16, "halo": 2**15, "steps": 10_000, "shift": 1e6}
"""The greatest values of a sampler's numbers."""


def check_model(grid: Grid, level: int, facts: ModelFacts, ref: str) -> None:
    """Raise `WorldError` if a model cannot draw a level of a grid."""
    if level == 0 and facts.conditioned:
        raise WorldError(
            f"model.ref={ref!r} is told a parent, and level 0 of a generated world has none; name a model "
            'for it under [level.0.model], such as ref = "analytic:planet"'
        )
    if facts.factor not in (None, grid.factor):
        raise WorldError(
            f"grid.factor={grid.factor} is not the factor {facts.factor} of model.ref={ref!r}; "
            f"set grid.factor = {facts.factor}"
        )
    if facts.gsds is not None and facts.class_of(grid.gsd_m(level)) is None:
        raise WorldError(f"model.ref={ref!r} at level {level} {unknown_gsd(facts, grid.gsd_m(level))}")


def check_sampler(
    grid: Grid, level: int, sampler: TiledSampler, *, facts: ModelFacts, ref: str, section: str = "sampler"
) -> None:
    """Raise `WorldError` if a sampler cannot tile a level of a grid with a model.

    ``section`` is where a world file says, or could say, how the level is sampled.
    """
    _check_sizes(sampler, section)
    if sampler.weights not in PROFILES:
        raise WorldError(f"{section}.weights={sampler.weights!r} is not one of {', '.join(PROFILES)}")
    if sampler.weights == "crop" and sampler.stride < sampler.tile and len(sampler.parts) > 1:
        raise WorldError(
            f'{section}.weights="crop" keeps the middle of a tile, but with preset={sampler.preset!r} the '
            f'next steps of a tile begin from all of it; take {section}.weights = "hann"'
        )
    if level == 0 and sampler.consistency in ("project", "guide"):
        raise WorldError(
            f"{section}.consistency={sampler.consistency!r} needs a parent, and level 0 of a generated world "
            'has none; set consistency = "none" under [level.0.sampler]'
        )
    if facts.steps not in (None, sampler.steps):
        raise WorldError(
            f"{section}.steps={sampler.steps} is not what model.ref={ref!r} was trained for; set "
            f"{section}.steps = {facts.steps}"
        )
    unit = lcm(facts.latent, grid.factor if level else 1)
    if sampler.tile % facts.multiple:
        raise WorldError(
            f"{section}.tile={sampler.tile} must be a multiple of {facts.multiple} for model.ref={ref!r}; "
            f"take {_up(sampler.tile, lcm(unit, facts.multiple))}"
        )
    # Tiles may grow and strides shrink: a stride never exceeds its tile.
    lengths = {"tile": _up(sampler.tile, lcm(unit, facts.multiple))}
    turn = grid.shape_at(level)[1] if grid.periodic else 0
    fitting = (s for s in range(unit, sampler.stride + 1, unit) if turn % s == 0)
    lengths["stride"] = max(fitting, default=unit)
    if isinstance(sampler, SpotDiffusion):
        lengths["stride"] = lengths["tile"]
    if isinstance(sampler, ChartedMultiDiffusion):
        lengths |= {"chart": _up(sampler.chart, unit), "halo": sampler.halo - sampler.halo % unit}
    for name, fits in lengths.items():
        pixels = getattr(sampler, name)
        if pixels % facts.latent:
            raise WorldError(
                f"{section}.{name}={pixels} must be a multiple of {facts.latent}, the pixels per latent "
                f"pixel of model.ref={ref!r}; take {fits}"
            )
        if level > 0 and pixels % grid.factor:
            raise WorldError(
                f"{section}.{name}={pixels} must be a multiple of grid.factor={grid.factor}, so that tiles "
                f"begin where parent pixels do; take {fits}"
            )
    if grid.periodic:
        charted = isinstance(sampler, ChartedMultiDiffusion)
        # Charts repeat after a turn; so do tiles, but within charts, unless latents are decoded in them.
        for name in ("chart",) * charted + ("stride",) * (not charted or facts.latent > 1):
            _check_turn(grid, level, sampler, name, unit, section)


def _check_sizes(sampler: TiledSampler, section: str) -> None:
    """Raise `WorldError` for numbers that no memory or patience has room for."""
    for name, most in LARGEST.items():
        value = getattr(sampler, name, None)
        if value is not None and value > most:
            raise WorldError(f"{section}.{name}={value} must be at most {most:g}")


def _up(pixels: int, unit: int) -> int:
    return -(-pixels // unit) * unit


def _check_turn(grid: Grid, level: int, sampler: TiledSampler, name: str, unit: int, section: str) -> None:
    columns = grid.shape_at(level)[1]
    pixels = getattr(sampler, name)
    if columns % pixels:
        names = ("tile", "stride") if isinstance(sampler, SpotDiffusion) else (name,)
        lengths = range(unit, 2 * max(sampler.tile, pixels) + 1, unit)
        fits = [n for n in lengths if columns % n == 0 and _allowed(sampler, dict.fromkeys(names, n))]
        remedy = "set grid.periodic = false"
        if fits:
            remedy = f"for {' and '.join(names)} take one of {fits[-4:]}"
        raise WorldError(
            f"{section}.{name}={pixels} must divide the {columns} columns of level {level}, or the "
            f"antimeridian would show; {remedy}"
        )


def _allowed(sampler: TiledSampler, changes: dict[str, Any]) -> bool:
    try:
        replace(sampler, **changes)
    except WorldError:
        return False
    return True
