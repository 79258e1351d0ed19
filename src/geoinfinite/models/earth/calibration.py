"""Detail as strong as the real: gains of its parts by resolution and contrast, fitted after training.

An adversary leaves the power of the finest octave too strong at one resolution and too weak at another, and
training on moves it to and fro. Colour is as strong as the real, but of too many hues: nearly twice the real
power is stray, and the rest is too weak. Gains are measured instead (`training.calibrate`), and kept with the
weights.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from geoinfinite.models.earth.stray import stray_part

FINEST, PER_OCTAVE, RESOLUTIONS = -3.5, 2, 36
"""Nodes along log2 of the ground sample distance in metres: the first, how many an octave, how many."""
LOWEST, CONTRASTS = -1.0, 4
"""Nodes along the standardised log of the unit of brightness, one apart: the first, how many."""
PAIR = 2
"""Side in pixels of the squares within which detail is fine."""


class Calibration(nn.Module):
    """Detail (B, 3, T, T) whose parts are multiplied by gains; gains of 1 change no bit."""

    gains: Tensor
    """(resolution, contrast), of fine brightness."""
    colour_gains: Tensor
    """(resolution, contrast), of fine colour that is not stray."""
    stray_gains: Tensor
    """(resolution, contrast), of stray colour."""

    def __init__(self) -> None:
        super().__init__()
        for name in ("gains", "colour_gains", "stray_gains"):
            self.register_buffer(name, torch.ones(RESOLUTIONS, CONTRASTS))

    def forward(self, detail: Tensor, matrices: Tensor, log_unit: Tensor, gsd_m: Tensor) -> Tensor:
        """Return detail, given its matrices of stray colour, the log unit of brightness and metres per pixel.

        Shapes: matrices (B, 3, 3, T, T), log_unit (B, 1, T, T), gsd_m (B,).
        """
        more, more_colour, more_stray = (
            _along(_at(gains, gsd_m)[..., None, None], log_unit - LOWEST) - 1
            for gains in (self.gains, self.colour_gains, self.stray_gains)
        )
        brightness, colour, stray = parts(detail, matrices)
        return detail + more_stray * stray + torch.cat([more * brightness, more_colour * colour], 1)


def parts(detail: Tensor, matrices: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return fine brightness, fine colour that is not stray, and stray colour: (B, 1 and 2 and 3, T, T)."""
    stray = stray_part(detail, matrices)
    return fine(detail[:, :1]), fine((detail - stray)[:, 1:]), stray


def _at(gains: Tensor, gsd_m: Tensor) -> Tensor:
    """Return the gains (B, contrast) of a resolution, between those of two nodes."""
    place = ((torch.log2(gsd_m) - FINEST) * PER_OCTAVE).clamp(0, RESOLUTIONS - 1)
    below = place.floor().clamp(0, RESOLUTIONS - 2)
    low, high = (gains[below.long() + i] for i in (0, 1))
    return low + (place - below)[:, None] * (high - low)


def fine(values: Tensor) -> Tensor:
    """Return values (B, C, T, T) less the means of their squares of `PAIR` x `PAIR` pixels."""
    means = F.avg_pool2d(values, PAIR)
    return values - F.interpolate(means, scale_factor=float(PAIR), mode="nearest")


def _along(gains: Tensor, place: Tensor) -> Tensor:
    """Return gains (B, 1, T, T) at a place between nodes (B, contrast, 1, 1).

    A chain of additions, which is rounded alike at every width.
    """
    found = gains[:, :1]
    for node in range(CONTRASTS - 1):
        step = gains[:, node + 1 : node + 2] - gains[:, node : node + 1]
        found = found + (place - node).clamp(0, 1) * step
    return found
