"""Drawing detail in training: the condition, one evaluation, block means taken away."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from geoinfinite.models.earth.detail import DetailNetwork
from geoinfinite.models.earth.network import EarthSettings, condition
from training.crops import Batch, Region, centre, follow, to_bytes

DRAWN_BELOW = 2000.0
"""Metres: the coarsest crops whose parents are drawn; the root is real."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a batch is drawn from."""

    base: Tensor
    """(B, 3, T, T): the enlarged parent."""
    scale: Tensor
    """(B, 1, T, T): the unit of detail."""
    features: Tensor
    """(B, 9, T, T): base, the parent's detail, log(scale), water, whether it is known."""
    gsd_m: Tensor
    aspect: Tensor

    @property
    def shown(self) -> Tensor:
        """(B, 8, T, T): what the critic is shown of them."""
        return torch.cat([self.features[:, :6], self.features[:, 7:]], 1)

    def twice(self) -> Given:
        """Return every example two times: the batch, then the batch again."""
        parts = (self.base, self.scale, self.features, self.gsd_m, self.aspect)
        return Given(*(torch.cat([part, part]) for part in parts))


def given(batch: Batch, settings: EarthSettings) -> Given:
    """Return what a batch is drawn from."""
    seen = condition(batch.parent, settings)
    features = torch.cat([seen.features, batch.water], 1)
    return Given(seen.base, seen.scale, features, batch.gsd_m, batch.aspect)


def without_means(image: Tensor, factor: int) -> Tensor:
    """Take the means of the parent's pixels away: the cascade law puts the parent's own in their place."""
    means = F.avg_pool2d(image, factor)
    return image - F.interpolate(means, scale_factor=factor, mode="nearest")


def real_detail(batch: Batch, seen: Given, factor: int) -> Tensor:
    """Return the detail of the true children, in units of scale."""
    return without_means(batch.child - seen.base, factor) / seen.scale


def draw_detail(network: DetailNetwork, seen: Given, noise: Tensor, factor: int, half: bool) -> Tensor:
    """Return drawn detail, in units of scale; convolutions compute in bfloat16 if `half`."""
    with torch.autocast(noise.device.type, torch.bfloat16, enabled=half):
        detail = network(noise, seen.features, seen.gsd_m, seen.aspect)
    return without_means(seen.scale * detail.float(), factor) / seen.scale


@torch.no_grad()
def draw(
    network: DetailNetwork, batch: Batch, settings: EarthSettings, noise: Tensor, half: bool = False
) -> Tensor:
    """Return children (B, 3, T, T) in [-1, 1] with the means of their parents."""
    seen, factor = given(batch, settings), settings.factor
    detail = draw_detail(network, seen, noise, factor, half)
    means = centre(batch.parent, noise.shape[-1] // factor)
    base = without_means(seen.base, factor) + F.interpolate(means, scale_factor=factor, mode="nearest")
    return (base + seen.scale * detail).clamp(-1, 1)


@dataclass(frozen=True, slots=True)
class Lineage:
    """Examples of two or more generations of the same places."""

    older: tuple[Batch, ...]
    """The oldest first. Each one's children hold the parents of the next."""
    youngest: Batch

    def to(self, device: torch.device) -> Lineage:
        """Return the examples on a device."""
        return Lineage(tuple(batch.to(device) for batch in self.older), self.youngest.to(device))


def region_side(tile: int, settings: EarthSettings, generations: int) -> int:
    """Return the side of a region with an example of `tile` px and so many older generations."""
    factor = settings.factor
    return (_sides(tile, settings, generations)[-1] + 2 * settings.margin * factor) * factor**generations


def lineage(region: Region, tile: int, settings: EarthSettings, generations: int = 1) -> Lineage:
    """Return examples of `tile` px and so many older generations, all of them real."""
    batches, picture, water, gsd_m = [], region.picture, region.water, region.gsd_m
    for side in _sides(tile, settings, generations):
        parent = to_bytes(F.avg_pool2d(picture, settings.factor))
        window = side // settings.factor + 2 * settings.margin
        shown = centre(parent, window), centre(picture, side), centre(water, side)
        batches.append(Batch(*shown, gsd_m, region.aspect))
        picture, water = parent, F.avg_pool2d(water, settings.factor)
        gsd_m = gsd_m * settings.factor
    return Lineage(tuple(reversed(batches[1:])), batches[0])


def with_drawn_parents(
    network: DetailNetwork,
    places: Lineage,
    settings: EarthSettings,
    generator: Generator,
    half: bool = False,
) -> Batch:
    """Return the youngest examples with parents that the network has drawn itself, as in a cascade.

    The child keeps its own detail and takes the means of the drawn parent. Source: the condition degradation
    of MetaEarth (arXiv:2405.13570), with the network's own errors in place of blur and noise.
    """
    moved = places.older[0].parent
    for batch, younger in zip(places.older, (*places.older[1:], places.youngest), strict=True):
        noise = torch.randn(batch.child.shape, generator=generator, device=generator.device)
        drawn = to_bytes(draw(network, replace(batch, parent=moved), settings, noise, half))
        moved = centre(drawn, younger.parent.shape[-1])
    youngest = places.youngest
    child = follow(youngest.child, youngest.parent, moved, settings.margin)
    return replace(youngest, parent=moved, child=child)


def _sides(tile: int, settings: EarthSettings, generations: int) -> list[int]:
    """Return the sides that are drawn, the youngest first: each holds the parents of the one before."""
    sides = [tile]
    for _ in range(generations):
        window = sides[-1] // settings.factor + 2 * settings.margin
        sides.append(-(-window // settings.multiple) * settings.multiple)
    return sides


def bfloat16_is_fast(device: torch.device) -> bool:
    """Return whether a device multiplies in bfloat16; where it does not, autocast is many times slower."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return bool(torch.cpu._is_avx512_bf16_supported())


def seeded(seed: int) -> Generator:
    """Return a generator of the CPU, so that a run takes the same crops on every device."""
    return Generator().manual_seed(seed)
