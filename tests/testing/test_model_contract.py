"""The bundled models keep the contract that anybody's models can run; a model that breaks it is caught."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from earth_networks import write_flow_network

from geoinfinite.diffusion.model import Array, Cond
from geoinfinite.models.analytic.conditional import ConditionalModel, ConditionalTiles
from geoinfinite.models.analytic.gaussian import GaussianModel, GaussianTiles
from geoinfinite.models.reference import ModelReference
from geoinfinite.testing import ModelContract, SteeredModelContract


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


class TestConditional(SteeredModelContract):
    def reference(self) -> ModelReference:
        return ModelReference("analytic:conditional")


class TestConditionalLatent(SteeredModelContract):
    def reference(self) -> ModelReference:
        return ModelReference("analytic:conditional-latent")


@pytest.mark.slow
class TestEarth(SteeredModelContract):
    batch = 2

    def reference(self) -> ModelReference:
        return ModelReference("bundled:earth-small")


class TestFlow(ModelContract):
    batch = 2

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = write_flow_network(tmp_path / "flow")

    def reference(self) -> ModelReference:
        return ModelReference(str(self.folder))


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


class Forgetful(ConditionalModel):
    """A model whose tiles hold on to what they were told first."""

    def bind(self, cond: Cond) -> ConditionalTiles:
        return ForgetfulTiles(dict(cond.told), dict(cond.strength))


class ForgetfulTiles(ConditionalTiles):
    def retold(self, changes: object) -> ConditionalTiles:
        return self


class Loud(ConditionalModel):
    """A model that does not know how strongly it is told."""

    def bind(self, cond: Cond) -> ConditionalTiles:
        return ConditionalTiles(dict(cond.told), {})


class Deaf(ConditionalModel):
    """A model that is told nothing whatever one tells it."""

    def bind(self, cond: Cond) -> ConditionalTiles:
        return DeafTiles(dict(cond.told), {})


class DeafTiles(ConditionalTiles):
    def of(self, slot: str, tile: int) -> None:
        return None


class AllEars(ConditionalModel):
    """A model whose tiles are all told what the last one is."""

    def bind(self, cond: Cond) -> ConditionalTiles:
        return AllEarsTiles(dict(cond.told), dict(cond.strength))


class AllEarsTiles(ConditionalTiles):
    def of(self, slot: str, tile: int) -> object:
        return super().of(slot, -1)


@pytest.mark.parametrize(
    ("broken", "law"),
    [
        (Forgetful, "test_retold_is_bound_anew_and_leaves_the_first_as_it_was"),
        (Forgetful, "test_nothing_told_is_a_slot_left_out"),
        (Loud, "test_strength_0_is_nothing_told"),
        (AllEars, "test_a_tile_retold_leaves_the_others"),
        (AllEars, "test_a_tile_does_not_depend_on_its_neighbours_in_the_batch"),
    ],
)
def test_a_model_that_breaks_a_law_of_slots_is_caught(broken: type[ConditionalModel], law: str) -> None:
    class Mine(TestConditional):
        def model(self) -> ConditionalModel:
            return broken()

    with pytest.raises(AssertionError, match="Arrays are not equal"):
        getattr(Mine(), law)()


def test_a_model_that_is_deaf_is_caught() -> None:
    class Mine(TestConditional):
        def model(self) -> ConditionalModel:
            return Deaf()

    with pytest.raises(AssertionError, match="prompt"):
        Mine().test_what_is_told_matters()
