"""Draw batches of (parent window, child tile, resolution) from the layers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import count

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from geoinfinite.models.earth.network import EarthSettings
from geoinfinite.plane.resample import mean_exact_upsampler
from training.degrade import degrade
from training.imagery import Layer

LAND_SHARE = 0.7
"""Share of Blue Marble crops that must show land."""
RECOLOUR_SHARE = 0.5
"""Share of crops of finer sources that take a colour of the Blue Marble's land."""
MARBLES = "blue-marble", "blue-marble-fine"
WIDE_SHARE = {"blue-marble": (0.2, 0.06), "blue-marble-fine": (0.5, 0.2)}
"""Share of Blue Marble crops that are labelled with any finer resolution: (of water, desert and ice,
which finer sources hardly show, of the rest)."""
MOST_ATTEMPTS = 40
"""Places that are tried for a wanted crop before any allowed one is taken."""
FLATTEN_SHARE = 0.5
"""Share of land crops whose coarse contrast is lowered while their fine detail is kept."""
LEAST_FLATTENED = 0.4
"""Smallest factor by which coarse contrast is lowered, besides a blur."""
SQUARE_BELOW = 0.7
"""Crops of the globe whose label is finer than this share of their resolution are resampled to square
pixels on the ground, or the stretch of plate carree near the poles becomes streaks at every level."""
LEAST_ALLOWED = 0.01
"""A layer with a smaller share of allowed positions is left out at that crop size."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Training examples in [-1, 1]."""

    parent: Tensor
    """(B, 3, P, P), degraded as a generated parent would be."""
    child: Tensor
    """(B, 3, T, T)."""
    gsd_m: Tensor
    """(B,): the label, metres per child pixel."""
    layer: Tensor
    """(B,): index of the layer that each example came from."""


