"""How crops are changed so that a network does not learn their sources by heart."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from training.batch import to_bytes
from training.chance import below, uniform
from training.labels import LARGEST_ASPECT
from training.layer import Layer
from training.scene import Scene

RECOLOUR_SHARE = 0.35
"""Share of crops of finer sources that take a colour of the Blue Marble's land."""
SQUASHED_SHARE = 0.3
"""Share of the crops of square pixels that are squashed from north to south, as plate carree does."""
NOISY_SHARE, MOST_NOISE = 0.3, 0.012
"""Share of parents with noise, and its largest standard deviation: 1.5 counts of 255."""


def colours_of_land(globe: Scene) -> Tensor:
    """Return colours (N, 3) of the globe that crops of other sources may take."""
    dry = globe.usable if globe.water is None else globe.usable & (globe.water < 128)
    land = globe.pixels[:, dry].T.float()[::97]
    brightness = land.mean(1)
    return land[(brightness > 15) & (brightness < 190)]


def recoloured(picture: Tensor, colours: Tensor, generator: Generator) -> Tensor:
    """Move the mean of a picture (3, S, S) towards one of the colours, and change its contrast."""
    own = picture.mean((1, 2))
    other = colours[below(len(colours), generator)]
    mean = own + uniform(generator) * (other - own)
    gain = math.exp(math.log(0.7) + uniform(generator) * math.log(2.0))
    moved = mean[:, None, None] + gain * (picture - own[:, None, None])
    return moved.round().clamp(0, 255)


def squashed(layer: Layer, at: tuple[int, int], side: int, turn: int, generator: Generator) -> int:
    """Return a height, in pixels, that the layer has below the corner and that is squashed to `side`.

    After `turn` quarter turns the height lies along the layer's rows or its columns.
    """
    height = round(side * LARGEST_ASPECT ** (0.8 * uniform(generator)))
    shape = (height, side) if turn % 2 == 0 else (side, height)
    rows, columns = (slice(start, start + length) for start, length in zip(at, shape, strict=True))
    usable = layer.usable[rows, columns]
    return height if tuple(usable.shape) == shape and bool(usable.all()) else side


def noisy(parent: Tensor, generator: Generator) -> Tensor:
    """Return parents (B, 3, P, P), some with noise, as level 0 of a world has that of its file."""
    draws = torch.rand(2, len(parent), 1, 1, 1, generator=generator)
    noise = torch.randn(parent.shape, generator=generator)
    return to_bytes(parent + (draws[0] < NOISY_SHARE) * MOST_NOISE * draws[1] * noise)
