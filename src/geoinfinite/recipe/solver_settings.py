"""The solver, noise levels and end factors that a sampler's settings give for a model."""

from __future__ import annotations

from dataclasses import dataclass, replace

from geoinfinite.errors import WorldError
from geoinfinite.models.reference import ModelReference
from geoinfinite.samplers import SOLVERS, Solver, clipped_estimates
from geoinfinite.samplers.tiled import CHECKPOINT, TiledSampler


@dataclass(frozen=True, slots=True)
class Sampling:
    """The solver, noise levels and end factors with which every tile of a level is solved."""

    solver: Solver
    sigmas: tuple[float, ...]
    """Decreasing noise levels."""
    eta: float | None
    """Share of fresh noise; ``None``: the solver's own."""
    start: float
    """Deviation of the noise that a solve starts from."""
    end: float = 1.0
    """Factor on the last state."""


def sampling_of(sampler: TiledSampler, model: ModelReference) -> Sampling:
    """Return the solver, noise levels and end factors that a sampler's settings give for a model.

    ``"checkpoint"`` as solver or schedule takes what the checkpoint's ``scheduler_config.json`` says, so
    that its pixels are those of diffusers. Raises `WorldError` for a model without one, and for a solver
    that the preset cannot fuse.
    """
    if CHECKPOINT not in (sampler.solver, sampler.schedule):
        return _by_name(sampler, _clipping(sampler.solver, model))
    told = model.sampling()
    if told is None:
        name = "solver" if sampler.solver == CHECKPOINT else "schedule"
        raise WorldError(
            f'sampler.{name}="checkpoint", but model.ref={model.ref!r} has no scheduler_config.json; name a '
            f"{name}"
        )
    eta = sampler.eta
    if sampler.solver == CHECKPOINT:
        solver = told.as_solver()
        sampler.check_solver(solver.name)
        eta = told.eta if eta is None else eta
    else:
        solver = _clipping(sampler.solver, model)
    if sampler.schedule != CHECKPOINT:
        return replace(_by_name(sampler, solver), eta=eta)
    steps = sampler.steps
    return Sampling(solver, told.sigmas(steps), eta, told.start(steps), told.end(steps))


def _by_name(sampler: TiledSampler, solver: Solver) -> Sampling:
    return Sampling(solver, sampler.sigmas, sampler.eta, sampler.sigmas[0])


def _clipping(name: str, model: ModelReference) -> Solver:
    """Return a solver by name, its estimates clipped if the checkpoint's scheduler clips them."""
    noise = model.training_noise()
    if noise is None or noise.step_clip is None:
        return SOLVERS[name]
    return clipped_estimates(SOLVERS[name], noise.step_clip)
