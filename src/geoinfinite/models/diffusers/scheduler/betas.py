"""The noise levels that a network was trained on, from the names that checkpoints give them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from geoinfinite.errors import WorldError

PURE_NOISE = 1e6
"""The sigma that stands for no signal at all, which would be infinite."""


def betas(kind: str, count: int, start: float, end: float) -> NDArray[np.float64]:
    """Return the variance that each of ``count`` timesteps of training adds, shape (timestep,).

    Source: Ho et al. 2020 (arXiv:2006.11239), ``linear``; Rombach et al. 2022 (arXiv:2112.10752),
    ``scaled_linear``; Nichol and Dhariwal 2021 (arXiv:2102.09672), equation 17,
    ``squaredcos_cap_v2``.

    >>> betas("scaled_linear", 3, 0.01, 0.09).round(3).tolist()
    [0.01, 0.04, 0.09]
    """
    if kind == "linear":
        return np.linspace(start, end, count)
    if kind == "scaled_linear":
        return np.linspace(start**0.5, end**0.5, count) ** 2
    if kind == "squaredcos_cap_v2":
        abar = np.cos((np.arange(count + 1) / count + 0.008) / 1.008 * np.pi / 2) ** 2
        return np.asarray(np.minimum(1 - abar[1:] / abar[:-1], 0.999))
    if kind == "exp":
        return np.full(count, 1 - np.exp(-12 / count))
    if kind == "sigmoid":
        return (end - start) / (1 + np.exp(-np.linspace(-6, 6, count))) + start
    raise WorldError(
        f'beta_schedule={kind[:60]!r} is not "linear", "scaled_linear", "squaredcos_cap_v2", "exp" or '
        '"sigmoid"; give the values themselves as trained_betas'
    )


def trained_sigmas(
    betas: Sequence[float] | NDArray[np.float64],
    *,
    zero_snr: bool = False,
    floor: float = 0.0,
    snr_shift: float = 1.0,
) -> tuple[float, ...]:
    """Return the sigma of every timestep of training: sqrt((1 - abar) / abar).

    ``zero_snr`` stretches sqrt(abar) so that nothing is left of the data at the last timestep (Lin et
    al. 2024, arXiv:2305.08891, algorithm 1); ``floor`` is what abar is there instead of 0. ``snr_shift``
    divides the signal-to-noise ratio (Esser et al. 2024, arXiv:2403.03206, section 5.3.2), before that.

    The sigmas rise, but for the last one: a floor above abar at the timestep before makes it smaller.

    >>> [round(s, 2) for s in trained_sigmas([0.2, 0.375, 0.6])]
    [0.5, 1.0, 2.0]
    """
    added = np.asarray(betas, dtype=np.float64)
    if not (added.size and np.all((added > 0) & (added < 1))):
        raise WorldError("betas must be numbers between 0 and 1, both excluded: every timestep adds noise")
    if zero_snr and added.size < 2:
        raise WorldError(
            "rescale_betas_zero_snr=true needs two timesteps of training or more; set it to false"
        )
    abar = np.cumprod(1 - added)
    abar = abar / (snr_shift + (1 - snr_shift) * abar)
    if zero_snr:
        root = np.sqrt(abar)
        abar = ((root - root[-1]) * root[0] / (root[0] - root[-1])) ** 2
        abar[-1] = floor
    abar = np.maximum(abar, 1 / (1 + PURE_NOISE**2))
    sigmas = tuple(float(sigma) for sigma in np.sqrt((1 - abar) / abar))
    rising = sigmas[:-1] if zero_snr and floor > 0 else sigmas
    if not (sigmas[0] > 0 and all(a < b for a, b in pairwise(rising))):
        raise WorldError("betas leave no signal before the last timestep; make them smaller")
    return sigmas
