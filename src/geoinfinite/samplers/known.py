"""Solving where some of the clean data are known: estimates are replaced there, and steps are repeated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

from geoinfinite.diffusion.denoiser import Array, Denoiser
from geoinfinite.errors import WorldError
from geoinfinite.samplers.stepping import Course, DrawNoise, Past, Solver, Step


def knowing(denoise: Denoiser, x0: Array, mask: Array) -> Denoiser:
    """Return a denoiser whose estimates are ``x0`` where ``mask`` is 1, and its own where it is 0.

    A state that begins as ``x0 + sigma * noise`` there stays so at every level, whatever the solver.
    Source: Lugmayr et al. 2022 (RePaint, arXiv:2201.09865), equation 8, in variance-exploding terms.

    >>> half = lambda x, sigma: x / 2
    >>> knowing(half, 5.0, 1.0)(8.0, 1.0), knowing(half, 5.0, 0.0)(8.0, 1.0)
    (5.0, 4.0)
    """
    kept = mask * x0

    def replaced(x: Array, sigma: float) -> Array:
        return kept + (1 - mask) * denoise(x, sigma)

    return replaced


@dataclass(frozen=True, slots=True)
class RepeatedStep:
    """A solver's step that is taken several times, each from the noise level at which it began.

    What a solver carries belongs to one path of noise: a step that is taken again begins without it.
    """

    solver: Solver
    repeats: int

    def __call__(self, denoise: Denoiser, x: Array, past: Past, step: Step) -> tuple[Array, Past]:
        """Take the step, add the noise that it removed, and take it again; the last one counts."""
        away = sqrt(step.sigma**2 - step.sigma_next**2)
        for repeat in range(self.repeats):
            reached, later = self.solver.take(denoise, x, past, _shifted(step, 2 * repeat))
            past = ()
            if repeat < self.repeats - 1:
                x = reached + _shifted(step, 2 * repeat + 1).noise(away)
        return reached, later


def _shifted(step: Step, turns: int) -> Step:
    """Return a step whose fresh noise is of another draw: no two repeats share theirs."""
    draw, steps = step.course.noise, step.course.steps
    if draw is None or turns == 0:
        return step
    return replace(step, course=_with_noise(step.course, lambda i: draw(i + turns * steps)))


def _with_noise(course: Course, noise: DrawNoise) -> Course:
    return replace(course, noise=noise)


def repeated(solver: Solver, repeats: int) -> Solver:
    """Return a solver that takes every step several times, so that what is drawn grows to fit what is known.

    Replacing estimates alone leaves a rim around a hole: a step sees what is known beside it only once.
    Source: Lugmayr et al. 2022 (RePaint, arXiv:2201.09865), algorithm 1 with jumps of one step.

    >>> from geoinfinite.samplers import euler
    >>> repeated(euler, 1) is euler, repeated(euler, 3).evaluations
    (True, 3)
    """
    if repeats < 1:
        raise WorldError(f"repeats={repeats!r} must be at least 1")
    if repeats == 1:
        return solver
    return replace(solver, take=RepeatedStep(solver, repeats), evaluations=solver.evaluations * repeats)
