"""What a sampler's settings come to for a model: solver, noise levels, and the scale of both ends."""

from __future__ import annotations

from dataclasses import dataclass

from geoinfinite.errors import WorldError
from geoinfinite.models.reference import ModelReference
from geoinfinite.samplers import SOLVERS, Solver
from geoinfinite.samplers.tiled import CHECKPOINT, TiledSampler


@dataclass(frozen=True, slots=True)
class Sampling:
    """How every tile of a level is solved."""

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
    """Return what a sampler's settings come to for a model.

    ``"checkpoint"`` as solver or schedule takes what the checkpoint's ``scheduler_config.json`` says, so
    that its pixels are those of diffusers. Raises `WorldError` for a model without one, and for a solver
    that the preset cannot fuse.
    """
    if CHECKPOINT not in (sampler.solver, sampler.schedule):
        return Sampling(SOLVERS[sampler.solver], sampler.sigmas, sampler.eta or None, sampler.sigmas[0])
    told = model.sampling()
    if told is None:
        name = "solver" if sampler.solver == CHECKPOINT else "schedule"
        raise WorldError(
            f'sampler.{name}="checkpoint", but model.ref={model.ref!r} has no scheduler_config.json; name a '
            f"{name}"
        )
    solver, eta = sampler.solver, sampler.eta or None
    if solver == CHECKPOINT:
        solver, eta = told.solver, sampler.eta or told.eta
        sampler.check_solver(solver)
    if sampler.schedule != CHECKPOINT:
        return Sampling(SOLVERS[solver], sampler.sigmas, eta, sampler.sigmas[0])
    steps = sampler.steps
    return Sampling(SOLVERS[solver], told.sigmas(steps), eta, told.start(steps), told.end(steps))
