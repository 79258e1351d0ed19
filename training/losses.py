"""What the network is taught: to fool the critic, the texture of the real, to be as sure as it can be."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

LEVELS, FILTERS, BANDS, SIDE = 2, 24, 3, 7
"""Scales, the finest first: of blocks of 4 x 4 pixels detail has no mean, so a third would be empty."""
LEAST_SPREAD = 0.05
"""Texture is measured in units of its spread and not less than this, so that flat water counts little."""
MOST_GROUPS, SMALLEST_GROUP = 8, 4
"""Parts of a batch, by resolution, whose pictures are compared with each other."""
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


def directions(generator: Generator) -> tuple[Tensor, ...]:
    """Return random filters (filter, band, SIDE, SIDE) per level, the finest first, to project patches on.

    Those of the finest level see every second patch, which is as good as all and sorted in a quarter of the
    time. Where the first one begins is random: they are padded by a row and a column for it.
    """
    shape = (LEVELS, FILTERS, BANDS, SIDE, SIDE)
    filters = torch.randn(shape, generator=generator)
    filters = filters - filters.mean((3, 4), keepdim=True)
    filters = filters / filters.flatten(2).norm(dim=2)[..., None, None, None]
    row, column = torch.randint(2, (2,), generator=generator).tolist()
    finest, *coarser = filters
    return F.pad(finest, (column, 1 - column, row, 1 - row)), *coarser


def texture(drawn: Tensor, real: Tensor, gsd_m: Tensor, filters: tuple[Tensor, ...]) -> Tensor:
    """Return the sliced Wasserstein distance of small patches, scale by scale.

    Half of it compares picture with picture, half all pictures of like resolution (`gsd_m`, of `real`) with
    each other: the first alone is least for the usual strength of detail given the parent, which is weaker
    than the mean power of weak and strong. `drawn` holds every picture of `real` twice, the batch again.
    `filters` are `directions`, new at every call (Heitz et al. 2021, arXiv:2006.07229, for textures).
    """
    alike = gsd_m.argsort().chunk(min(MOST_GROUPS, max(1, len(real) // SMALLEST_GROUP)))
    distances = []
    for level, (ours, theirs) in enumerate(zip(_bands(drawn), _bands(real), strict=True)):
        apart = 2 if level == 0 else 1
        a, b = (F.conv2d(x, filters[level], stride=apart).flatten(2) for x in (ours, theirs))
        distances.append(_transport(a, b))
        for group in alike:
            pooled = (_pooled(half[group]) for half in a.chunk(2))
            distances.append(_transport(torch.stack(list(pooled)), _pooled(b[group])[None]) / len(alike))
    return torch.stack(distances).sum() / (2 * LEVELS)


def power(drawn: Tensor, real: Tensor) -> Tensor:
    """Return how far the mean power of drawn detail is from that of the real, by scale and band.

    `drawn` holds every picture of `real` twice, the batch again. The square of a difference would also be
    smaller for drawings of less various power; the product of the differences of two independent drawings
    is, on average, least where their mean power is the one expected of the real, given the parent.
    """
    ours, others = _powers(drawn).chunk(2)
    theirs = _powers(real)
    unit = theirs.mean(0) + LEAST_SPREAD**2
    return ((ours - theirs) * (others - theirs) / unit**2).mean()


def _powers(images: Tensor) -> Tensor:
    """Return the mean square (B, scale, band) of every picture."""
    return torch.stack([x.square().mean((2, 3)) for x in _bands(images)], 1)


def _pooled(values: Tensor) -> Tensor:
    """Return values (filter, all) of all pictures (B, filter, one) together."""
    return values.transpose(0, 1).flatten(1)


def _transport(a: Tensor, b: Tensor) -> Tensor:
    """Return the distance of values (2 B, filter, value) to (B, filter, value), in units of their spread."""
    a, b = a.sort(-1)[0], b.sort(-1)[0]
    unit = b.std(-1).mean() + LEAST_SPREAD
    return (a - b.repeat(2, 1, 1)).abs().mean() / unit


def energy(drawn: Tensor, real: Tensor, paired: int) -> Tensor:
    """Return the energy score of two drawings of the first `paired` examples, over patches, scale by scale.

    `drawn` holds every picture of `real` twice, the batch again.

    It is least where drawings have the true distribution given the parent: what the parent decides, an edge,
    is drawn as it is, and what it leaves open differs as much as it should. A mean squared error would blur
    it, an adversary alone may ignore the noise. Every scale is scored by itself too, in units of its mean
    spread: in a norm of all of them the coarsest outweighs the others. Source: Gneiting and Raftery 2007
    (doi:10.1198/016214506000001437), equation 22.
    """
    images = [x[:paired] for x in (*drawn.chunk(2), real)]
    scores = []
    for a, b, x in [tuple(images), *zip(*map(_bands, images), strict=True)]:
        unit = x.std((1, 2, 3)).mean() + LEAST_SPREAD
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
