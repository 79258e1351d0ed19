"""Solvers that reuse the denoiser's earlier answers: a higher order for one evaluation a step."""

from __future__ import annotations

from math import expm1

from geoinfinite.diffusion.denoiser import Array, Denoiser, flow_time
from geoinfinite.samplers.stepping import Past, Step, solver


@solver(history=1)
def ab2(denoise: Denoiser, x: Array, past: Past, step: Step) -> tuple[Array, Past]:
    """One two-step Adams-Bashforth step per interval; order 2. Carries the last slope.

    The variable is the flow's time t, in which the path z = x / (1 + sigma) is nearly straight: the
    slope of the last step, extrapolated, corrects this one. The first step is Euler's.

    Source: Hairer, Norsett and Wanner 1993, section III.5, variable step sizes; time and velocity of
    flow matching, Lipman et al. 2023 (arXiv:2210.02747).

    >>> round(ab2(lambda x, sigma: x / 2, 8.0, [3.0, 1.0, 0.0]), 3)
    1.333
    """
    t, z = flow_time(step.sigma), x / (1 + step.sigma)
    h = flow_time(step.sigma_next) - t
    # Arrays made here are changed in place: half of the time would go into moving memory.
    v = z - denoise(x, step.sigma)
    v /= t
    if past:
        h_before = t - flow_time(step.sigma_before)
        slope = v - past[0]
        slope *= h / (2 * h_before)
        slope += v
        slope *= h
    else:
        slope = h * v
    z += slope
    z *= 1 + step.sigma_next
    return z, (v,)


@solver(history=1)
def dpmpp_2m(denoise: Denoiser, x: Array, past: Past, step: Step) -> tuple[Array, Past]:
    """One DPM-Solver++(2M) step per interval; order 2. Carries the last estimate of clean data.

    A step is Euler's towards an estimate extrapolated to the middle of the interval, in
    log(1 / sigma). The first step and one that ends at 0 are Euler's own.

    Source: Lu et al. 2022 (arXiv:2211.01095), algorithm 2.

    >>> dpmpp_2m(lambda x, sigma: x / 2, 8.0, [4.0, 2.0, 1.0, 0.0])
    2.125
    """
    x0 = denoise(x, step.sigma)
    target = x0
    if past and step.sigma_next > 0:
        target = x0 + step.width() / (2 * step.width(1)) * (x0 - past[0])
    return target + step.ratio * (x - target), (x0,)


@solver(history=2)
def dpmpp_3m(denoise: Denoiser, x: Array, past: Past, step: Step) -> tuple[Array, Past]:
    """One DPM-Solver++(3M) step per interval. Carries the last two estimates.

    The estimate is extrapolated by a parabola in log(1 / sigma), as soon as there are three; on
    schedules under 15 steps the last but one step falls back to ``dpmpp_2m``.

    The coefficients are those of the authors' code, which diffusers shares. They halve
    the parabola's bend, so that the order is 2, with about a quarter of the error of ``dpmpp_2m``: the
    order 3 of its name would take twice the last term.

    Source: Lu et al. 2022 (arXiv:2211.01095), and the authors' code.

    >>> dpmpp_3m(lambda x, sigma: x / 2, 8.0, [4.0, 2.0, 1.0, 0.0])
    2.125
    """
    few = step.course.steps < 15 and step.left <= 2
    if len(past) < 2 or few or step.sigma_next == 0:
        x, (x0,) = dpmpp_2m.take(denoise, x, past[:1], step)
        return x, (x0, *past[:1])
    x0 = denoise(x, step.sigma)
    h, h1, h2 = step.width(), step.width(1), step.width(2)
    # Divided differences of the estimate, then its slope and bend at this level.
    d1, d2 = (x0 - past[0]) / h1, (past[0] - past[1]) / h2
    bend = (d1 - d2) / (h1 + h2)
    slope = d1 + h1 * bend
    phi1 = -expm1(-h)
    phi2, phi3 = h - phi1, phi1 - h + h**2 / 2
    x = x0 + step.ratio * (x - x0) + phi2 * slope + phi3 * bend
    return x, (x0, past[0])


@solver(history=2)
def dpmpp_2s(denoise: Denoiser, x: Array, past: Past, step: Step) -> tuple[Array, Past]:
    """One DPM-Solver++(2S) step per pair of intervals; order 2. Carries the pair's start: x and x0.

    The first interval of a pair is an Euler step to where the second evaluation is made; the second
    then goes from the pair's start, with the estimate extrapolated to the middle of both. An interval
    that ends at 0 is an Euler step.

    Source: Lu et al. 2022 (arXiv:2211.01095), algorithm 1, its r fixed by the schedule.

    >>> dpmpp_2s(lambda x, sigma: x / 2, 8.0, [4.0, 2.0, 1.0, 0.0])
    2.125
    """
    x0 = denoise(x, step.sigma)
    if not past or step.sigma_next == 0:
        return x0 + step.ratio * (x - x0), (x, x0)
    x_start, x0_start = past
    h, h_first = step.width() + step.width(1), step.width(1)
    target = x0_start + h / (2 * h_first) * (x0 - x0_start)
    return target + step.sigma_next / step.sigma_before * (x_start - target), ()
