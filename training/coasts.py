"""Coasts put together of three places: land of any source, a sea, and the shoreline of a third.

Pictures of 0.5 to 2 km hardly follow the shore that is told, and finer ones do not know their water. Here it
lies where it is told, at every resolution. The sea and the shoreline are the Blue Marble's.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from training.layer import Layer

SEA = 0.98, 1.0
COAST = 0.15, 0.85
"""Share of water of a window that lends its sea, and of one that lends its shoreline."""
MOST_ATTEMPTS = 60
DRY = 0.02
"""Least share of known water with which a picture has a shore of its own."""


def is_dry(channels: Tensor) -> bool:
    """Return whether a picture, its water and whether it is known (5, S, S) show no water that is known."""
    return float((channels[3] * channels[4]).mean()) < 255 * DRY


def coast(land: Tensor, sea: Tensor, water: Tensor) -> Tensor:
    """Return land (5, S, S) with `sea` (3, S, S) in place of it where there is `water` (S, S), of 255."""
    share = water / 255
    picture = (land[:3] * (1 - share) + sea * share).round()
    return torch.cat([picture, water[None], torch.ones_like(water)[None]])


def window(
    layer: Layer, allowed: Tensor, side: int, span: tuple[float, float], generator: Generator
) -> tuple[slice, slice] | None:
    """Return rows and columns of which so large a share is water; ``None`` if none are found."""
    assert layer.water is not None
    for _ in range(MOST_ATTEMPTS):
        row, column = (int(torch.randint(n, (), generator=generator)) for n in allowed.shape)
        found = slice(row, row + side), slice(column, column + side)
        if bool(allowed[row, column]):
            wet = float(layer.water[found][::4, ::4].float().mean()) / 255
            if span[0] <= wet <= span[1]:
                return found
    return None
