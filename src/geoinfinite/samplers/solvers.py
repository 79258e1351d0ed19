"""The solvers by name, and what they cost.

All are called ``(denoise, x, sigmas, noise=None) -> x``; ``Solver.advance`` takes them in pieces.
"""

from __future__ import annotations

from geoinfinite.errors import WorldError
from geoinfinite.samplers.multistep import ab2 as ab2
from geoinfinite.samplers.multistep import dpmpp_2m as dpmpp_2m
from geoinfinite.samplers.multistep import dpmpp_2s as dpmpp_2s
from geoinfinite.samplers.multistep import dpmpp_3m as dpmpp_3m
from geoinfinite.samplers.onestep import ddim as ddim
from geoinfinite.samplers.onestep import euler as euler
from geoinfinite.samplers.onestep import euler_ancestral as euler_ancestral
from geoinfinite.samplers.onestep import heun as heun
from geoinfinite.samplers.onestep import lcm as lcm
from geoinfinite.samplers.stepping import Solver

SOLVERS: dict[str, Solver] = {
    solver.name: solver
    for solver in (euler, heun, ab2, ddim, euler_ancestral, dpmpp_2m, dpmpp_2s, dpmpp_3m, lcm)
}

# Doctest looks into functions, not into values.
__test__ = {name: solver.take.__doc__ for name, solver in SOLVERS.items()}


def evaluations(solver: str, steps: int) -> int:
    """Return how many times a solver calls the denoiser on a schedule of ``steps`` that ends at 0.

    >>> evaluations("euler", 8), evaluations("heun", 8)
    (8, 15)
    """
    if solver not in SOLVERS:
        raise WorldError(f"solver={solver!r} is not one of {', '.join(SOLVERS)}")
    if steps < 1:
        raise WorldError(f"steps={steps!r} must be at least 1")
    # The step to sigma = 0 takes one evaluation in every solver.
    return SOLVERS[solver].evaluations * (steps - 1) + 1
