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
from geoinfinite.samplers.plms import plms as plms
from geoinfinite.samplers.plms import plms_v as plms_v
from geoinfinite.samplers.stepping import Course, Solver, Step
from geoinfinite.samplers.unipc import unipc as unipc
from geoinfinite.samplers.unipc import unipc_1 as unipc_1
from geoinfinite.samplers.unipc import unipc_3 as unipc_3

SOLVERS: dict[str, Solver] = {
    solver.name: solver
    for solver in (
        euler,
        heun,
        ab2,
        ddim,
        euler_ancestral,
        dpmpp_2m,
        dpmpp_2s,
        dpmpp_3m,
        lcm,
        plms,
        plms_v,
        unipc,
        unipc_1,
        unipc_3,
    )
}

# Doctest looks into functions, not into values.
__test__ = {name: solver.take.__doc__ for name, solver in SOLVERS.items()}


def evaluations(solver: str, steps: int) -> int:
    """Return how many times a solver calls the denoiser on a schedule of ``steps`` that ends at 0.

    >>> evaluations("euler", 8), evaluations("heun", 8), evaluations("plms", 8)
    (8, 15, 9)
    """
    if solver not in SOLVERS:
        raise WorldError(f"solver={solver!r} is not one of {', '.join(SOLVERS)}")
    if steps < 1:
        raise WorldError(f"steps={steps!r} must be at least 1")
    course = Course(tuple(range(steps, -1, -1)))
    return sum(SOLVERS[solver].evaluations_of_step(Step(i + 1, course)) for i in range(steps))
