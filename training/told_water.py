"""What the network is told of the water in a crop: a picture of it in cells, or nothing."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from training.chance import below

UNKNOWN_SHARE = 0.25
"""Share of crops whose water is not told although it is known."""
CELLS = 1, 1, 4, 16
"""Sides, in pixels, of the cells of the raster that tells the water: one is drawn."""


def told_water(channels: Tensor, plain: bool, generator: Generator) -> Tensor:
    """Return share, -1 to 1, and knowledge (B, 2, S, S) of channels in [0, 255] and {0, 1}.

    Unless `plain`, it is as a raster of some cell would tell it, or not told at all.
    """
    water, known = channels[:, :1] / 127.5 - 1, channels[:, 1:]
    if not plain:
        cells = [CELLS[below(len(CELLS), generator)] for _ in range(len(water))]
        water = torch.cat([in_cells(w[None], cell) for w, cell in zip(water, cells, strict=True)])
        known = known * (torch.rand(len(water), 1, 1, 1, generator=generator) >= UNKNOWN_SHARE)
    return torch.cat([water * known, known], 1)


def in_cells(water: Tensor, cell: int) -> Tensor:
    """Return a picture (1, 1, S, S) as bilinear interpolation between its means over cells."""
    if cell == 1:
        return water
    means = F.avg_pool2d(water, cell, ceil_mode=True)
    wide = F.interpolate(means, scale_factor=cell, mode="bilinear", align_corners=False)
    return wide[..., : water.shape[-2], : water.shape[-1]]
