"""Models that only say what they are, for worlds that are never drawn; and one that cannot compute."""

from __future__ import annotations

import numpy as np

from geoinfinite.diffusion.model import Array, Cond, ModelFacts
from geoinfinite.models.analytic.gaussian import GaussianModel, GaussianTiles


class Wide:
    """A latent model of 8 px that is told a parent, and wants tiles of whole 16 px."""

    FACTS = ModelFacts(bands=3, factor=4, margin=1, multiple=16, latent=8, channels=4, halo=16)


class Bandless:
    """A model that is told nothing and draws as many bands as it is asked for."""

    FACTS = ModelFacts(bands=None, factor=None, margin=0, multiple=1, conditioned=False)


class BrokenTiles(GaussianTiles):
    def denoise(self, x: Array, sigma: float) -> Array:
        return x * np.float32(np.nan)


class Broken(GaussianModel):
    """A model whose answers are not numbers."""

    def bind(self, cond: Cond) -> GaussianTiles:
        return BrokenTiles(super().bind(cond).base)
