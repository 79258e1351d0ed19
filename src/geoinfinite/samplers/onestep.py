"""Solvers without memory: each step uses the current state alone."""

from __future__ import annotations

from math import sqrt

from geoinfinite.diffusion.denoiser import Array, Denoiser
from geoinfinite.samplers.stepping import Past, Solver, Step, solver


@solver()
def euler(denoise: Denoiser, x: Array, past: Past, step: Step) -> tuple[Array, Past]:
    """One Euler step of dx/dsigma = (x - x0) / sigma per interval; order 1.

    A step is an interpolation: x0 + (sigma' / sigma) (x - x0). It is DDIM with eta = 0 and, on a
    ``flow`` schedule with ``from_flow``, the Euler step of flow matching, z + (t' - t) u.

    Source: Karras et al. 2022 (arXiv:2206.00364), algorithm 1 without its correction.

    >>> euler(lambda x, sigma: x / 2, 8.0, [4.0, 2.0, 0.0])
    3.0
    """
    x0 = denoise(x, step.sigma)
    return x0 + step.ratio * (x - x0), ()


@solver(evaluations=2)
def heun(denoise: Denoiser, x: Array, past: Past, step: Step) -> tuple[Array, Past]:
    """One trapezoidal step per interval, two evaluations each; order 2.

    Source: Karras et al. 2022 (arXiv:2206.00364), algorithm 1.

    >>> heun(lambda x, sigma: x / 2, 8.0, [4.0, 2.0, 0.0])
    2.75
    """
    sigma, sigma_next = step.sigma, step.sigma_next
    # Euler step.
    d = (x - denoise(x, sigma)) / sigma
    x_next = x + (sigma_next - sigma) * d
    # Second-order correction; the slope at sigma = 0 is not defined.
    if sigma_next > 0:
        d_next = (x_next - denoise(x_next, sigma_next)) / sigma_next
        x_next = x + (sigma_next - sigma) * (d + d_next) / 2
    return x_next, ()


@solver(eta=0.0)
def ddim(denoise: Denoiser, x: Array, past: Past, step: Step) -> tuple[Array, Past]:
    """One DDIM step per interval; eta = 0 is ``euler``, eta = 1 is DDPM and ``euler_ancestral``.

    A step goes down to ``sigma_down``, then up by fresh noise of deviation ``sigma_up``: together
    the variance sigma'**2, of which eta**2 (1 - (sigma' / sigma)**2) is fresh. That is equation 16
    in variance-exploding terms.

    Source: Song et al. 2021 (arXiv:2010.02502), equations 12 and 16.

    >>> ddim(lambda x, sigma: x / 2, 8.0, [5.0, 3.0, 0.0], noise=lambda i: 1.0, eta=1.0)
    3.92
    """
    x0 = denoise(x, step.sigma)
    return down_and_up(x0, x - x0, step), ()


def down_and_up(x0: Array, noise: Array, step: Step) -> Array:
    """Return ``x0`` with what ``step.eta`` leaves of the noise ``sigma e`` of the state, and fresh noise."""
    fresh = step.eta**2 * (1 - step.ratio**2)
    sigma_down, sigma_up = step.sigma_next * sqrt(1 - fresh), step.sigma_next * sqrt(fresh)
    x = x0 + (sigma_down / step.sigma) * noise
    return x + step.noise(sigma_up) if sigma_up > 0 else x


# The two names of one step: what the ancestral sampler calls sigma_up is DDIM's at eta = 1.
euler_ancestral = Solver("euler_ancestral", ddim.take, eta=1.0)


@solver(renoises=True)
def lcm(denoise: Denoiser, x: Array, past: Past, step: Step) -> tuple[Array, Past]:
    """One jump to clean data per interval, then fresh noise up to the next level.

    For networks distilled to be right in one jump (consistency models, LCM): 1 to 8 steps.

    Source: Song et al. 2023 (arXiv:2303.01469), algorithm 1; Luo et al. 2023 (arXiv:2310.04378).

    >>> lcm(lambda x, sigma: x / 2, 8.0, [5.0, 3.0, 0.0], noise=lambda i: 1.0)
    3.5
    """
    x0 = denoise(x, step.sigma)
    return x0 + step.noise(step.sigma_next), ()
