"""The oracle's field drawn as one tile round a torus, by the same steps from the same noise.

No tile edge anywhere, so every statistic of it is what a sampler of tiles should show. Frequencies of a
stationary field do not mix; told 4 x 4 means, the 16 that alias to one frequency of the means do.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
import oracles

FACTOR = 4


@lru_cache(maxsize=2)
def spectrum(side: int) -> np.ndarray:
    """Variance of every frequency, of orthonormal transforms."""
    return np.fft.fft2(oracles.correlation(side)).real.clip(1e-9)


def free(noise: np.ndarray, sigmas: tuple[float, ...]) -> np.ndarray:
    """Return the unconditional field ``(band, y, x)`` after Euler steps from ``noise``."""
    power, x = spectrum(noise.shape[-1]), np.fft.fft2(noise) * sigmas[0]
    for s, t in pairwise(sigmas):
        x0 = power / (power + s**2) * x
        x = x0 + t / s * (x - x0)
    return np.fft.ifft2(x).real


def aliases(x: np.ndarray) -> np.ndarray:
    """Return frequencies ``(..., y, x)`` as ``(..., q, 16)``: those that alias to one of the means'."""
    *lead, rows, columns = x.shape
    parts = x.reshape(*lead, FACTOR, rows // FACTOR, FACTOR, columns // FACTOR)
    return np.moveaxis(parts, (-4, -2), (-2, -1)).reshape(*lead, -1, FACTOR**2)


def unalias(x: np.ndarray, side: int) -> np.ndarray:
    """Undo `aliases`."""
    parts = x.reshape(*x.shape[:-2], side // FACTOR, side // FACTOR, FACTOR, FACTOR)
    return np.moveaxis(parts, (-2, -1), (-4, -2)).reshape(*x.shape[:-2], side, side)


@lru_cache(maxsize=1)
def posterior(side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return gain ``(q, 16)``, eigenvectors ``(q, 16, 16)`` and variances ``(q, 16)`` given noisy means."""
    ramp = np.exp(2j * np.pi * np.outer(np.arange(side), np.arange(FACTOR)) / side).mean(1)
    mean = aliases(np.outer(ramp, ramp)) / FACTOR
    power = aliases(spectrum(side))
    seen = power * mean.conj()
    gain = seen / ((mean * seen).sum(-1, keepdims=True).real + oracles.EPS)
    covariance = power[..., None] * np.eye(FACTOR**2) - gain[..., None] * seen.conj()[..., None, :]
    variance, basis = np.linalg.eigh(covariance)
    return gain, basis, variance.clip(0)


def told(noise: np.ndarray, sigmas: tuple[float, ...], means: np.ndarray) -> np.ndarray:
    """Return the field ``(band, y, x)`` given its 4 x 4 means, after Euler steps from ``noise``."""
    side = noise.shape[-1]
    gain, basis, variance = posterior(side)
    coarse = np.fft.fft2(means, norm="ortho").reshape(*means.shape[:-2], -1, 1)
    turned = basis.conj().swapaxes(-1, -2)

    def coordinates(x: np.ndarray) -> np.ndarray:
        return (turned @ x[..., None])[..., 0]

    mu = coordinates(gain * coarse)
    x = coordinates(aliases(np.fft.fft2(noise, norm="ortho"))) * sigmas[0]
    for s, t in pairwise(sigmas):
        x0 = mu + variance / (variance + s**2) * (x - mu)
        x = x0 + t / s * (x - x0)
    return np.fft.ifft2(unalias((basis @ x[..., None])[..., 0], side), norm="ortho").real
