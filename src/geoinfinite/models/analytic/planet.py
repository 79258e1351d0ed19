"""An unconditional planet without weights: three Gaussian fields, and a map of them to colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from geoinfinite.diffusion.model import Array, Cond, ModelFacts
from geoinfinite.models.analytic.stationary import shrink

LENGTHS_PX = 24.0, 10.0, 16.0
"""Correlation lengths of height, vegetation and brightness."""
COAST = 6.0
"""How much faster than elsewhere colours change where the height passes through sea level."""
COLOURS = np.array([[0.30, -0.12, 0.16], [0.24, 0.06, 0.14], [-0.10, -0.10, 0.15]], np.float32)
"""What height, vegetation and brightness add to red, green and blue, before the curve that bounds them."""
SEA = np.array([-0.85, -0.5, -0.35], np.float32)[:, None]
"""The colour of the coast, before that curve."""
BRIGHTEST = np.float32(1 - 1e-6)


@dataclass(frozen=True, slots=True)
class PlanetTiles:
    """Tiles whose state is height, vegetation and brightness, each a unit Gaussian field."""

    def state(self, field: Array) -> Array:
        """Return the field itself: this model computes in NumPy."""
        return field

    def field(self, x: Array) -> Array:
        """Return the state itself."""
        return x

    def denoise(self, x: Array, sigma: float) -> Array:
        """Return the posterior mean, exactly."""
        return shrink(x, sigma, LENGTHS_PX)

    def image(self, x0: Array) -> Array:
        """Return colours: one to one, pixel by pixel, steep across the coast, within (-1, 1)."""
        steep = np.arcsinh(COAST * x0[:, :1])
        mixed = np.concatenate([steep, x0[:, 1:]], axis=1).reshape(len(x0), 3, -1)
        return np.asarray(np.tanh(COLOURS @ mixed + SEA).reshape(x0.shape), np.float32)

    def encode(self, image: Array) -> Array:
        """Return the state of given colours: undoes `image`, up to rounding of black and white."""
        flat = image.reshape(len(image), 3, -1)
        mixed = np.linalg.inv(COLOURS) @ (np.arctanh(flat.clip(-BRIGHTEST, BRIGHTEST)) - SEA)
        mixed[:, 0] = np.sinh(mixed[:, 0]) / np.float32(COAST)
        return np.asarray(mixed.reshape(image.shape), np.float32)


@dataclass(frozen=True, slots=True)
class PlanetModel:
    """Land and sea without a parent: what ``root = "generated"`` needs."""

    FACTS: ClassVar = ModelFacts(bands=3, factor=None, margin=0, multiple=1, conditioned=False)

    nbytes: ClassVar[int] = 0
    """There are no weights."""

    def bind(self, cond: Cond) -> PlanetTiles:
        """Return the denoiser; the same everywhere."""
        return PlanetTiles()
