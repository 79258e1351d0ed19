"""What the network is taught: to fool the critic, the texture of the real, to be as sure as it can be."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

LEVELS, FILTERS, SIDE = 3, 24, 7
LEAST_SPREAD = 0.05
"""Texture is measured in units of its spread and not less than this, so that flat water counts little."""
PATCHES = 1, 4
"""Sides, in pixels, of the patches that the energy score compares."""


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

    `drawn` may hold every picture of `real` several times, the batch again and again.
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
        unit, b = (x.repeat(len(a) // len(b), 1, 1) for x in (unit, b))
        distances.append(((a - b).abs() / unit).mean())
    return torch.stack(distances).mean()


def energy(one: Tensor, other: Tensor, real: Tensor, paired: int) -> Tensor:
    """Return the energy score of two drawings of the first `paired` examples, over patches, scale by scale.

    It is least where drawings have the true distribution given the parent: what the parent decides, an edge, is
    drawn as it is, and what it leaves open differs as much as it should. A mean squared error would blur it,
    an adversary alone may ignore the noise. Every scale is scored by itself too, in units of its spread: in a
    norm of all of them the coarsest outweighs the others. Source: Gneiting and Raftery 2007
    (doi:10.1198/016214506000001437), equation 22.
    """
    images = [x[:paired] for x in (one, other, real)]
    scores = []
    for a, b, x in [tuple(images), *zip(*map(_bands, images), strict=True)]:
        unit = x.std((1, 2, 3), keepdim=True) + LEAST_SPREAD
        for side in PATCHES:
            score = _norms(a - x, side) + _norms(b - x, side) - _norms(a - b, side)
            scores.append((score / unit).mean() / 2)
    return torch.stack(scores).mean()


def _norms(difference: Tensor, side: int) -> Tensor:
    """Return the root mean square of every patch of `side` x `side` pixels."""
    squares = difference.square().mean(1, keepdim=True)
    return (F.avg_pool2d(squares, side, max(1, side // 2)) + 1e-5).sqrt()


def _bands(x: Tensor) -> Iterator[Tensor]:
    for _ in range(LEVELS):
        half = F.avg_pool2d(x, 2)
        yield x - F.interpolate(half, scale_factor=2, mode="bilinear", align_corners=False)
        x = half
