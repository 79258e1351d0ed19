"""One training picture at one resolution, and the small operations that make pictures into layers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

Picture = NDArray[np.float64]
Bytes = NDArray[np.uint8]
SMALLEST_SIDE = 240


@dataclass(frozen=True, slots=True)
class Layer:
    """One picture at one resolution, with what the crop sampler must know of it."""

    source: str
    """A key of `training.imagery.SHARES`."""
    pixels: Tensor
    """(3, H, W) uint8."""
    usable: Tensor
    """(H, W) bool: false where pixels are missing or belong to the other split."""
    land: Tensor
    """(H, W) bool: false over open water; only the Blue Marble has water to tell."""
    gsd_m: float
    """Metres per pixel."""
    octaves: tuple[float, float]
    """Range of the jitter of the label log2(gsd), lower and upper."""
    weight: float
    """Probability of a crop from this layer."""


def pyramid(
    source: str,
    colours: Tensor,
    usable: Tensor,
    gsd_m: float,
    octaves: tuple[float, float],
    weights: dict[int, float],
) -> list[Layer]:
    """Return area-mean layers of (3, H, W) bytes, one per power of two in `weights`.

    A layer whose longer side falls below 96 px is left out; a smaller side is mirrored to
    `SMALLEST_SIDE`, so that the largest training crop fits.
    """
    found = []
    for power, weight in weights.items():
        pixels, kept = area_mean(colours, 2**power), all_of(usable, 2**power)
        if min(pixels.shape[1:]) >= 96 and bool(kept.any()):
            pixels, kept = pad(pixels), pad(kept[None])[0]
            land = torch.ones_like(kept)
            found.append(Layer(source, pixels, kept, land, gsd_m * 2**power, octaves, weight))
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


def pad(pixels: Tensor) -> Tensor:
    """Mirror a small picture (C, H, W) until the largest training crop fits into it."""
    missing = [max(0, SMALLEST_SIDE - side) for side in pixels.shape[1:]]
    if not any(missing):
        return pixels
    widths = [(0, 0), *((m // 2, m - m // 2) for m in missing)]
    return torch.from_numpy(np.pad(pixels.numpy(), widths, mode="symmetric"))
