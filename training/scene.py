"""One training picture at its finest resolution, with all that the crop sampler must know of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from training.layer import Layer, all_of, area_mean

HALF_AN_OCTAVE = -0.5, 0.5
"""Jitter of the labels of sources whose layers are an octave apart: what is told is what is shown."""
NO_POWER = 96
"""A layer whose shorter side is below this is left out."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture in the colours of the Blue Marble, and how crops are taken from it."""

    name: str
    """A file name without its ending, unique in a pack."""
    source: str
    """A key of `training.places.SHARES`."""
    pixels: Tensor
    """(3, H, W) uint8."""
    usable: Tensor
    """(H, W) bool: false where pixels are missing or belong to the other split."""
    water: Tensor | None
    """(H, W) uint8: share of water in each pixel, of 255; ``None`` where no coastline is known."""
    gsd_m: float
    """Metres per pixel, from north to south."""
    octaves: tuple[float, float]
    """Range of the jitter of the label log2(gsd), lower and upper."""
    weights: dict[int, float] = field(default_factory=dict)
    """By power of two: how often a crop is taken from the area mean over that many pixels."""
    plate_carree: bool = False
    """Whether the picture is the whole globe in degrees, stretched along x."""

    def layers(self) -> Iterator[Layer]:
        """Yield the area means over 2**power pixels, one layer per weight.

        A layer whose shorter side falls below `NO_POWER` pixels is left out.
        """
        for power, weight in self.weights.items():
            factor = 2**power
            pixels, usable = area_mean(self.pixels, factor), all_of(self.usable, factor)
            if min(pixels.shape[1:]) < NO_POWER or not bool(usable.any()):
                continue
            water = None if self.water is None else area_mean(self.water[None], factor)
            yield Layer(
                self.source,
                pixels,
                usable,
                None if water is None else water[0],
                self.gsd_m * factor,
                self.octaves,
                weight,
                self.plate_carree,
            )

    @property
    def megapixels(self) -> float:
        """Size of the picture."""
        return math.prod(self.pixels.shape[1:]) / 1e6


def all_usable(pixels: Tensor) -> Tensor:
    """Return the mask of a picture without gaps."""
    return torch.ones(pixels.shape[1:], dtype=torch.bool)
