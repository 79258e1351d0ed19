"""Make clean parents look like generated ones, so that a cascade does not amplify its artefacts.

A light form of the condition degradation of MetaEarth (arXiv:2405.13570): rounding to bytes
always; for half of the parents noise of up to 2.5 of 255; for a quarter a slight blur.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor


def degrade(parent: Tensor, generator: Generator | None) -> Tensor:
    """Return parents (B, 3, P, P) in [-1, 1], rounded to bytes; undegraded without a generator."""
    if generator is not None:
        size = len(parent)
        draws = torch.rand(4, size, 1, 1, 1, generator=generator)
        share = 0.6 * draws[0] * (draws[1] < 0.25)
        parent = parent + share * (_blur(parent) - parent)
        strength = 2.5 / 127.5 * draws[2] * (draws[3] < 0.5)
        parent = parent + strength * torch.randn(parent.shape, generator=generator)
    return ((parent + 1) * 127.5).round().clamp(0, 255) / 127.5 - 1


def _blur(images: Tensor) -> Tensor:
    row = torch.tensor([0.25, 0.5, 0.25])
    kernel = (row[:, None] * row).expand(images.shape[1], 1, 3, 3)
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    return F.conv2d(padded, kernel, groups=images.shape[1])
