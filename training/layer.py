"""One training picture at one resolution, and the small operations that make pictures into layers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

Picture = NDArray[np.float64]
Bytes = NDArray[np.uint8]
END = 16
"""Bytes at either end that are pulled in."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One picture at one resolution, with what the crop sampler must know of it."""

    source: str
    """A key of `training.places.SHARES`."""
    pixels: Tensor
    """(3, H, W) uint8."""
    usable: Tensor
    """(H, W) bool: false where pixels are missing or belong to the other split."""
    water: Tensor | None
    """(H, W) uint8: share of water, of 255; ``None`` where no coastline is known."""
    gsd_m: float
    """Metres per pixel, from north to south."""
    octaves: tuple[float, float]
    """Range of the jitter of the label log2(gsd), lower and upper."""
    weight: float
    """Probability of a crop from this layer."""
    plate_carree: bool = False
    """Whether the picture is the whole globe in degrees, stretched along x."""

    def mirrored(self, side: int) -> Layer:
        """Return the layer large enough for crops of `side` px, if half of one fits into it."""
        if not side / 2 <= min(self.usable.shape) < side:
            return self
        water = None if self.water is None else pad(self.water[None], side)[0]
        usable = pad(self.usable[None], side)[0]
        return replace(self, pixels=pad(self.pixels, side), usable=usable, water=water)


def pull_in_ends(pixels: Bytes) -> Bytes:
    """Return bytes of which none is 0 or 255: the sixteen at either end move half way to the others.

    A parent of 0 or 255 has descendants of 0 or 255, for their mean is their parent: a square without detail.
    """
    table = np.arange(256)
    table = np.where(table < END, (END + table + 1) // 2, table)
    table = np.where(table > 255 - END, (255 - END + table) // 2, table)
    found: Bytes = table.astype(np.uint8)[pixels]
    return found


def to_bytes(values: Picture) -> Tensor:
    """Round and clip to a uint8 tensor."""
    return torch.from_numpy(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def area_mean(pixels: Tensor, factor: int) -> Tensor:
    """Return the means of (3, H, W) bytes over squares of `factor` px, rounded to bytes."""
    if factor == 1:
        return pixels
    return F.avg_pool2d(pixels.float(), factor).round().clamp(0, 255).to(torch.uint8)


def all_of(mask: Tensor, factor: int) -> Tensor:
    """Return where all pixels of squares of `factor` px of an (H, W) mask are true."""
    if factor == 1:
        return mask
    return F.avg_pool2d(mask.float()[None], factor)[0] > 0.999


def pad(pixels: Tensor, least: int) -> Tensor:
    """Mirror a small picture (C, H, W) until its sides are at least `least` pixels."""
    missing = [max(0, least - side) for side in pixels.shape[1:]]
    if not any(missing):
        return pixels
    widths = [(0, 0), *((m // 2, m - m // 2) for m in missing)]
    return torch.from_numpy(np.pad(pixels.numpy(), widths, mode="symmetric"))
