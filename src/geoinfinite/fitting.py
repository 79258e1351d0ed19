"""Whether a grid, a model and a sampler fit together on a level; if not, what to write instead."""

from __future__ import annotations

from geoinfinite.errors import WorldError
from geoinfinite.grid import Grid
from geoinfinite.models.protocol import ModelFacts
from geoinfinite.samplers.presets import ChartedMultiDiffusion, TiledSampler
from geoinfinite.tiling import PROFILES


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


def check_sampler(grid: Grid, level: int, sampler: TiledSampler, facts: ModelFacts, ref: str) -> None:
    """Raise `WorldError` if a sampler cannot tile a level of a grid with a model."""
    if sampler.weights not in PROFILES:
        raise WorldError(f"sampler.weights={sampler.weights!r} is not one of {', '.join(PROFILES)}")
    if level == 0 and sampler.consistency in ("project", "guide"):
        raise WorldError(
            f"sampler.consistency={sampler.consistency!r} needs a parent, and level 0 of a generated world "
            'has none; set consistency = "none" under [level.0.sampler]'
        )
    if sampler.tile % facts.multiple:
        raise WorldError(
            f"sampler.tile={sampler.tile} must be a multiple of {facts.multiple} for model.ref={ref!r}; "
            f"take {-(-sampler.tile // facts.multiple) * facts.multiple}"
        )
    lengths = {"tile": sampler.tile, "stride": sampler.stride}
    if isinstance(sampler, ChartedMultiDiffusion):
        lengths |= {"chart": sampler.chart, "halo": sampler.halo}
    for name, pixels in lengths.items():
        if pixels % facts.latent:
            raise WorldError(
                f"sampler.{name}={pixels} must be a multiple of {facts.latent}, the pixels per latent pixel "
                f"of model.ref={ref!r}; take {pixels - pixels % facts.latent or facts.latent}"
            )
        if level > 0 and pixels % grid.factor:
            raise WorldError(
                f"sampler.{name}={pixels} must be a multiple of grid.factor={grid.factor}, so that tiles "
                f"begin where parent pixels do; take {pixels - pixels % grid.factor or grid.factor}"
            )
    if grid.periodic:
        _check_turn(grid, level, sampler)


def _check_turn(grid: Grid, level: int, sampler: TiledSampler) -> None:
    columns = grid.shape_at(level)[1]
    repeats = {"stride": sampler.stride}
    if isinstance(sampler, ChartedMultiDiffusion):
        repeats = {"chart": sampler.chart}
    for name, pixels in repeats.items():
        if columns % pixels:
            step = grid.factor if level else 1
            fits = [s for s in range(step, max(sampler.tile, pixels) + 1, step) if columns % s == 0]
            raise WorldError(
                f"sampler.{name}={pixels} must divide the {columns} columns of level {level}, or the "
                f"antimeridian would show; for tile={sampler.tile} take one of {fits[-4:]}"
            )
