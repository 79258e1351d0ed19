"""How overlapping tiles blend: periodic profiles that sum to one, so that fusing is plain addition."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from geoinfinite.errors import WorldError


def _hann(u: NDArray[np.float64], stride: float) -> NDArray[np.float64]:
    return np.sin(np.pi * u) ** 2


def _linear(u: NDArray[np.float64], stride: float) -> NDArray[np.float64]:
    return 1 - np.abs(2 * u - 1)


def _gaussian(u: NDArray[np.float64], stride: float) -> NDArray[np.float64]:
    return np.exp(-((u - 0.5) ** 2) / (2 * 0.01))


def _uniform(u: NDArray[np.float64], stride: float) -> NDArray[np.float64]:
    return np.ones_like(u)


def _crop(u: NDArray[np.float64], stride: float) -> NDArray[np.float64]:
    start = 0.5 - stride / 2 - 1e-9  # a half-open interval: exactly one tile keeps each pixel
    return ((u >= start) & (u < start + stride)).astype(float)


PROFILES: dict[str, Callable[[NDArray[np.float64], float], NDArray[np.float64]]] = {
    "hann": _hann,
    "linear": _linear,
    "gaussian": _gaussian,
    "uniform": _uniform,
    "crop": _crop,
}
"""Shape of a tile's weight over ``u`` in (0, 1), before normalisation; ``stride`` in tile sides.

``gaussian`` has the variance 0.01 of Mixture of Diffusers (Jimenez 2023); ``crop`` keeps the central
``stride`` px of every tile, as MetaEarth does; ``uniform`` is MultiDiffusion's plain average.
"""


@lru_cache(maxsize=32)
def axis_weights(size: int, stride: int, profile: str) -> NDArray[np.float32]:
    """Return the weight of every pixel of a tile along one axis, normalised over all tiles.

    ``w(u) / sum_k w(u + k * stride)``: the tiles that share a pixel have weights that sum to 1,
    wherever the pixel is.

    >>> w = axis_weights(8, 4, "hann")
    >>> bool(np.allclose(w[:4] + w[4:], 1))
    True
    """
    if profile not in PROFILES:
        raise WorldError(f"weights={profile!r} is not one of {', '.join(PROFILES)}")
    weight = PROFILES[profile]((np.arange(size) + 0.5) / size, stride / size)
    total = np.array([weight[phase::stride].sum() for phase in range(stride)])
    normalised: NDArray[np.float32] = (weight / total[np.arange(size) % stride]).astype(np.float32)
    normalised.flags.writeable = False
    return normalised


@lru_cache(maxsize=16)
def tile_weights(size: int, stride: int, profile: str) -> NDArray[np.float32]:
    """Return the ``(y, x)`` weights of a tile: the outer product of its axis weights."""
    axis = axis_weights(size, stride, profile)
    weights: NDArray[np.float32] = axis[:, None] * axis
    weights.flags.writeable = False
    return weights
