"""Draw batches of (parent window, child tile, water, resolution, aspect) from the layers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from geoinfinite.models.earth.network import EarthSettings
from geoinfinite.plane.resample import mean_exact_upsampler
from training import coasts
from training.layer import Layer
from training.scene import Scene

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
SOFT_AT_SHORES = "blue-marble-fine"
"""The source whose pictures hardly follow the water that is known of them: it is not told."""
LAND_SHARE = 0.85
"""Share of Blue Marble crops that must show land on a quarter of their area."""
ROUGH_SHARE = 0.3
"""Share of Blue Marble crops that must be rough: snow, ranges and coasts, where detail is the strongest."""
LEAST_ROUGHNESS = 9.0
"""Counts of 255 between neighbours in a row, on average: one crop in fifteen has more."""
RECOLOUR_SHARE = 0.35
"""Share of crops of finer sources that take a colour of the Blue Marble's land."""
WIDE_SHARE = 0.35, 0.08
"""Share of Blue Marble crops that are labelled with any finer resolution: (of water, desert and ice, which
finer sources hardly show, of the rest)."""
FINEST_LABEL = 0.3
SQUASHED_SHARE = 0.3
"""Share of the crops of square pixels that are squashed from north to south, as plate carree does."""
LARGEST_ASPECT = 4.0
COAST_SHARE = 0.25
"""Share of the crops without known water that get a sea and a shoreline of other places."""
MOST_LAYERS = 4
"""Layers in which a place with enough water, and not too much, is sought."""
MOST_ATTEMPTS = 60
"""Places that are tried for a wanted crop before any allowed one is taken."""
UNKNOWN_WATER = 0.25
"""Share of crops whose water is not told although it is known."""
BLURS = 1, 1, 4, 16
"""Cells, in pixels, of the raster that tells the water: one is drawn."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Training examples in [-1, 1]."""

    parent: Tensor
    """(B, 3, P, P)."""
    child: Tensor
    """(B, 3, T, T)."""
    water: Tensor
    """(B, 2, T, T): the share of water, -1 to 1, 0 where it is unknown; and 1 where it is known."""
    gsd_m: Tensor
    """(B,): the label, metres per child pixel from north to south."""
    aspect: Tensor
    """(B,): height over width of a pixel on the ground."""

    def joined(self, other: Batch) -> Batch:
        """Return the examples of both."""
        fields = ("parent", "child", "water", "gsd_m", "aspect")
        return Batch(*(torch.cat([getattr(self, name), getattr(other, name)]) for name in fields))

    def part(self, chosen: slice | Tensor) -> Batch:
        """Return some examples, by a slice, numbers or a mask."""
        fields = (self.parent, self.child, self.water, self.gsd_m, self.aspect)
        return Batch(*(field[chosen] for field in fields))

    def to(self, device: torch.device) -> Batch:
        """Return the examples on a device."""
        return Batch(*(x.to(device) for x in (self.parent, self.child, self.water, self.gsd_m, self.aspect)))


@dataclass(frozen=True, slots=True)
class Region:
    """Crops with what surrounds their tiles: pictures (B, 3, S, S) in [-1, 1], water, label and aspect."""

    picture: Tensor
    water: Tensor
    gsd_m: Tensor
    aspect: Tensor


