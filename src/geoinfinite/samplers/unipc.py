"""UniPC: every answer of the network first corrects the step before, then predicts the next one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import expm1
from operator import mul

from geoinfinite.diffusion.denoiser import Array, Denoiser
from geoinfinite.samplers.stepping import Past, Step, solver


@solver(history=3)
def unipc(denoise: Denoiser, x: Array, past: Past, step: Step) -> tuple[Array, Past]:
    """One UniPC-2 step per interval, variant B2(h); order 3. Carries the corrected state and two estimates.

    The estimate at the end of the last step corrects that step (UniC) for no further evaluation; the next
    one is an exponential integral of the estimate, extrapolated in log(1 / sigma) (UniP). Orders rise over
    the first steps and fall over the last ones.

    Source: Zhao et al. 2023 (arXiv:2302.04867), algorithms 1 and 2 with prediction of data.

    >>> unipc(lambda x, sigma: x / 2, 8.0, [4.0, 2.0, 1.0, 0.0])
    2.0625
    """
    return _corrected_and_predicted(denoise, x, past, step, order=2)


@solver(history=2)
def unipc_1(denoise: Denoiser, x: Array, past: Past, step: Step) -> tuple[Array, Past]:
    """One UniPC-1 step per interval: as `unipc`, with Euler's step to predict; order 2. Carries one estimate.

    Source: Zhao et al. 2023 (arXiv:2302.04867).

    >>> unipc_1(lambda x, sigma: x / 2, 8.0, [4.0, 2.0, 1.0, 0.0])
    2.1875
    """
    return _corrected_and_predicted(denoise, x, past, step, order=1)


@solver(history=4)
def unipc_3(denoise: Denoiser, x: Array, past: Past, step: Step) -> tuple[Array, Past]:
    """One UniPC-3 step per interval: as `unipc`, with three estimates carried.

    Of the order 4 of its name 3 or less is left: the first and last steps are of lower orders.

    Source: Zhao et al. 2023 (arXiv:2302.04867).

    >>> unipc_3(lambda x, sigma: x / 2, 8.0, [4.0, 2.0, 1.0, 0.0])
    2.0625
    """
    return _corrected_and_predicted(denoise, x, past, step, order=3)


def _corrected_and_predicted(
    denoise: Denoiser, x: Array, past: Past, step: Step, *, order: int
) -> tuple[Array, Past]:
    x0, known = denoise(x, step.sigma), past[1:]
    if past:
        used = known[: step.left + 1]
        x = _integrated(past[0], used, Step(step.index - 1, step.course), end=(x0,))
    known = (x0, *known)[:order]
    return _integrated(x, known[: step.left], step), (x, *known)


def _integrated(x: Array, known: Past, step: Step, end: Past = ()) -> Array:
    """Return the state after a step along the polynomial through the estimates before, at and after it.

    ``known`` are the estimates at the step's beginning and before it, latest first. In the time u from 0 to 1
    of the step, of width h in log(1 / sigma), the exact answer is
    ``x' = ratio x + h * integral of exp(h (u - 1)) x0(u) du``.
    """
    x = known[0] + step.ratio * (x - known[0])
    if len(known) + len(end) == 1:
        return x
    h = step.width()
    back = accumulate(step.width(i) for i in range(1, len(known)))
    times = (*(-width / h for width in back), *(1.0 for _ in end))
    for weight, estimate in zip(_weights(times, h), (*known[1:], *end), strict=True):
        x = x + weight * (estimate - known[0])
    return x


def _weights(times: Sequence[float], h: float) -> list[float]:
    """Return the weights of the estimates at some times, each as its difference from the one at time 0.

    They integrate Lagrange's polynomials, but for a single estimate: what it adds is weighed as if the time
    were 1/2 throughout, which is what B2(h) chooses.
    """
    decayed = -expm1(-h)
    if len(times) == 1:
        return [decayed / (2 * times[0])]
    # Integrals of h exp(h (u - 1)) u**n, n = 0, 1, ...
    moments = [decayed]
    for n in range(1, len(times) + 1):
        moments.append(1 - n / h * moments[-1])
    weights = []
    for time in times:
        factors = [1.0]
        for other in (0.0, *times):
            if other != time:
                rising, falling = (0.0, *factors), (*factors, 0.0)
                factors = [(a - other * b) / (time - other) for a, b in zip(rising, falling, strict=True)]
        weights.append(sum(map(mul, factors, moments)))
    return weights
