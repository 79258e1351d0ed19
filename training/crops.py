"""A stream of training examples: parents and children with water, resolution and aspect."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from geoinfinite.models.earth.network import EarthSettings
from training import augmentation, coasts, labels
from training.batch import Batch, Region, centre, follow, to_bytes
from training.chance import below, uniform
from training.layer import Layer
from training.places import MARBLES, Places, corner, find_places
from training.scene import Scene
from training.told_water import told_water

SOFT_AT_SHORES = "blue-marble-fine"
"""The source whose pictures hardly follow the water that is known of them: it is not told."""
COAST_SHARE = 0.25
"""Share of the crops without known water that get a sea and a shoreline of other places."""
MOST_LAYERS = 4
"""Layers in which a place with enough water, and not too much, is sought."""


class Crops:
    """A seeded stream of batches; all randomness comes from `generator`."""

    def __init__(
        self, scenes: list[Scene], settings: EarthSettings, generator: Generator, plain: bool = False
    ) -> None:
        """Keep the layers of the scenes, and the colours of the globe that other sources' crops may take.

        `plain` leaves out all augmentation but flips, and gives every crop its own resolution.
        """
        self.layers = [layer for scene in scenes for layer in scene.layers()]
        self.settings, self.generator, self.plain = settings, generator, plain
        self.colours = augmentation.colours_of_land(scenes[0])
        self._places_by_side: dict[int, Places] = {}

    def batch(self, size: int, tile: int) -> Batch:
        """Return `size` examples of `tile` px with real parents, noisy unless `plain`."""
        factor, margin = self.settings.factor, self.settings.margin
        region = self.region(size, self._side(tile))
        parent = to_bytes(F.avg_pool2d(region.picture, factor))
        child, water = centre(region.picture, tile), centre(region.water, tile)
        if not self.plain:
            moved = augmentation.noisy(parent, self.generator)
            child, parent = follow(child, parent, moved, margin), moved
        return Batch(parent, child, water, region.gsd_m, region.aspect)

    def region(self, size: int, side: int, coarsest: float = math.inf) -> Region:
        """Return `size` crops of `side` px of layers no coarser than `coarsest` metres."""
        places = self._places(side)
        fit = torch.tensor([layer.gsd_m <= coarsest for layer in places.layers])
        drawn = torch.multinomial(places.shares * fit, size, True, generator=self.generator).tolist()
        parts = [self._example(places.layers[i], places.corners[i], side) for i in drawn]
        stacked = torch.stack([channels for channels, _, _ in parts])
        gsd_m, aspect = (torch.tensor([part[k] for part in parts]) for k in (1, 2))
        water = told_water(stacked[:, 3:], self.plain, self.generator)
        return Region(stacked[:, :3] / 127.5 - 1, water, gsd_m, aspect)

    def prepare(self, tile: int) -> None:
        """Find where crops of `tile` px can be taken, once for all processes that this one forks."""
        self.prepare_side(self._side(tile))

    def prepare_side(self, side: int) -> None:
        """Find where regions of `side` px can be taken."""
        self._places(side)

    def _side(self, tile: int) -> int:
        return tile + 2 * self.settings.margin * self.settings.factor

    def _places(self, side: int) -> Places:
        if side not in self._places_by_side:
            self._places_by_side[side] = find_places(self.layers, side)
        return self._places_by_side[side]

    def _example(self, layer: Layer, allowed: Tensor, side: int) -> tuple[Tensor, float, float]:
        """Return five channels (picture, water, whether it is known), the label and the aspect."""
        channels, gsd_m, aspect = self._cut(layer, allowed, side)
        if self._chance(0.5):
            channels = channels.flip(2)
        if self.plain:
            return channels, gsd_m, aspect
        label = labels.label(layer, channels, gsd_m, self.generator)
        if layer.source not in MARBLES and self._chance(augmentation.RECOLOUR_SHARE):
            picture = augmentation.recoloured(channels[:3], self.colours, self.generator)
            channels = torch.cat([picture, channels[3:]])
        dry = coasts.is_dry(channels)
        if layer.source == SOFT_AT_SHORES:
            channels[4] = 0
        if self._chance(COAST_SHARE) and dry:
            channels = self._coast(channels, side)
        return channels, label, aspect

    def _cut(self, layer: Layer, allowed: Tensor, side: int) -> tuple[Tensor, float, float]:
        """Return five channels of a place, turned and squashed if may be; metres per pixel and aspect."""
        row, column = corner(layer, allowed, side, self.plain, self.generator)
        # The relief of the Blue Marble is lit from one side.
        turn = 0 if layer.source in MARBLES or self.plain else below(4, self.generator)
        height = side
        if not (layer.plate_carree or self.plain) and self._chance(augmentation.SQUASHED_SHARE):
            height = augmentation.squashed(layer, (row, column), side, turn, self.generator)
        down, across = (height, side) if turn % 2 == 0 else (side, height)
        rows = slice(row, row + down)
        channels = torch.rot90(_channels(layer, rows, slice(column, column + across)), turn, (1, 2))
        if height == side:
            return channels, layer.gsd_m, labels.aspect(layer, rows)
        channels = F.interpolate(channels[None], (side, side), mode="bilinear", antialias=True)[0]
        return channels, layer.gsd_m * height / side, height / side

    def _coast(self, land: Tensor, side: int) -> Tensor:
        """Return five channels with a sea and a shoreline of other places, where such are found."""
        sea, shore = (self._watery(side, span) for span in (coasts.SEA, coasts.COAST))
        return land if sea is None or shore is None else coasts.coast(land, sea[:3], shore[3])

    def _watery(self, side: int, span: tuple[float, float]) -> Tensor | None:
        """Return five channels of a place in the Blue Marble of which so large a share is water."""
        places = self._places(side)
        known = torch.tensor([x.source in MARBLES and x.water is not None for x in places.layers])
        shares = places.shares * known
        for _ in range(MOST_LAYERS * bool(shares.any())):
            i = int(torch.multinomial(shares, 1, generator=self.generator))
            layer = places.layers[i]
            window = coasts.window(layer, places.corners[i], side, span, self.generator)
            if window is not None:
                return _channels(layer, *window)
        return None

    def _chance(self, share: float) -> bool:
        return uniform(self.generator) < share


def _channels(layer: Layer, rows: slice, columns: slice) -> Tensor:
    """Return picture, share of water and whether it is known (5, y, x), 0 to 255."""
    pixels = layer.pixels[:, rows, columns].float()
    if layer.water is None:
        unknown = torch.zeros_like(pixels[:1])
        return torch.cat([pixels, unknown + 127.5, unknown])
    water = layer.water[None, rows, columns].float()
    return torch.cat([pixels, water, torch.ones_like(water)])
