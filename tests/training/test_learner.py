"""What the critic is shown: the real child of every example's real parent, and one that is drawn."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from training.critic import Critic
from training.crops import Crops
from training.detail import detail_of, given, noise_of, seeded
from training.learner import SETTINGS, WEIGHTS, Learner, Lesson
from training.schedule import Phase
from training.stream import Examples, examples
from training_scenes import scene, smooth

from training import losses

PHASE = Phase(5, 32, 2)
REAL = 3
"""Examples of the phase with real parents; they come first."""


class Seen(Critic):
    """A critic that remembers what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[tuple[Tensor, ...]] = []

    def forward(self, detail: Tensor, given: Tensor, gsd_m: Tensor, aspect: Tensor) -> list[Tensor]:
        self.shown.append(tuple(x.detach() for x in (detail, given, gsd_m, aspect)))
        return super().forward(detail, given, gsd_m, aspect)


@pytest.fixture(scope="module")
def made() -> Examples:
    pixels = smooth(700, 660, 1) // 2 + 40
    crops = Crops([scene("landsat", pixels, water=pixels[1])], SETTINGS, torch.Generator())
    return next(examples(crops, PHASE, 7, 0, 0))


@pytest.fixture(scope="module")
def critic() -> Seen:
    return Seen()


@pytest.fixture(scope="module")
def found(made: Examples, critic: Seen) -> dict[str, Tensor]:
    """The losses of a step."""
    learner = Learner(torch.device("cpu"))
    learner.critic = critic
    assert made.drawn is not None
    older = tuple(noise_of(made.drawn, seeded(k)) for k in (1, 2))
    noise = torch.randn(2 * PHASE.examples, 3, 32, 32, generator=seeded(3))
    rates = torch.tensor([1e-4, 1e-4, 1.0, 0.1])
    return learner.learn(Lesson(made, noise, older, losses.directions(seeded(4)), rates))


@pytest.fixture(scope="module")
def shown(critic: Seen, found: dict[str, Tensor]) -> list[tuple[Tensor, ...]]:
    return critic.shown


def test_all_that_has_a_weight_is_learnt(found: dict[str, Tensor]) -> None:
    assert found.keys() == {"critic", *WEIGHTS}
    assert all(bool(value.isfinite()) for value in found.values())


def test_the_critic_learns_from_as_many_drawn_as_real(
    made: Examples, shown: list[tuple[Tensor, ...]]
) -> None:
    assert made.drawn is not None
    batch = made.real.joined(made.drawn.youngest)
    detail, seen, gsd_m, aspect = shown[0]
    real, drawn = seen.chunk(2)
    truth = given(batch, SETTINGS)
    assert torch.equal(detail.chunk(2)[0], detail_of(batch.child, truth, SETTINGS.factor))
    assert torch.equal(real, truth.shown)
    # Examples with real parents are drawn from the same, the others from parents that are drawn.
    assert torch.equal(drawn[:REAL], real[:REAL])
    assert all(not torch.equal(a, b) for a, b in zip(drawn[REAL:], real[REAL:], strict=True))
    assert torch.equal(gsd_m, batch.gsd_m.repeat(2))
    assert torch.equal(aspect, batch.aspect.repeat(2))


def test_the_network_deceives_it_with_what_it_has_learnt_from(shown: list[tuple[Tensor, ...]]) -> None:
    learnt, deceived = shown
    for one, other in zip(learnt, deceived, strict=True):
        assert torch.equal(one.chunk(2)[1], other)
