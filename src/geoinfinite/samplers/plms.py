"""Pseudo linear multistep solvers: the answers of the network itself are extrapolated, at fixed weights."""

from __future__ import annotations

from math import sqrt

from geoinfinite.diffusion.denoiser import Array, Denoiser
from geoinfinite.samplers.stepping import Past, Step, solver

ADAMS_BASHFORTH = (
    (1.0,),
    (3 / 2, -1 / 2),
    (23 / 12, -16 / 12, 5 / 12),
    (55 / 24, -59 / 24, 37 / 24, -9 / 24),
)
"""Weights of the last answers, latest first, by how many there are."""


@solver(evaluations=2, only_first=True, history=3)
def plms(denoise: Denoiser, x: Array, past: Past, step: Step) -> tuple[Array, Past]:
    """One PLMS step per interval: a step of DDIM along the noise that the last four answers predict.

    Order 2; it would be 4 where levels are evenly spaced in sigma, for which the weights are. Carries the
    last three predictions of noise. The first step, unless it is the only one, asks a second time at its end
    and takes the mean of both answers.

    Source: Liu et al. 2022 (arXiv:2202.09778), equations 9, 11 and 12, with the first steps of the authors of
    latent diffusion in place of Runge-Kutta's.

    >>> plms(lambda x, sigma: x / 2, 8.0, [4.0, 2.0, 1.0, 0.0])
    1.5807291666666665
    """
    return _extrapolated(denoise, x, past, step, velocity=False)


@solver(evaluations=2, only_first=True, history=3)
def plms_v(denoise: Denoiser, x: Array, past: Past, step: Step) -> tuple[Array, Past]:
    """One PLMS step per interval that extrapolates the velocity ``v = alpha e - sigma alpha x0``.

    It is `plms` for networks that predict v, whose answers ``PNDMScheduler`` of diffusers extrapolates as
    they are: order 1, for a step turns the state along one direction only. Carries the last three
    velocities; alpha is ``1 / sqrt(1 + sigma**2)``. A path towards one and
    the same estimate bends in these terms: the last step ends near the last estimate and not at it.

    Source: Liu et al. 2022 (arXiv:2202.09778); Salimans and Ho 2022 (arXiv:2202.00512), appendix D, velocity.

    >>> round(plms_v(lambda x, sigma: x / 2, 8.0, [4.0, 2.0, 1.0, 0.0]), 3)
    1.205
    """
    return _extrapolated(denoise, x, past, step, velocity=True)


def _extrapolated(
    denoise: Denoiser, x: Array, past: Past, step: Step, *, velocity: bool
) -> tuple[Array, Past]:
    def answer(x: Array, sigma: float) -> Array:
        share, scale = _terms(sigma, velocity)
        return (share * x - denoise(x, sigma)) / scale

    def move(answer: Array) -> Array:
        share, scale = _terms(step.sigma, velocity)
        x0 = share * x - scale * answer
        return x0 + step.ratio * (x - x0)

    answers = (answer(x, step.sigma), *past)
    if step.index == 1 and step.left > 1:
        return move((answers[0] + answer(move(answers[0]), step.sigma_next)) / 2), answers
    latest, *earlier = zip(ADAMS_BASHFORTH[len(past)], answers, strict=True)
    mean = latest[0] * latest[1]
    for weight, known in earlier:
        mean = mean + weight * known
    return move(mean), answers[:3]


def _terms(sigma: float, velocity: bool) -> tuple[float, float]:
    """Return a and b of ``x0 = a x - b p``, where p is the network's answer: the noise or the velocity."""
    return (1 / (1 + sigma**2), sigma / sqrt(1 + sigma**2)) if velocity else (1.0, sigma)
