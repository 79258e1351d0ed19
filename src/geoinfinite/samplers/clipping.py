"""Solvers whose estimates of clean data are clipped, as the schedulers of some checkpoints do it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from geoinfinite.diffusion.denoiser import Array, Denoiser
from geoinfinite.errors import WorldError
from geoinfinite.samplers.onestep import down_and_up
from geoinfinite.samplers.stepping import Past, Solver, Step, TakeStep


@dataclass(frozen=True, slots=True)
class ClippedStep:
    """A solver's step whose denoiser is clipped to plus and minus a limit."""

    solver: Solver
    limit: float

    def __call__(self, denoise: Denoiser, x: Array, past: Past, step: Step) -> tuple[Array, Past]:
        """Take the step with clipped estimates."""

        def clipped(x: Array, sigma: float) -> Array:
            return denoise(x, sigma).clip(-self.limit, self.limit)

        return self.solver.take(clipped, x, past, step)


@dataclass(frozen=True, slots=True)
class ClippedTarget:
    """A DDIM step towards a clipped estimate that keeps the noise of the estimate before it was clipped."""

    limit: float

    def __call__(self, denoise: Denoiser, x: Array, past: Past, step: Step) -> tuple[Array, Past]:
        """Take the step."""
        x0 = denoise(x, step.sigma)
        return down_and_up(x0.clip(-self.limit, self.limit), x - x0, step), ()


def clipped_estimates(solver: Solver, limit: float, *, keep_noise: bool = False) -> Solver:
    """Return a solver whose estimates of clean data are clipped to plus and minus a limit.

    With ``keep_noise`` a step keeps the noise ``(x - x0) / sigma`` of the estimate that is not clipped, as
    ``DDIMScheduler(clip_sample=True)`` of diffusers does; only ``ddim`` can. Else the noise follows from the
    clipped estimate, as in DDPM (Ho et al. 2020, arXiv:2006.11239, algorithm 2).

    >>> from geoinfinite.samplers import ddim
    >>> bright = lambda x, sigma: 3.0 * x / x
    >>> import numpy as np
    >>> [float(clipped_estimates(ddim, 1.0, keep_noise=k)(bright, np.array(7.0), [4.0, 2.0])) for k in (0, 1)]
    [4.0, 3.0]
    """
    if keep_noise and solver.name != "ddim":
        raise WorldError(
            f"keep_noise=True is DDIM's way to clip, not that of solver={solver.name!r}; leave it out"
        )
    take: TakeStep = ClippedTarget(limit) if keep_noise else ClippedStep(solver, limit)
    return replace(solver, take=take)
