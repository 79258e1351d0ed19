"""Solvers: pure functions from a noisy state to a clean one, along a schedule.

All share ``(denoise, x, sigmas, noise=None) -> x``. ``x`` holds noise of deviation ``sigmas[0]``,
and the result that of ``sigmas[-1]``: nothing when it is 0, and the start of the next solve when a
schedule is cut in phases (``ab2`` then forgets its last slope). ``noise(i)`` is the standard normal
field of step i = 1, 2, ...; draw 0 made the starting state.

A solver sees neither tiles nor devices, keeps no state and leaves the caller's ``x`` as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import sqrt
from typing import TypeAlias

from geoinfinite.denoiser import Array, Denoiser, flow_time
from geoinfinite.errors import WorldError

DrawNoise: TypeAlias = Callable[[int], Array]
Solver: TypeAlias = Callable[[Denoiser, Array, Sequence[float], DrawNoise | None], Array]


def euler(denoise: Denoiser, x: Array, sigmas: Sequence[float], noise: DrawNoise | None = None) -> Array:
    """Return x after one Euler step of dx/dsigma = (x - x0) / sigma per interval; order 1.

    A step is an interpolation: x0 + (sigma' / sigma) (x - x0). It is DDIM with eta = 0 and, on a
    ``flow`` schedule with ``from_flow``, the Euler step of flow matching, z + (t' - t) u.

    Source: Karras et al. 2022 (arXiv:2206.00364), algorithm 1 without its correction.

    >>> euler(lambda x, sigma: x / 2, 8.0, [4.0, 2.0, 0.0])
    3.0
    """
    for _, sigma, sigma_next in _steps(sigmas):
        x0 = denoise(x, sigma)
        x = x0 + (sigma_next / sigma) * (x - x0)
    return x


def heun(denoise: Denoiser, x: Array, sigmas: Sequence[float], noise: DrawNoise | None = None) -> Array:
    """Return x after one trapezoidal step per interval, two evaluations each; order 2.

    Source: Karras et al. 2022 (arXiv:2206.00364), algorithm 1.

    >>> heun(lambda x, sigma: x / 2, 8.0, [4.0, 2.0, 0.0])
    2.75
    """
    for _, sigma, sigma_next in _steps(sigmas):
        # Euler step.
        d = (x - denoise(x, sigma)) / sigma
        x_next = x + (sigma_next - sigma) * d
        # Second-order correction; the slope at sigma = 0 is not defined.
        if sigma_next > 0:
            d_next = (x_next - denoise(x_next, sigma_next)) / sigma_next
            x_next = x + (sigma_next - sigma) * (d + d_next) / 2
        x = x_next
    return x


def ab2(denoise: Denoiser, x: Array, sigmas: Sequence[float], noise: DrawNoise | None = None) -> Array:
    """Return x after one two-step Adams-Bashforth step per interval, one evaluation each; order 2.

    The variable is the flow's time t, in which the path z = x / (1 + sigma) is nearly straight: the
    slope of the last step, extrapolated, corrects this one. The first step is Euler's.

    Source: Hairer, Norsett and Wanner 1993, section III.5, variable step sizes; time and velocity of
    flow matching, Lipman et al. 2023 (arXiv:2210.02747).

    >>> round(ab2(lambda x, sigma: x / 2, 8.0, [3.0, 1.0, 0.0]), 3)
    1.333
    """
    before: tuple[Array, float] | None = None
    for _, sigma, sigma_next in _steps(sigmas):
        t, z = flow_time(sigma), x / (1 + sigma)
        v, h = (z - denoise(x, sigma)) / t, flow_time(sigma_next) - t
        slope = v if before is None else v + h / (2 * before[1]) * (v - before[0])
        x = (z + h * slope) * (1 + sigma_next)
        before = v, h
    return x


def ddim(
    denoise: Denoiser,
    x: Array,
    sigmas: Sequence[float],
    noise: DrawNoise | None = None,
    eta: float = 0.0,
) -> Array:
    """Return x after one DDIM step per interval; eta = 0 is ``euler``, eta = 1 is DDPM.

    A step goes down to ``sigma_down``, then up by fresh noise of deviation ``sigma_up``: together
    the variance sigma'**2, of which eta**2 (1 - (sigma' / sigma)**2) is fresh. That is equation 16
    in variance-exploding terms.

    Source: Song et al. 2021 (arXiv:2010.02502), equations 12 and 16.

    >>> ddim(lambda x, sigma: x / 2, 8.0, [5.0, 3.0, 0.0], noise=lambda i: 1.0, eta=1.0)
    3.92
    """
    if not 0 <= eta <= 1:
        raise WorldError(f"eta={eta!r} must be between 0 (deterministic) and 1 (DDPM)")
    if eta > 0 and noise is None:
        raise WorldError(f"eta={eta!r} adds noise at every step; give noise, or eta=0")
    for i, sigma, sigma_next in _steps(sigmas):
        x0 = denoise(x, sigma)
        fresh = eta**2 * (1 - (sigma_next / sigma) ** 2)
        sigma_down, sigma_up = sigma_next * sqrt(1 - fresh), sigma_next * sqrt(fresh)
        x = x0 + (sigma_down / sigma) * (x - x0)
        if noise is not None and sigma_up > 0:
            x = x + sigma_up * noise(i)
    return x


SOLVERS: dict[str, Solver] = {"euler": euler, "heun": heun, "ab2": ab2, "ddim": ddim}

# The step to sigma = 0 takes one evaluation in every solver.
EVALUATIONS_PER_STEP = {"euler": 1, "heun": 2, "ab2": 1, "ddim": 1}


def evaluations(solver: str, steps: int) -> int:
    """Return how many times a solver calls the denoiser on a schedule of ``steps`` that ends at 0.

    >>> evaluations("euler", 8), evaluations("heun", 8)
    (8, 15)
    """
    if solver not in SOLVERS:
        raise WorldError(f"solver={solver!r} is not one of {', '.join(SOLVERS)}")
    if steps < 1:
        raise WorldError(f"steps={steps!r} must be at least 1")
    return EVALUATIONS_PER_STEP[solver] * (steps - 1) + 1


def _steps(sigmas: Sequence[float]) -> Iterator[tuple[int, float, float]]:
    """Yield (index, sigma, next sigma) of every step, indices from 1."""
    if len(sigmas) < 2 or sigmas[-1] < 0 or not all(a > b for a, b in pairwise(sigmas)):
        raise WorldError(
            f"sigmas={tuple(sigmas)!r} must be two or more decreasing values, none below 0; "
            "take a schedule of geoinfinite.samplers.schedules"
        )
    for i, (sigma, sigma_next) in enumerate(pairwise(sigmas), start=1):
        yield i, sigma, sigma_next
