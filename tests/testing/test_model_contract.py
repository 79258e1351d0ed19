"""The bundled models keep the contract that anybody's models can run; a model that breaks it is caught."""

from __future__ import annotations

import numpy as np
import pytest

from geoinfinite.diffusion.model import Array, Cond
from geoinfinite.models.analytic.gaussian import GaussianModel, GaussianTiles
from geoinfinite.models.reference import ModelReference
from geoinfinite.testing import ModelContract


class TestGaussian(ModelContract):
    def reference(self) -> ModelReference:
        return ModelReference("analytic:gaussian")


class TestLatent(ModelContract):
    def reference(self) -> ModelReference:
        return ModelReference("analytic:latent")


class TestPlanet(ModelContract):
    def reference(self) -> ModelReference:
        return ModelReference("analytic:planet")


class TestLatentPlanet(ModelContract):
    def reference(self) -> ModelReference:
        return ModelReference("analytic:latent-planet")


@pytest.mark.slow
class TestEarth(ModelContract):
    batch = 2

    def reference(self) -> ModelReference:
        return ModelReference("bundled:earth-small")


class Gossiping(GaussianModel):
    """A model whose tiles know one another."""

    def bind(self, cond: Cond) -> GaussianTiles:
        return GossipingTiles(super().bind(cond).base)


class GossipingTiles(GaussianTiles):
    def denoise(self, x: Array, sigma: float) -> Array:
        return super().denoise(x, sigma) + np.float32(1e-3) * x[:1]


def test_a_model_whose_tiles_know_one_another_is_caught() -> None:
    class Mine(TestGaussian):
        def model(self) -> Gossiping:
            return Gossiping()

    with pytest.raises(AssertionError, match="Arrays are not equal"):
        Mine().test_a_tile_does_not_depend_on_its_neighbours_in_the_batch()