class Crops:
    """A seeded stream of batches; all randomness comes from `generator`."""

    def __init__(
        self,
        layers: list[Layer],
        settings: EarthSettings,
        generator: Generator,
        marble: Layer | None = None,
        plain: bool = False,
    ) -> None:
        """Keep the layers, and the colours of `marble` that other sources' crops may take.

        `plain` leaves out all augmentation but flips, and gives every crop its own resolution.
        """
        self.plain = plain
        self.layers, self.settings, self.generator = layers, settings, generator
        self._cache: dict[int, tuple[list[Tensor], Tensor]] = {}
        marble = marble or layers[0]
        land = marble.pixels[:, marble.land & marble.usable].T.float()
        brightness = land.mean(1)
        self.colours = land[(brightness > 15) & (brightness < 190)]

    def batch(self, size: int, tile: int, clean: bool = False) -> Batch:
        """Return `size` examples of `tile` px; `clean` leaves out the parents' degradation."""
        side = tile + 2 * self.settings.margin * self.settings.factor
        positions, shares = self._allowed(side)
        drawn = torch.multinomial(shares, size, True, generator=self.generator)
        parts = [self._example(self.layers[i], positions[i], side) for i in drawn.tolist()]
        region = torch.stack([pixels for pixels, _ in parts]) / 127.5 - 1.0
        parent = F.avg_pool2d(region, self.settings.factor)
        cut = self.settings.margin * self.settings.factor
        child = region[..., cut:-cut, cut:-cut]
        parent = degrade(parent, None if clean else self.generator)
        return Batch(parent, child, torch.tensor([gsd for _, gsd in parts]), drawn)

    def _allowed(self, side: int) -> tuple[list[Tensor], Tensor]:
        """Return, per layer, the allowed corners of windows of `side` px and the layer's share."""
        if side not in self._cache:
            positions = [_positions(layer.usable, side) for layer in self.layers]
            enough = [p.numel() > 0 and p.float().mean() > LEAST_ALLOWED for p in positions]
            shares = [w.weight * keep for w, keep in zip(self.layers, enough, strict=True)]
            self._cache[side] = positions, torch.tensor(shares)
        return self._cache[side]

    def _example(self, layer: Layer, allowed: Tensor, side: int) -> tuple[Tensor, float]:
        row, column = self._place(layer, allowed, side)
        window = (slice(row, row + side), slice(column, column + side))
        pixels = layer.pixels[:, *window].float()
        if self.plain:
            return self._flip(pixels, turn=False), layer.gsd_m
        if layer.source in MARBLES:
            label = self._marble_label(layer, pixels, window)
            below_sources = label < layer.gsd_m * 2.0 ** layer.octaves[0]
            globe = layer.source == "blue-marble"
            if globe and label < SQUARE_BELOW * layer.gsd_m:
                pixels = _squared(layer, row, column, side)
            if below_sources and bool(layer.land[window][::4, ::4].all()):
                pixels = self._flatten(pixels)
            return self._flip(pixels, turn=False), label
        if self._uniform() < RECOLOUR_SHARE:
            pixels = self._recolour(pixels)
        return self._flip(self._flatten(pixels), turn=True), self._label(layer, *layer.octaves)

    def _place(self, layer: Layer, allowed: Tensor, side: int) -> tuple[int, int]:
        """Draw the corner of a crop with its margin; reject missing, held-out and watery ones."""
        needs_land = self._uniform() < LAND_SHARE
        for attempt in count():
            row, column = self._below(allowed.shape[0]), self._below(allowed.shape[1])
            # Some windows of open sea have no crop with enough land.
            if allowed[row, column] and (
                layer.source not in MARBLES
                or attempt >= MOST_ATTEMPTS
                or self._wanted(layer, row, column, side, needs_land)
            ):
                return row, column
        raise AssertionError("count() has no end")

    def _wanted(self, layer: Layer, row: int, column: int, side: int, needs_land: bool) -> bool:
        """Even out the stretch of plate carree, and ask for land when land is needed."""
        latitude = math.pi * (0.5 - (row + side / 2) / layer.pixels.shape[1])
        if layer.source == "blue-marble" and self._uniform() > math.cos(latitude) + 0.1:
            return False
        rim = self.settings.margin * self.settings.factor
        tile = slice(row + rim, row + side - rim, 4), slice(column + rim, column + side - rim, 4)
        return not needs_land or bool(layer.land[tile].float().mean() > 0.2)

    def _marble_label(self, layer: Layer, pixels: Tensor, window: tuple[slice, slice]) -> float:
        water = 1.0 - float(layer.land[window][::4, ::4].float().mean())
        scarce = water > 0.2 or float(pixels[:, ::4, ::4].mean()) > 90.0
        if self._uniform() < WIDE_SHARE[layer.source][0 if scarce else 1]:
            return self._label(layer, -math.log2(layer.gsd_m), 0.3)
        return self._label(layer, *layer.octaves)

    def _label(self, layer: Layer, low: float, high: float) -> float:
        return layer.gsd_m * float(2.0 ** (low + (high - low) * self._uniform()))

    def _recolour(self, pixels: Tensor) -> Tensor:
        """Move the mean towards a colour of the Blue Marble's land, and change the contrast."""
        own = pixels.mean((1, 2))
        other = self.colours[self._below(len(self.colours))]
        mean = own + self._uniform() * (other - own)
        gain = math.exp(math.log(0.6) + self._uniform() * math.log(3.0))
        moved = mean[:, None, None] + gain * (pixels - own[:, None, None])
        return moved.round().clamp(0, 255)

    def _flatten(self, pixels: Tensor) -> Tensor:
        """Lower the contrast that the parent shows, and keep the detail that it cannot show.

        In a cascade of many levels a parent is flatter and softer than any real one. Without such
        examples flat places would stay flat for ever: nothing new would appear below a kilometre.
        """
        if self._uniform() >= FLATTEN_SHARE:
            return pixels
        share, softness = LEAST_FLATTENED ** self._uniform(), self._uniform()
        coarse = F.avg_pool2d(pixels, self.settings.factor)
        mean = coarse.mean((1, 2), keepdim=True)
        smooth = F.avg_pool2d(F.pad(coarse, (2, 2, 2, 2), mode="replicate"), 5, stride=1)
        flat = mean + share * (coarse + softness * (smooth - coarse) - mean)
        enlarge = torch.from_numpy(mean_exact_upsampler(coarse.shape[1], self.settings.factor).copy())
        flattened: Tensor = pixels + enlarge @ (flat - coarse) @ enlarge.T
        return flattened.clamp(0, 255)

    def _flip(self, pixels: Tensor, turn: bool) -> Tensor:
        if self._uniform() < 0.5:
            pixels = pixels.flip(2)
        return torch.rot90(pixels, self._below(4), (1, 2)) if turn else pixels

    def _uniform(self) -> float:
        return float(torch.rand((), generator=self.generator))

    def _below(self, bound: int) -> int:
        return int(torch.randint(bound, (), generator=self.generator))


def _squared(layer: Layer, row: int, column: int, side: int) -> Tensor:
    """Return the crop with its columns as long on the ground as its rows; unchanged at the layer's rims."""
    latitude = math.pi * (0.5 - (row + side / 2) / layer.pixels.shape[1])
    width = round(side / max(0.2, math.cos(latitude)))
    left = column + (side - width) // 2
    window = slice(row, row + side), slice(left, left + width)
    if left < 0 or left + width > layer.pixels.shape[2] or not bool(layer.usable[window].all()):
        return layer.pixels[:, row : row + side, column : column + side].float()
    wide = layer.pixels[:, *window].float()[None]
    square = F.interpolate(wide, (side, side), mode="bicubic", align_corners=False, antialias=True)
    return square[0].round().clamp(0, 255)


def _positions(usable: Tensor, side: int) -> Tensor:
    """Return which corners (H - side + 1, W - side + 1) have only usable pixels in their window."""
    missing = F.pad((~usable).int(), (1, 0, 1, 0)).cumsum(0).cumsum(1)
    if min(usable.shape) < side:
        return torch.zeros(0, 0, dtype=torch.bool)
    count = missing[side:, side:] - missing[:-side, side:] - missing[side:, :-side]
    allowed: Tensor = count + missing[:-side, :-side] == 0
    return allowed