@dataclass(frozen=True, slots=True)
class Places:
    """Where crops of one size may be taken."""

    layers: list[Layer]
    """Small ones mirrored."""
    corners: list[Tensor]
    """Of every layer, which corners (H - side + 1, W - side + 1) are allowed."""
    shares: Tensor
    """Of every layer, its probability."""


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
        self._places_by_side: dict[int, Places] = {}
        globe = scenes[0]
        dry = globe.usable if globe.water is None else globe.usable & (globe.water < 128)
        land = globe.pixels[:, dry].T.float()[::97]
        brightness = land.mean(1)
        self.colours = land[(brightness > 15) & (brightness < 190)]

    def batch(self, size: int, tile: int) -> Batch:
        """Return `size` examples of `tile` px with real parents, disturbed unless `plain`."""
        factor, margin = self.settings.factor, self.settings.margin
        region = self.region(size, self._side(tile))
        parent = to_bytes(F.avg_pool2d(region.picture, factor))
        child, water = centre(region.picture, tile), centre(region.water, tile)
        if not self.plain:
            moved = self._disturbed(parent)
            child, parent = follow(child, parent, moved, margin), moved
        return Batch(parent, child, water, region.gsd_m, region.aspect)

    def region(self, size: int, side: int, coarsest: float = math.inf) -> Region:
        """Return `size` crops of `side` px of layers no coarser than `coarsest` metres."""
        places = self._places(side)
        fit = torch.tensor([layer.gsd_m <= coarsest for layer in places.layers])
        drawn = torch.multinomial(places.shares * fit, size, True, generator=self.generator).tolist()
        parts = [self._example(places.layers[i], places.corners[i], side) for i in drawn]
        stacked = torch.stack([pixels for pixels, _, _ in parts])
        gsd_m, aspect = (torch.tensor([part[k] for part in parts]) for k in (1, 2))
        return Region(stacked[:, :3] / 127.5 - 1, self._told(stacked[:, 3:]), gsd_m, aspect)

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
            self._places_by_side[side] = _places(self.layers, side)
        return self._places_by_side[side]

    def _example(self, layer: Layer, allowed: Tensor, side: int) -> tuple[Tensor, float, float]:
        """Return five channels (picture, water, whether it is known), the label and the aspect."""
        row, column = self._place(layer, allowed, side)
        marble, aspect, gsd_m = layer.source in MARBLES, 1.0, layer.gsd_m
        turn = 0 if marble or self.plain else self._below(4)
        height = side
        if layer.plate_carree:
            latitude = math.pi * (0.5 - (row + side / 2) / layer.pixels.shape[1])
            aspect = min(LARGEST_ASPECT, 1 / max(0.01, math.cos(latitude)))
        elif not self.plain and self._uniform() < SQUASHED_SHARE:
            height = self._squashable(layer, row, column, side, turn)
        shape = (height, side) if turn % 2 == 0 else (side, height)
        pixels = _channels(layer, slice(row, row + shape[0]), slice(column, column + shape[1]))
        pixels = torch.rot90(pixels, turn, (1, 2))
        if height > side:
            pixels = F.interpolate(pixels[None], (side, side), mode="bilinear", antialias=True)[0]
            aspect, gsd_m = height / side, gsd_m * height / side
        if self._uniform() < 0.5:
            pixels = pixels.flip(2)
        if self.plain:
            return pixels, gsd_m, aspect
        if marble:
            label = self._marble_label(layer, pixels, gsd_m)
        else:
            label = self._label(gsd_m, *layer.octaves)
            if self._uniform() < RECOLOUR_SHARE:
                pixels = torch.cat([self._recolour(pixels[:3]), pixels[3:]])
        dry = coasts.is_dry(pixels)
        if layer.source == SOFT_AT_SHORES:
            pixels[4] = 0
        if self._uniform() < COAST_SHARE and dry:
            pixels = self._coast(pixels, side)
        return pixels, label, aspect

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

    def _place(self, layer: Layer, allowed: Tensor, side: int) -> tuple[int, int]:
        """Draw the corner of a crop; reject missing, held-out and, mostly, watery and smooth ones."""
        needs_land = self._uniform() < LAND_SHARE
        needs_detail = not self.plain and self._uniform() < ROUGH_SHARE
        possible = None
        for _ in range(MOST_ATTEMPTS):
            row, column = self._below(allowed.shape[0]), self._below(allowed.shape[1])
            if not bool(allowed[row, column]):
                continue
            possible = row, column
            if layer.source not in MARBLES:
                break
            window = slice(row, row + side), slice(column, column + side)
            if needs_detail and _roughness(layer.pixels[1][window]) < LEAST_ROUGHNESS:
                continue
            if self._wanted(layer, row, column, side, needs_land):
                break
        if possible is None:
            places = allowed.nonzero()
            at = places[self._below(len(places))]
            possible = int(at[0]), int(at[1])
        return possible

    def _wanted(self, layer: Layer, row: int, column: int, side: int, needs_land: bool) -> bool:
        """Even out the stretch of plate carree, and ask for land when land is needed."""
        latitude = math.pi * (0.5 - (row + side / 2) / layer.pixels.shape[1])
        if layer.plate_carree and self._uniform() > math.cos(latitude) + 0.1:
            return False
        if not needs_land or layer.water is None:
            return True
        wet = layer.water[row : row + side : 4, column : column + side : 4].float().mean() / 255
        return bool(wet < 0.75)

    def _squashable(self, layer: Layer, row: int, column: int, side: int, turn: int) -> int:
        """Return a height, in pixels, that the layer has below the corner and that is squashed to `side`."""
        height = round(side * LARGEST_ASPECT ** (0.8 * self._uniform()))
        rows, columns = (height, side) if turn % 2 == 0 else (side, height)
        window = layer.usable[row : row + rows, column : column + columns]
        return height if tuple(window.shape) == (rows, columns) and bool(window.all()) else side

    def _marble_label(self, layer: Layer, pixels: Tensor, gsd_m: float) -> float:
        wet = float(pixels[3, ::4, ::4].mean()) / 255
        scarce = wet > 0.2 or float(pixels[:3, ::4, ::4].mean()) > 100.0
        if self._uniform() < WIDE_SHARE[0 if scarce else 1]:
            return self._label(gsd_m, math.log2(FINEST_LABEL / gsd_m), 0.0)
        return self._label(gsd_m, *layer.octaves)

    def _label(self, gsd_m: float, low: float, high: float) -> float:
        return gsd_m * float(2.0 ** (low + (high - low) * self._uniform()))

    def _recolour(self, pixels: Tensor) -> Tensor:
        """Move the mean towards a colour of the Blue Marble's land, and change the contrast."""
        own = pixels.mean((1, 2))
        other = self.colours[self._below(len(self.colours))]
        mean = own + self._uniform() * (other - own)
        gain = math.exp(math.log(0.7) + self._uniform() * math.log(2.0))
        moved = mean[:, None, None] + gain * (pixels - own[:, None, None])
        return moved.round().clamp(0, 255)

    def _told(self, channels: Tensor) -> Tensor:
        """Return the share of water (B, 2, S, S) as a raster of some cell would tell it, or not at all."""
        water, known = channels[:, :1] / 127.5 - 1, channels[:, 1:]
        if not self.plain:
            cells = [BLURS[self._below(len(BLURS))] for _ in range(len(water))]
            water = torch.cat([_in_cells(w[None], cell) for w, cell in zip(water, cells, strict=True)])
            told = torch.rand(len(water), 1, 1, 1, generator=self.generator) >= UNKNOWN_WATER
            known = known * told
        return torch.cat([water * known, known], 1)

    def _disturbed(self, parent: Tensor) -> Tensor:
        """Return parents softer, or noisier, as those of a cascade are; 40 % as they are."""
        draws = torch.rand(3, len(parent), 1, 1, 1, generator=self.generator)
        blurred = F.avg_pool2d(F.pad(parent, (1, 1, 1, 1), mode="replicate"), 3, 1)
        moved = parent + (draws[0] < 0.3) * 0.6 * draws[1] * (blurred - parent)
        noise = torch.randn(parent.shape, generator=self.generator)
        return to_bytes(moved + (draws[0] > 0.7) * 0.012 * draws[2] * noise)

    def _uniform(self) -> float:
        return float(torch.rand((), generator=self.generator))

    def _below(self, bound: int) -> int:
        return int(torch.randint(bound, (), generator=self.generator))


