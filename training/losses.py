"""What the network is taught: to fool the critic, the texture of the real, to differ, to keep shores."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

LEVELS, FILTERS, SIDE = 3, 24, 5
LEAST_SPREAD = 0.05
"""Texture is measured in units of its spread and not less than this, so that flat water counts little."""
SHARE_OF_DIFFERENCE = 0.85
"""Two drawings from one parent should differ by this share of what two unrelated details would."""


def hinge(real: list[Tensor], drawn: list[Tensor]) -> Tensor:
    """Return the critic's loss (Lim and Ye 2017, arXiv:1705.02894)."""
    pairs = zip(real, drawn, strict=True)
    losses = [F.relu(1 - r.float()).mean() + F.relu(1 + d.float()).mean() for r, d in pairs]
    return torch.stack(losses).mean()


def deceit(drawn: list[Tensor]) -> Tensor:
    """Return the network's adversarial loss."""
    return -torch.stack([d.float().mean() for d in drawn]).mean()


def texture(drawn: Tensor, real: Tensor, generator: Generator) -> Tensor:
    """Return the sliced Wasserstein distance of small patches, picture by picture, scale by scale.

    The directions are random and new at every call (Heitz et al. 2021, arXiv:2006.07229, for textures).
    """
    filters = torch.randn(FILTERS, drawn.shape[1], SIDE, SIDE, generator=generator).to(drawn)
    filters = filters - filters.mean((2, 3), keepdim=True)
    filters = filters / filters.flatten(1).norm(dim=1)[:, None, None, None]
    distances = []
    for level, (ours, theirs) in enumerate(zip(_bands(drawn), _bands(real), strict=True)):
        # A quarter of the finest patches, at a random phase, is as good and sorted in a quarter of the time.
        apart = 2 if level == 0 else 1
        row, column = torch.randint(apart, (2,), generator=generator).tolist()
        parts = (x[..., row:, column:] for x in (ours, theirs))
        a, b = (F.conv2d(x, filters, stride=apart).flatten(2).sort(-1)[0] for x in parts)
        unit = b.std(-1, keepdim=True) + LEAST_SPREAD
        distances.append(((a - b).abs() / unit).mean())
    return torch.stack(distances).mean()


def sameness(one: Tensor, other: Tensor, real: Tensor) -> Tensor:
    """Return how far two drawings from one parent fall short of differing as they should."""
    unrelated = 2 * (real.square().mean((1, 2, 3)) + 1e-3)
    return F.relu(SHARE_OF_DIFFERENCE - (one - other).square().mean((1, 2, 3)) / unrelated).mean()


def shore(drawn: Tensor, real: Tensor, water: Tensor, factor: int) -> Tensor:
    """Return the mean error in parent pixels that hold both water and land, where the water is known."""
    share = F.avg_pool2d(water[:, :1], factor).abs() < 0.96
    mixed = share & (F.avg_pool2d(water[:, 1:], factor) > 0.99)
    weight = F.interpolate(mixed.float(), scale_factor=factor, mode="nearest")
    return ((drawn - real).abs() * weight).sum() / (3 * weight.sum() + 1e3)


def _bands(x: Tensor) -> Iterator[Tensor]:
    for _ in range(LEVELS):
        half = F.avg_pool2d(x, 2)
        yield x - F.interpolate(half, scale_factor=2, mode="bilinear", align_corners=False)
        x = half
