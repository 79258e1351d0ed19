"""The resolution that a crop is said to have, and the aspect of its pixels."""

from __future__ import annotations

import math

from torch import Generator, Tensor

from training.chance import uniform
from training.layer import Layer
from training.places import MARBLES, latitude

WIDE_SHARE = 0.35, 0.08
"""Share of Blue Marble crops that are labelled with any finer resolution: (of water, desert and ice, which
finer sources hardly show, of the rest)."""
SCARCE_WATER, SCARCE_BRIGHTNESS = 0.2, 100.0
"""Share of water, and mean count of 255, above which a crop is one of those."""
FINEST_LABEL = 0.3
LARGEST_ASPECT = 4.0


def label(layer: Layer, channels: Tensor, gsd_m: float, generator: Generator) -> float:
    """Return the resolution that a crop (5, S, S) of `gsd_m` is said to have, in metres per pixel."""
    octaves = layer.octaves
    if layer.source in MARBLES:
        picture, water = channels[:3, ::4, ::4], channels[3, ::4, ::4]
        scarce = float(water.mean()) > 255 * SCARCE_WATER or float(picture.mean()) > SCARCE_BRIGHTNESS
        if uniform(generator) < WIDE_SHARE[0 if scarce else 1]:
            octaves = math.log2(FINEST_LABEL / gsd_m), 0.0
    low, high = octaves
    return gsd_m * float(2.0 ** (low + (high - low) * uniform(generator)))


def aspect(layer: Layer, rows: slice) -> float:
    """Return the height over the width, on the ground, of a pixel in the middle of some rows."""
    if not layer.plate_carree:
        return 1.0
    return min(LARGEST_ASPECT, 1 / max(0.01, math.cos(latitude(layer, rows))))
