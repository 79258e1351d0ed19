"""What the network is taught: closed forms, and which of two errors counts more."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor
from training.critic import Critic

from training import losses


def detail(seed: int, shape: tuple[int, ...] = (2, 3, 64, 48)) -> Tensor:
    """Detail of a few bright fields with sharp edges, whose phases matter."""
    random = np.random.default_rng(seed)
    values = 0.05 * random.normal(size=shape)
    for image in values:
        for _ in range(14):
            y, x = random.integers(0, shape[2] - 12), random.integers(0, shape[3] - 9)
            image[:, y : y + 12, x : x + 9] += random.normal(size=(shape[1], 1, 1))
    return torch.from_numpy(values - values.mean()).float()


def with_other_phases(image: Tensor, seed: int) -> Tensor:
    """The same spectrum, the phases of noise."""
    phases = torch.fft.rfft2(torch.from_numpy(np.random.default_rng(seed).normal(size=image.shape))).angle()
    return torch.fft.irfft2(torch.fft.rfft2(image).abs() * torch.exp(1j * phases), s=image.shape[-2:]).float()


def distance(one: Tensor, other: Tensor, seed: int = 3) -> float:
    gsd_m = torch.linspace(30.0, 90.0, len(other))
    return float(
        losses.texture(one.repeat(2, 1, 1, 1), other, gsd_m, losses.directions(Generator().manual_seed(seed)))
    )


def test_equal_pictures_have_no_distance() -> None:
    image = detail(1)
    assert distance(image, image.clone()) == 0.0
    assert distance(image[:1], image[1:]) > 0.05


def test_the_same_elsewhere_is_nearer_than_other_phases_and_blur() -> None:
    image = detail(1)
    blurred = F.avg_pool2d(F.pad(image, (1, 1, 1, 1), mode="replicate"), 3, 1)

    def mean_distance(other: Tensor) -> float:
        return sum(distance(other, image, seed) for seed in range(5)) / 5

    elsewhere = mean_distance(image.roll((8, 16), (2, 3)))
    assert mean_distance(with_other_phases(image, 4)) > 1.2 * elsewhere
    assert mean_distance(blurred) > 1.3 * elsewhere
    assert mean_distance(0.5 * image) > 1.3 * elsewhere


def test_texture_is_seeded_and_leads_to_the_spread_of_the_real() -> None:
    image = detail(1)
    assert distance(detail(2), image, 5) == distance(detail(2), image, 5)
    assert distance(detail(2), image, 5) != distance(detail(2), image, 6)
    drawn = (0.2 * detail(2)).requires_grad_()
    twice = torch.cat([drawn, 0.9 * drawn])
    filters = losses.directions(Generator().manual_seed(3))
    losses.texture(twice, image, torch.tensor([30.0, 60.0]), filters).backward()
    assert drawn.grad is not None
    assert float((drawn.grad * drawn.detach()).sum()) < 0


def test_pictures_of_like_resolution_may_exchange_their_detail() -> None:
    # Four fine and four coarse pictures; the strong ones are every other one, or the coarse ones.
    images = torch.cat([detail(seed)[:1] for seed in range(8)])
    every_other = torch.tensor([0.2, 1.0] * 4)[:, None, None, None] * images
    coarse = torch.tensor([0.2] * 4 + [1.0] * 4)[:, None, None, None] * images
    exchanged = distance(every_other.flip(0), every_other), distance(coarse.flip(0), coarse)
    assert exchanged[0] < 0.8 * exchanged[1]


def test_the_critics_loss_has_the_closed_form() -> None:
    real = [torch.tensor([[2.0, 0.5]]), torch.tensor([[-1.0]])]
    drawn = [torch.tensor([[-3.0, 1.0]]), torch.tensor([[-0.25]])]
    # (0 + 0.5) / 2 + (0 + 2) / 2 = 1.25 at one scale, 2 + 0.75 at the other.
    assert float(losses.hinge(real, drawn)) == pytest.approx((1.25 + 2.75) / 2)
    assert float(losses.deceit(drawn)) == pytest.approx((1.0 + 0.25) / 2)


def test_the_energy_score_has_the_closed_form() -> None:
    real = torch.zeros(2, 3, 16, 16)
    one, other = real + 3.0, real - 1.0
    # Distances 3 and 1 from the real, 4 from each other; the second example is twice as far, and not paired.
    # Differences without detail count once, in the least unit, and not at the scales.
    one[1], other[1] = 6.0, -2.0
    share = 1 / losses.LEAST_SPREAD / (1 + losses.LEVELS)
    assert float(losses.energy(torch.cat([one, other]), real, 1)) == pytest.approx(
        share * (3 + 1 - 4) / 2, abs=0.05
    )
    assert float(losses.energy(torch.cat([one, one]), real, 1)) == pytest.approx(share * 3, rel=0.01)
    assert float(losses.energy(torch.cat([one, one]), real, 2)) == pytest.approx(
        share * (3 + 6) / 2, rel=0.01
    )


def test_the_energy_score_is_least_for_the_true_distribution() -> None:
    # Left of the middle the parent decides the detail, right of it nothing.
    random = np.random.default_rng(4)

    def draw(spread: float, sure: float = 0.0) -> Tensor:
        open_half = spread * random.normal(size=(6, 3, 32, 24))
        sure_half = known + sure * random.normal(size=known.shape)
        return torch.from_numpy(np.concatenate([sure_half, open_half], 3)).float()

    known = random.normal(size=(6, 3, 32, 24))
    real = draw(1.0)

    def score(spread: float, sure: float = 0.0) -> float:
        return float(losses.energy(torch.cat([draw(spread, sure), draw(spread, sure)]), real, 6))

    truth = score(1.0)
    assert truth < score(0.0) - 0.05
    assert truth < score(2.0) - 0.02
    assert truth < score(1.0, sure=0.5) - 0.03


def chequered(*powers: float) -> Tensor:
    """Pictures that have this power at the finest scale and none at any other."""
    rows, columns = torch.meshgrid(torch.arange(16), torch.arange(24), indexing="ij")
    signs = 1.0 - 2.0 * ((rows + columns) % 2)
    return torch.tensor(powers).sqrt()[:, None, None, None] * signs.expand(1, 3, 16, 24)


def test_power_has_the_closed_form() -> None:
    # Differences of -0.5 and 1.5 at the first picture, 1 and 3 at the second; a mean power of 2.
    found = losses.power(chequered(0.5, 4.0, 2.5, 6.0), chequered(1.0, 3.0))
    unit = 2.0 + losses.LEAST_SPREAD**2
    assert float(found) == pytest.approx((-0.5 * 1.5 + 1 * 3) / 2 / unit**2 / losses.LEVELS, rel=1e-5)


def test_power_asks_for_the_expected_power_and_not_for_less_variety() -> None:
    # Real pictures of one kind of parent have a power of 0.2 or 1.8.
    real = (0.2, 1.8, 0.2, 1.8)

    def loss(*powers: float) -> float:
        return float(losses.power(chequered(*powers), chequered(*real)))

    expected = loss(*8 * (1.0,))
    assert loss(*8 * (0.6,)) > expected + 0.05  # the usual power, which a mean of logarithms asks for
    assert loss(*8 * (1.4,)) > expected + 0.05
    # Drawings of power 0.5 or 1.5, whatever the other is, are as good as those of power 1.
    varied = loss(0.5, 0.5, 1.5, 1.5, 0.5, 0.5, 1.5, 1.5), loss(0.5, 0.5, 1.5, 1.5, 1.5, 1.5, 0.5, 0.5)
    assert sum(varied) / 2 == pytest.approx(expected, abs=1e-5)


@pytest.fixture(scope="module")
def critic() -> Critic:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return Critic((16, 24, 32), 12)


def test_the_critic_judges_at_three_scales(critic: Critic) -> None:
    logits = critic(
        detail(1), torch.zeros(2, 8, 64, 48), torch.tensor([3.0, 900.0]), torch.tensor([1.0, 2.0])
    )
    assert [tuple(x.shape) for x in logits] == [(2, 1, 32, 24), (2, 1, 16, 12), (2, 1, 8, 6)]


def test_the_critic_hears_all_that_it_is_told(critic: Critic) -> None:
    critic.eval()
    image, shown, gsd_m, aspect = detail(1), torch.zeros(2, 8, 64, 48), torch.full((2,), 30.0), torch.ones(2)
    told = critic(image, shown, gsd_m, aspect)
    for other in (
        (detail(2), shown, gsd_m, aspect),
        (image, shown + (torch.arange(8) == 7)[:, None, None], gsd_m, aspect),
        (image, shown, gsd_m * 2, aspect),
        (image, shown, gsd_m, aspect * 2),
    ):
        assert all(not torch.allclose(a, b, atol=1e-6) for a, b in zip(told, critic(*other), strict=True))


def test_the_critic_does_not_look_beyond_its_limit(critic: Critic) -> None:
    critic.eval()
    image = 1000 * detail(1).sign()
    given = torch.zeros(2, 8, 64, 48), torch.full((2,), 30.0), torch.ones(2)
    for a, b in zip(critic(image, *given), critic(2 * image, *given), strict=True):
        assert torch.allclose(a, b, atol=1e-5)
