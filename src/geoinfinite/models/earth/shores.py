"""The enlarged parent with its shores where water is told: a pixel that is partly water is split in two.

Training and inference both import this module, as they do `colours`.
"""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from geoinfinite.models.earth.colours import Condition, along_axes, reconstruct
from geoinfinite.models.earth.network import DETAIL_LIMIT

NEARBY = 5
"""Side in parent pixels of the neighbourhood that tells the colour of water from that of land."""
LEAST_SPREAD = 2e-3
"""Variance of the share of water, from -1 to 1, that is too small to tell their colours apart."""


def shore(given: Condition, water: Tensor, factor: int) -> Tensor:
    """Return what told water adds to the enlarged parent, (B, 3, T, T) in units of detail.

    Nearby, the parent's colours are a line over its shares of water; a child takes its place on that line by
    its own share. `water` (B, 2, T, T) is the share from -1 to 1, 0 where unknown, and whether it is known.
    Nothing is added where the share is even, or has nothing to do with colour. Within three parent pixels of
    a tile's edge the neighbourhood ends with the tile.

    Source: guided upsampling, He et al. 2010 (doi:10.1007/978-3-642-15549-9_1), equations 5 and 6.
    """
    share = water[:, :1]
    coarse, colours = F.avg_pool2d(share, factor), F.avg_pool2d(given.base, factor)
    spread = _nearby(coarse.square()) - _nearby(coarse).square()
    together = _nearby(coarse * colours) - _nearby(coarse) * _nearby(colours)
    # The share is enlarged as the colours are, so that two colours keep their line.
    level = F.interpolate(coarse, scale_factor=factor, mode="bicubic", align_corners=False)
    slope = together / (spread + LEAST_SPREAD)
    slope = F.interpolate(slope, scale_factor=factor, mode="bilinear", align_corners=False)
    return along_axes(slope * (share - level)) / given.unit


def with_shore(given: Condition, added: Tensor) -> Condition:
    """Return the condition of a parent that was enlarged with its shore, `added` in units of detail."""
    base = reconstruct(added, given)
    detail = (given.features[:, 3:6] + added).clamp(-DETAIL_LIMIT, DETAIL_LIMIT)
    return replace(given, base=base, features=torch.cat([base, detail, given.features[:, 6:]], 1))


def _nearby(values: Tensor) -> Tensor:
    return F.avg_pool2d(values, NEARBY, stride=1, padding=NEARBY // 2, count_include_pad=False)
