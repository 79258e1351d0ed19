"""Schedules: the noise levels that a solver steps through, as a tuple of floats.

Every schedule is strictly decreasing, ends at 0.0, and ``len(schedule) == steps + 1``. A solve
starts at ``sigmas[0] * noise``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geoinfinite.errors import WorldError

Sigmas: TypeAlias = tuple[float, ...]


def karras(steps: int, sigma_min: float = 0.002, sigma_max: float = 80.0, rho: float = 7.0) -> Sigmas:
    """Return levels evenly spaced in ``sigma ** (1 / rho)``: rho = 7 is dense where detail forms.

    Source: Karras et al. 2022 (arXiv:2206.00364), equation 5 and table 1.

    >>> [round(s, 3) for s in karras(4, 0.1, 10.0)]
    [10.0, 2.934, 0.663, 0.1, 0.0]
    """
    _check_range(steps, sigma_min, sigma_max)
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return (*((high + f * (low - high)) ** rho for f in _fractions(steps)), 0.0)


def exponential(steps: int, sigma_min: float = 0.002, sigma_max: float = 80.0) -> Sigmas:
    """Return levels evenly spaced in log sigma: the limit of ``karras`` for a large rho.

    Source: Song et al. 2021 (arXiv:2011.13456), section 3.4 and appendix C, variance exploding.

    >>> [round(s, 3) for s in exponential(3, 0.1, 10.0)]
    [10.0, 1.0, 0.1, 0.0]
    """
    _check_range(steps, sigma_min, sigma_max)
    return (*(sigma_max * (sigma_min / sigma_max) ** f for f in _fractions(steps)), 0.0)


def flow(steps: int, shift: float = 1.0, t_max: float = 0.999) -> Sigmas:
    """Return levels evenly spaced in the flow's time t, from ``t_max`` to 0: sigma = t / (1 - t).

    The shift moves every time to ``shift t / (1 + (shift - 1) t)``: in sigma it is a plain factor.
    Pure noise, t = 1, is an infinite sigma; ``t_max`` stops just short of it.

    Source: Esser et al. 2024 (arXiv:2403.03206), section 5.3.2 and equation 23.

    >>> [round(s, 3) for s in flow(4, t_max=0.8)]
    [4.0, 1.5, 0.667, 0.25, 0.0]
    """
    _check_steps(steps)
    if not shift > 0:
        raise WorldError(f"shift={shift!r} must be positive; 1.0 leaves the times uniform")
    if not 0 < t_max < 1:
        raise WorldError(f"t_max={t_max!r} must be between 0 and 1, both excluded; take 0.999")
    times = (t_max * (steps - i) / steps for i in range(steps + 1))
    return tuple(shift * t / (1 - t) for t in times)


def ddim(
    steps: int,
    alphas_cumprod: Sequence[float] | NDArray[Any],
    spacing: str = "leading",
    offset: int = 0,
) -> Sigmas:
    """Return the levels of evenly spaced timesteps of a network's own training schedule.

    ``alphas_cumprod`` is the cumulative product of ``1 - betas``: sigma = sqrt((1 - abar) / abar).
    ``spacing`` is that of ``timesteps``. The last step always goes to 0.

    Source: Song et al. 2021 (arXiv:2010.02502), section 4.2 and appendix D.2; spacings as in Lin et
    al. 2024 (arXiv:2305.08891), table 2.

    >>> [round(s, 3) for s in ddim(2, [0.8, 0.5, 0.2, 0.1], spacing="trailing")]
    [3.0, 1.0, 0.0]
    """
    taken = [round(t) for t in timesteps(steps, len(alphas_cumprod), spacing, offset)]
    abars = [float(alphas_cumprod[t]) for t in taken]
    if not all(0 < a < b for a, b in zip(abars, [*abars[1:], 1.0], strict=True)):
        raise WorldError(
            "alphas_cumprod must decrease and stay between 0 and 1, both excluded, at timesteps "
            f"{taken}; a schedule with zero terminal signal needs its last entry clipped"
        )
    return (*(math.sqrt((1 - a) / a) for a in abars), 0.0)


def timesteps(steps: int, count: int, spacing: str, offset: int = 0) -> list[float]:
    """Return decreasing timesteps out of the ``count`` of training, 0 to ``count - 1``.

    ``"leading"`` takes ``i * (count // steps) + offset`` and stays clear of full noise;
    ``"trailing"`` counts down from the last; ``"linspace"`` goes from the last to the first, not
    rounded.

    Source: Lin et al. 2024 (arXiv:2305.08891), table 2.

    >>> timesteps(4, 1000, "leading", 1), timesteps(4, 1000, "trailing")
    ([751.0, 501.0, 251.0, 1.0], [999.0, 749.0, 499.0, 249.0])
    """
    _check_steps(steps)
    if steps > count:
        raise WorldError(f"steps={steps} exceeds the {count} timesteps of training; take fewer")
    if spacing == "leading":
        spaced = [float(i * (count // steps) + offset) for i in reversed(range(steps))]
    elif spacing == "trailing":
        # Where a timestep lies between two whole ones, the last bit of these sums decides: diffusers' own.
        spaced = (np.round(np.arange(count, 0, -count / steps)) - 1).tolist()[:steps]
    elif spacing == "linspace":
        spaced = np.linspace(0, count - 1, steps)[::-1].tolist() if steps > 1 else [count - 1.0]
    else:
        raise WorldError(f'spacing={spacing!r} is not "leading", "trailing" or "linspace"')
    if not 0 <= spaced[-1] <= spaced[0] < count:
        raise WorldError(f"offset={offset} leaves the {count} timesteps of training; take 0 or 1")
    return spaced


# Those that need nothing but the number of steps: `ddim` also needs a network's training schedule.
SCHEDULES: dict[str, Callable[[int], Sigmas]] = {
    "karras": karras,
    "exponential": exponential,
    "flow": flow,
}


def _fractions(steps: int) -> list[float]:
    """Return ``i / (steps - 1)`` for every step; a single step starts at the top."""
    return [i / max(1, steps - 1) for i in range(steps)]


def _check_steps(steps: int) -> None:
    if steps < 1:
        raise WorldError(f"steps={steps!r} must be at least 1")


def _check_range(steps: int, sigma_min: float, sigma_max: float) -> None:
    _check_steps(steps)
    if not 0 < sigma_min < sigma_max < math.inf:
        raise WorldError(
            f"sigma_min={sigma_min!r} and sigma_max={sigma_max!r} must be finite, "
            "0 < sigma_min < sigma_max; swap them if they are reversed"
        )
