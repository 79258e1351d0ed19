"""Where crops are taken: how often from which layer, and at which of its places."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from training.chance import below, uniform
from training.layer import Layer

SHARES = {
    "blue-marble": 0.26,
    "blue-marble-fine": 0.30,
    "landsat": 0.13,
    "sentinel": 0.10,
    "fields": 0.06,
    "naip": 0.05,
    "neon": 0.07,
    "drone": 0.03,
}
"""Share of the training crops that each source gives when all are there."""
MARBLES = "blue-marble", "blue-marble-fine"
LAND_SHARE = 0.85
"""Share of Blue Marble crops that must show land on a quarter of their area."""
ROUGH_SHARE = 0.3
"""Share of Blue Marble crops that must be rough: snow, ranges and coasts, where detail is the strongest."""
LEAST_ROUGHNESS = 9.0
"""Counts of 255 between neighbours in a row, on average: one crop in fifteen has more."""
MOST_ATTEMPTS = 60
"""Places that are tried for a wanted crop before any allowed one is taken."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where crops of one size may be taken."""

    layers: list[Layer]
    """Small ones mirrored."""
    corners: list[Tensor]
    """Of every layer, which corners (H - side + 1, W - side + 1) are allowed."""
    shares: Tensor
    """Of every layer, its probability."""


def find_places(layers: list[Layer], side: int) -> Places:
    """Return where crops of `side` px may be taken, and how often from which layer."""
    large = [layer.mirrored(side) for layer in layers]
    allowed = [corners(layer.usable, side) for layer in large]
    kept = [bool(at.any()) for at in allowed]
    totals: dict[str, float] = {}
    for layer, keep in zip(large, kept, strict=True):
        totals[layer.source] = totals.get(layer.source, 0.0) + layer.weight * keep
    shares = [
        SHARES[layer.source] * layer.weight * keep / max(totals[layer.source], 1e-12)
        for layer, keep in zip(large, kept, strict=True)
    ]
    return Places(large, allowed, torch.tensor(shares))


def corners(usable: Tensor, side: int) -> Tensor:
    """Return which corners (H - side + 1, W - side + 1) have only usable pixels in their window."""
    if min(usable.shape) < side:
        return torch.zeros(0, 0, dtype=torch.bool)
    if bool(usable.all()):
        return torch.ones([length - side + 1 for length in usable.shape], dtype=torch.bool)
    missing = F.pad((~usable).int(), (1, 0, 1, 0)).cumsum(0).cumsum(1)
    count = missing[side:, side:] - missing[:-side, side:] - missing[side:, :-side]
    allowed: Tensor = count + missing[:-side, :-side] == 0
    return allowed


def corner(layer: Layer, allowed: Tensor, side: int, plain: bool, generator: Generator) -> tuple[int, int]:
    """Draw the corner of a crop: an allowed one, seldom of water and, unless `plain`, less often smooth."""
    needs_land = uniform(generator) < LAND_SHARE
    needs_detail = not plain and uniform(generator) < ROUGH_SHARE
    possible = None
    for _ in range(MOST_ATTEMPTS):
        row, column = (below(length, generator) for length in allowed.shape)
        if not bool(allowed[row, column]):
            continue
        possible = row, column
        if layer.source not in MARBLES:
            break
        window = slice(row, row + side), slice(column, column + side)
        if needs_detail and _roughness(layer.pixels[1][window]) < LEAST_ROUGHNESS:
            continue
        if _is_wanted(layer, window, needs_land, generator):
            break
    if possible is None:
        places = allowed.nonzero()
        at = places[below(len(places), generator)]
        possible = int(at[0]), int(at[1])
    return possible


def latitude(layer: Layer, rows: slice) -> float:
    """Return the latitude in radians of the middle of some rows of a picture of the whole globe."""
    return math.pi * (0.5 - (rows.start + rows.stop) / 2 / layer.pixels.shape[1])


def _is_wanted(layer: Layer, window: tuple[slice, slice], needs_land: bool, generator: Generator) -> bool:
    """Even out the stretch of plate carree, and ask for land when land is needed."""
    if layer.plate_carree and uniform(generator) > math.cos(latitude(layer, window[0])) + 0.1:
        return False
    if not needs_land or layer.water is None:
        return True
    wet = layer.water[window][::4, ::4].float().mean() / 255
    return bool(wet < 0.75)


def _roughness(band: Tensor) -> float:
    """Return the mean difference between neighbours in every fourth row."""
    rows = band[::4].float()
    return float((rows[:, 1:] - rows[:, :-1]).abs().mean())