def _places(layers: list[Layer], side: int) -> Places:
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


def follow(child: Tensor, parent: Tensor, moved: Tensor, margin: int) -> Tensor:
    """Return the child with the means of the moved parent and its own detail."""
    change = (moved - parent)[..., margin:-margin, margin:-margin]
    enlarge = torch.from_numpy(
        mean_exact_upsampler(change.shape[-1], child.shape[-1] // change.shape[-1]).copy()
    ).to(child)
    followed: Tensor = (child + enlarge @ change @ enlarge.T).clamp(-1, 1)
    return followed


def centre(images: Tensor, side: int) -> Tensor:
    """Cut the central `side` x `side` pixels."""
    top, left = ((size - side) // 2 for size in images.shape[-2:])
    return images[..., top : top + side, left : left + side]


def to_bytes(images: Tensor) -> Tensor:
    """Round values in [-1, 1] to those that bytes can hold."""
    return ((images + 1) * 127.5).round().clamp(0, 255) / 127.5 - 1


def _channels(layer: Layer, rows: slice, columns: slice) -> Tensor:
    pixels = layer.pixels[:, rows, columns].float()
    if layer.water is None:
        unknown = torch.zeros_like(pixels[:1])
        return torch.cat([pixels, unknown + 127.5, unknown])
    water = layer.water[None, rows, columns].float()
    return torch.cat([pixels, water, torch.ones_like(water)])


def _roughness(band: Tensor) -> float:
    """Return the mean difference between neighbours in every fourth row."""
    rows = band[::4].float()
    return float((rows[:, 1:] - rows[:, :-1]).abs().mean())


def _in_cells(water: Tensor, cell: int) -> Tensor:
    """Return a picture (1, 1, S, S) as bilinear interpolation between its means over cells."""
    if cell == 1:
        return water
    means = F.avg_pool2d(water, cell, ceil_mode=True)
    wide = F.interpolate(means, scale_factor=cell, mode="bilinear", align_corners=False)
    return wide[..., : water.shape[-2], : water.shape[-1]]


def sources(layers: list[Layer]) -> Iterator[str]:
    """Yield the sources that have a layer, once each."""
    yield from dict.fromkeys(layer.source for layer in layers)
