"""The exact denoiser of a Gaussian field given its block means: closed form, no weights.

For a stationary field with covariance C, told noisy 4 x 4 means c = A x0 + N(0, eps): the posterior
mean is G c with G = C A^T (A C A^T + eps I)^-1, its covariance C - G A C = V diag(l) V^T, and
D(x, sigma) = mu + V diag(l / (l + sigma^2)) V^T (x - mu).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from geoinfinite.diffusion.model import Array, Cond, ModelFacts

FACTS = ModelFacts(bands=None, factor=4, margin=0, multiple=4)
TILE, LENGTH, EPS = 32, 12.0, 1e-2
BANDS = 3
"""Bands of the unconditional model: as many independent fields."""
SCALE = 0.2
"""Unit values per standard deviation of the field: +-5 deviations fit the range."""


def correlation(side: int) -> np.ndarray:
    """Exponential correlation on a torus of ``side`` px, as a function of the offset."""
    i = np.minimum(np.arange(side), side - np.arange(side))
    return np.exp(-np.hypot(i[:, None], i) / LENGTH)


def truth(seed: int, side: int) -> np.ndarray:
    """A field of unit variance with that correlation."""
    power = np.fft.fft2(correlation(side)).real.clip(0)
    white = np.fft.fft2(np.random.default_rng(seed).standard_normal((side, side)))
    return np.fft.ifft2(np.sqrt(power / power.mean()) * white).real


@lru_cache(maxsize=1)
def posterior() -> tuple[Array, Array, Array]:
    """``(G, V, l)`` of a tile of TILE x TILE px."""
    p = np.stack(np.mgrid[:TILE, :TILE], -1).reshape(-1, 2)
    prior = np.exp(-np.sqrt(((p[:, None] - p) ** 2).sum(-1)) / LENGTH)
    means = np.zeros(((TILE // 4) ** 2, TILE * TILE))
    means[p // 4 @ [TILE // 4, 1], np.arange(TILE * TILE)] = 1 / 16
    gain = prior @ means.T @ np.linalg.inv(means @ prior @ means.T + EPS * np.eye(len(means)))
    variance, basis = np.linalg.eigh(prior - gain @ means @ prior)
    return gain.astype("f4"), basis.astype("f4"), variance.clip(0).astype("f4")


@dataclass(frozen=True)
class OracleTiles:
    mean: Array

    def state(self, field: Array) -> Array:
        return field

    def field(self, x: Array) -> Array:
        return x

    def denoise(self, x: Array, sigma: float) -> Array:
        _, basis, variance = posterior()
        shrink = variance / (variance + np.float32(sigma) ** 2)
        flat = (x - self.mean).reshape(-1, TILE * TILE)
        return self.mean + ((flat @ basis * shrink) @ basis.T).reshape(x.shape)

    def image(self, x0: Array) -> Array:
        return x0 * np.float32(SCALE)

    def encode(self, image: Array) -> Array:
        return image / np.float32(SCALE)


@lru_cache(maxsize=1)
def prior() -> tuple[Array, Array]:
    """``(V, l)`` of a tile of TILE x TILE px that is told nothing."""
    p = np.stack(np.mgrid[:TILE, :TILE], -1).reshape(-1, 2)
    variance, basis = np.linalg.eigh(np.exp(-np.sqrt(((p[:, None] - p) ** 2).sum(-1)) / LENGTH))
    return basis.astype("f4"), variance.clip(0).astype("f4")


@dataclass(frozen=True)
class FreeOracleTiles(OracleTiles):
    def denoise(self, x: Array, sigma: float) -> Array:
        basis, variance = prior()
        flat = x.reshape(-1, TILE * TILE) @ basis
        return ((flat * (variance / (variance + np.float32(sigma) ** 2))) @ basis.T).reshape(x.shape)


class FreeOracleModel:
    """A tile model without weights that is told nothing."""

    FACTS = ModelFacts(bands=BANDS, factor=None, margin=0, multiple=TILE, conditioned=False)
    nbytes = 0

    def bind(self, cond: Cond) -> FreeOracleTiles:
        return FreeOracleTiles(np.zeros(1, np.float32))


class OracleModel:
    """A tile model without weights."""

    FACTS = FACTS
    nbytes = 0

    def bind(self, cond: Cond) -> OracleTiles:
        gain, _, _ = posterior()
        flat = cond.parent.reshape(-1, (TILE // 4) ** 2) / np.float32(SCALE)
        tiles, bands = cond.parent.shape[:2]
        return OracleTiles((flat @ gain.T).reshape(tiles, bands, TILE, TILE))
