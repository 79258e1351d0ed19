"""Fine detail as strong as the real: gains by resolution and by the parent's contrast, fitted after training.

An adversary leaves the power of the finest octave too strong at one resolution and too weak at another, and
training on moves it to and fro. Gains are measured instead (`training.calibrate`), and kept with the weights.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FINEST, PER_OCTAVE, RESOLUTIONS = -3.5, 2, 36
"""Nodes along log2 of the ground sample distance in metres: the first, how many an octave, how many."""
LOWEST, CONTRASTS = -1.0, 4
"""Nodes along the standardised log of the unit of brightness, one apart: the first, how many."""
PAIR = 2
"""Side in pixels of the squares within which brightness is fine detail."""


class Calibration(nn.Module):
    """Detail (B, 3, T, T) whose fine brightness is multiplied by gains; gains of 1 change no bit."""

    gains: Tensor
    """(resolution, contrast)."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("gains", torch.ones(RESOLUTIONS, CONTRASTS))

    def forward(self, detail: Tensor, log_unit: Tensor, gsd_m: Tensor) -> Tensor:
        """Return detail, given the log unit (B, 1, T, T) of brightness and metres per pixel (B,)."""
        brightness, colour = detail[:, :1], detail[:, 1:]
        gain = _along(self._at(gsd_m)[..., None, None], log_unit - LOWEST)
        return torch.cat([brightness + (gain - 1) * fine(brightness), colour], 1)

    def _at(self, gsd_m: Tensor) -> Tensor:
        """Return the gains (B, contrast) of a resolution, between those of two nodes."""
        place = ((torch.log2(gsd_m) - FINEST) * PER_OCTAVE).clamp(0, RESOLUTIONS - 1)
        below = place.floor().clamp(0, RESOLUTIONS - 2)
        low, high = (self.gains[below.long() + i] for i in (0, 1))
        found: Tensor = low + (place - below)[:, None] * (high - low)
        return found


def fine(brightness: Tensor) -> Tensor:
    """Return brightness (B, 1, T, T) less the means of its squares of `PAIR` x `PAIR` pixels."""
    means = F.avg_pool2d(brightness, PAIR)
    return brightness - F.interpolate(means, scale_factor=float(PAIR), mode="nearest")


def _along(gains: Tensor, place: Tensor) -> Tensor:
    """Return gains (B, 1, T, T) at a place between nodes (B, contrast, 1, 1).

    A chain of additions, which is rounded alike at every width.
    """
    found = gains[:, :1]
    for node in range(CONTRASTS - 1):
        step = gains[:, node + 1 : node + 2] - gains[:, node : node + 1]
        found = found + (place - node).clamp(0, 1) * step
    return found
