"""What the network is taught: closed forms, and which of two errors counts more."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor
from training.critic import Critic
from training_scenes import smooth

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
    return float(losses.texture(one, other, Generator().manual_seed(seed)))


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
    assert mean_distance(with_other_phases(image, 4)) > 1.3 * elsewhere
    assert mean_distance(blurred) > 1.3 * elsewhere
    assert mean_distance(0.5 * image) > 1.3 * elsewhere


def test_texture_is_seeded_and_leads_to_the_spread_of_the_real() -> None:
    image = detail(1)
    assert distance(detail(2), image, 5) == distance(detail(2), image, 5)
    assert distance(detail(2), image, 5) != distance(detail(2), image, 6)
    drawn = (0.2 * detail(2)).requires_grad_()
    losses.texture(drawn, image, Generator().manual_seed(3)).backward()
    assert drawn.grad is not None
    assert float((drawn.grad * drawn.detach()).sum()) < 0


def test_the_critics_loss_has_the_closed_form() -> None:
    real = [torch.tensor([[2.0, 0.5]]), torch.tensor([[-1.0]])]
    drawn = [torch.tensor([[-3.0, 1.0]]), torch.tensor([[-0.25]])]
    # (0 + 0.5) / 2 + (0 + 2) / 2 = 1.25 at one scale, 2 + 0.75 at the other.
    assert float(losses.hinge(real, drawn)) == pytest.approx((1.25 + 2.75) / 2)
    assert float(losses.deceit(drawn)) == pytest.approx((1.0 + 0.25) / 2)


def test_two_equal_drawings_fall_short_and_two_unrelated_ones_do_not() -> None:
    real, one, other = (detail(seed) for seed in (1, 2, 3))
    assert float(losses.sameness(one, one, real)) == pytest.approx(losses.SHARE_OF_DIFFERENCE)
    assert float(losses.sameness(one, other, real)) < 0.1
    power = real.square().mean((1, 2, 3), keepdim=True) + 1e-3
    apart = one + (0.5 * 2 * power).sqrt()
    assert float(losses.sameness(one, apart, real)) == pytest.approx(
        losses.SHARE_OF_DIFFERENCE - 0.5, abs=1e-5
    )


def test_only_known_parent_pixels_with_both_water_and_land_count_for_shores() -> None:
    share = torch.full((1, 1, 16, 24), -1.0)
    share[..., 12:] = 1.0
    share[..., 4:8, 13] = -1.0
    water = torch.cat([share, torch.ones_like(share)], 1)
    real = smooth(16, 24, 5)[None].float() / 127.5 - 1
    error = torch.zeros_like(real)
    error[..., 4:8, 12:16] = 0.5
    mixed = 16
    expected = 3 * mixed * 0.5 / (3 * mixed + 1e3)
    assert float(losses.shore(real + error, real, water, 4)) == pytest.approx(expected, rel=1e-4)
    elsewhere = torch.full_like(real, 0.5) * (error == 0)
    assert float(losses.shore(real + elsewhere, real, water, 4)) == 0.0
    unknown = torch.cat([share * 0, share * 0], 1)
    assert float(losses.shore(real + error, real, unknown, 4)) == 0.0


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
