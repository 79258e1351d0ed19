"""Detail as brightness and two colours, each in units of what the parent shows of it nearby.

Snow, sea and desert vary in brightness and hardly in colour. In one unit for red, green and blue an error of
the network that differs between them is coloured speckle; here it is as small as the parent is grey.

Image values lie in [-1, 1] (v / 127.5 - 1). T is the child's tile; P = T / factor + 2 margin is the parent's
window. Training and inference both import this module, so there is one definition of each formula.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from geoinfinite.models.earth.network import DETAIL_LIMIT, enlarge, local_mean
from geoinfinite.models.earth.settings import EarthSettings
from geoinfinite.models.earth.stray import least_varied, matrices

AXES = (
    tuple(x / math.sqrt(3) for x in (1, 1, 1)),
    tuple(x / math.sqrt(2) for x in (1, 0, -1)),
    tuple(x / math.sqrt(6) for x in (1, -2, 1)),
)
"""Brightness, red against blue, both against green: an orthonormal basis of red, green and blue."""
COLOUR_GAIN, COLOUR_FLOOR = 1.2, 0.8
"""Gain and floor of the unit of colour, as multiples of those of brightness."""
NEARNESS = 0.25, 0.5, 0.25
"""Weights, along each axis, of the three pixels whose variance is the parent's contrast."""
LEAST_VARIANCE = 1e-6
"""It keeps the slope of the square root finite where the parent is flat; an eighth of a count of 255."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What a tile is drawn from: its parent; all fields are float tensors on the parent's device."""

    base: Tensor
    """(B, 3, T, T): the parent enlarged bicubically, red, green and blue."""
    unit: Tensor
    """(B, 3, T, T): the units of detail along `AXES`, positive."""
    features: Tensor
    """(B, 8, T, T): base, the parent's own detail, standardised log(unit) of brightness and of colour."""
    directions: Tensor
    """(B, 9, T / factor + 2, T / factor + 2): in which the parent's colours vary least, by parent pixel."""

    @property
    def stray(self) -> Tensor:
        """(B, 3, 3, T, T): the matrices (row, column) that take stray colour out of detail."""
        factor = self.unit.shape[-1] // (self.directions.shape[-1] - 2)
        return matrices(enlarge(self.directions, factor, 1, "bilinear"), self.unit)

    def part(self, tiles: slice) -> Condition:
        """Return the condition of some of the tiles."""
        return Condition(self.base[tiles], self.unit[tiles], self.features[tiles], self.directions[tiles])


def along_axes(image: Tensor) -> Tensor:
    """Return brightness and two colours (B, 3, H, W) of red, green and blue."""
    return torch.stack([_sum(image, axis) for axis in AXES], 1)


def from_axes(image: Tensor) -> Tensor:
    """Return red, green and blue (B, 3, H, W) of brightness and two colours."""
    return torch.stack([_sum(image, weights) for weights in zip(*AXES, strict=True)], 1)


def _sum(image: Tensor, weights: tuple[float, ...]) -> Tensor:
    first, second, third = (weight * image[:, band] for band, weight in enumerate(weights))
    return first + second + third


def condition(parent: Tensor, settings: EarthSettings) -> Condition:
    """Turn a parent window (B, 3, P, P) into the condition of its tile.

    Every operation is local and looks at most 4 parent pixels away, so the condition of a pixel
    does not depend on the tile through which it is reached.
    """
    factor, margin = settings.factor, settings.margin
    spread = covariance(along_axes(parent))
    variances = [spread[:, axis, axis] for axis in range(3)]
    contrast = torch.stack([variances[0], (variances[1] + variances[2]) / 2], 1).add(LEAST_VARIANCE).sqrt()
    brightness, colour = enlarge(contrast, factor, margin - 1, "bilinear").unbind(1)
    ours = settings.gain * brightness + settings.floor
    theirs = settings.gain * COLOUR_GAIN * colour + settings.floor * COLOUR_FLOOR
    unit = torch.stack([ours, theirs, theirs], 1)
    base = enlarge(parent, factor, margin, "bicubic")
    detail = along_axes(base - enlarge(local_mean(parent), factor, margin - 2, "bicubic")) / unit
    log_units = (unit[:, :2].log() - settings.log_scale_mean) / settings.log_scale_std
    features = torch.cat([base, detail.clamp(-DETAIL_LIMIT, DETAIL_LIMIT), log_units], dim=1)
    beyond = margin - 2
    near = spread[..., beyond : spread.shape[-2] - beyond, beyond : spread.shape[-1] - beyond]
    return Condition(base, unit, features, least_varied(near).flatten(1, 2))


def covariance(values: Tensor) -> Tensor:
    """Return the covariances (B, C, C, H - 2, W - 2) of 3 x 3 pixels, weighted by `NEARNESS`.

    Pixels farther off tell less of where detail is: a calm field near a bright roof would have the roof's.
    """
    height, width = (length - 2 for length in values.shape[-2:])
    places = itertools.product(enumerate(NEARNESS), enumerate(NEARNESS))
    parts = [(a * b, values[..., i : i + height, j : j + width]) for (i, a), (j, b) in places]
    # Sums of torch may be rounded otherwise at another width; a chain of additions is not.
    mean = reduce(torch.add, (weight * part for weight, part in parts))
    away = ((weight, part - mean) for weight, part in parts)
    return reduce(torch.add, (weight * (off[:, :, None] * off[:, None]) for weight, off in away))


def residual(child: Tensor, given: Condition) -> Tensor:
    """Return what a child adds to the enlarged parent, in units of detail; (B, 3, T, T)."""
    return along_axes(child - given.base) / given.unit


def reconstruct(detail: Tensor, given: Condition) -> Tensor:
    """Return the image (B, 3, T, T) that detail makes of the enlarged parent, not clipped."""
    return given.base + from_axes(given.unit * detail)
