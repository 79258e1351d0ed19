"""A model without weights whose denoiser is known in closed form: for tests, documentation, benchmarks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from geoinfinite.diffusion.model import Array, Cond, ModelFacts
from geoinfinite.errors import ModelError
from geoinfinite.plane.resample import mean_exact_upsampler

FACTOR = 4
FACTS = ModelFacts(bands=None, factor=FACTOR, margin=2, multiple=4)
LENGTH_PX, DEVIATION = 5.0, 0.12


@lru_cache(maxsize=8)
def cosine_spectrum(side: int) -> tuple[Array, Array]:
    """Return the orthonormal DCT-II basis ``(frequency, pixel)`` of an axis and its variances.

    The variances are those of an exponential correlation of ``LENGTH_PX`` pixels, normalised to
    a mean of one.
    """
    k, n = np.arange(side)[:, None], np.arange(side)
    basis = np.cos(np.pi * k * (n + 0.5) / side) * np.sqrt((2 - (k == 0)) / side)
    rho = np.exp(-1 / LENGTH_PX)
    variance = 1 / (1 + rho**2 - 2 * rho * np.cos(np.pi * np.arange(side) / side))
    return basis.astype(np.float32), (variance / variance.mean()).astype(np.float32)


@dataclass(frozen=True, slots=True)
class GaussianTiles:
    """Tiles whose detail is a Gaussian field: E[x0 | x0 + sigma eps] is a linear shrinkage."""

    base: Array

    def state(self, field: Array) -> Array:
        """Return the field itself: this model computes in NumPy."""
        return field

    def field(self, x: Array) -> Array:
        """Return the state itself."""
        return x

    def denoise(self, x: Array, sigma: float) -> Array:
        """Return ``V (l / (l + sigma^2)) V^T x`` in the cosine basis V with variances l."""
        basis, variance = cosine_spectrum(x.shape[-1])
        power = np.outer(variance, variance)
        shrink = (power / (power + np.float32(sigma) ** 2)).astype(np.float32)
        coefficients = basis @ x @ basis.T
        return np.asarray(basis.T @ (coefficients * shrink) @ basis, np.float32)

    def image(self, x0: Array) -> Array:
        """Return the upsampled parent plus the detail."""
        return self.base + np.float32(DEVIATION) * x0

    def encode(self, image: Array) -> Array:
        """Return the detail that an image adds to the upsampled parent."""
        return (image - self.base) / np.float32(DEVIATION)


@dataclass(frozen=True, slots=True)
class GaussianModel:
    """Detail of a fixed correlation length and deviation on the smoothly upsampled parent."""

    FACTS: ClassVar = FACTS

    nbytes: ClassVar[int] = 0
    """There are no weights."""

    def bind(self, cond: Cond) -> GaussianTiles:
        """Return the denoiser of a batch of tiles."""
        if cond.parent is None:
            raise ModelError("analytic:gaussian is told a parent; take analytic:planet where there is none")
        side, crop = cond.parent.shape[-1], FACTS.margin * FACTOR
        rows = mean_exact_upsampler(side, FACTOR)[crop:-crop]
        return GaussianTiles(np.asarray(rows @ cond.parent @ rows.T, np.float32))
