"""Drawing detail in training: the condition, one evaluation, block means taken away."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from geoinfinite.models.earth.colours import Condition, condition, reconstruct, residual
from geoinfinite.models.earth.detail import DetailNetwork
from geoinfinite.models.earth.network import EarthSettings
from geoinfinite.models.earth.shores import shore, with_shore
from training.batch import Batch, Region, centre, follow, to_bytes

DRAWN_BELOW = 2000.0
"""Metres: the coarsest crops whose parents are drawn; the root is real."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a batch is drawn from."""

    condition: Condition
    """Of the parents, enlarged with their shores."""
    means: Tensor
    """(B, 3, T / factor, T / factor): the parents' pixels below the tiles, the means of their children."""
    water: Tensor
    """(B, 2, T, T): the share of water, whether it is known."""
    gsd_m: Tensor
    aspect: Tensor

    @property
    def features(self) -> Tensor:
        """(B, 10, T, T): what the network is given besides noise."""
        return torch.cat([self.condition.features, self.water], 1)

    @property
    def pixel(self) -> tuple[Tensor, Tensor]:
        """What is known of a pixel on the ground: metres from north to south, height over width."""
        return self.gsd_m, self.aspect

    @property
    def shown(self) -> Tensor:
        """(B, 8, T, T): what the critic is shown: all but the units."""
        return torch.cat([self.condition.features[:, :6], self.water], 1)


def given(batch: Batch, settings: EarthSettings) -> Given:
    """Return what a batch is drawn from."""
    plain = condition(batch.parent, settings)
    seen = with_shore(plain, shore(plain, batch.water, settings.factor))
    means = centre(batch.parent, seen.base.shape[-1] // settings.factor)
    return Given(seen, means, batch.water, batch.gsd_m, batch.aspect)


def without_means(image: Tensor, factor: int) -> Tensor:
    """Take the means of the parent's pixels away."""
    return image - F.interpolate(F.avg_pool2d(image, factor), scale_factor=factor, mode="nearest")


def with_means(image: Tensor, means: Tensor) -> Tensor:
    """Put other means in place of an image's own: the cascade law asks for the parent's pixels."""
    factor = image.shape[-1] // means.shape[-1]
    return without_means(image, factor) + F.interpolate(means, scale_factor=factor, mode="nearest")


def detail_of(child: Tensor, seen: Given, factor: int) -> Tensor:
    """Return what children, real or drawn, add to the enlarged parent, without means, in units of detail."""
    base = seen.condition.base
    return residual(base + without_means(child - base, factor), seen.condition)


def draw(network: DetailNetwork, seen: Given, noise: Tensor, half: bool = False) -> Tensor:
    """Return children (B, 3, T, T), bytes in [-1, 1]; convolutions compute in bfloat16 if `half`.

    Their means are those of their parents but for the rounding. A gradient passes through it as if there were
    none. Real pictures are bytes: a critic would know drawn ones that are not by the steps they lack.
    """
    with torch.autocast(noise.device.type, torch.bfloat16, enabled=half):
        detail = network(noise, seen.features, seen.condition.stray, seen.gsd_m, seen.aspect)
    child = with_means(reconstruct(detail.float(), seen.condition), seen.means).clamp(-1, 1)
    return child + (to_bytes(child) - child).detach()


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


def noise_of(places: Lineage, generator: Generator) -> tuple[Tensor, ...]:
    """Return noise for every older generation, the oldest first."""
    shapes = (batch.child.shape for batch in places.older)
    return tuple(torch.randn(shape, generator=generator, device=generator.device) for shape in shapes)


def drawn_parents(
    network: DetailNetwork,
    places: Lineage,
    settings: EarthSettings,
    noises: tuple[Tensor, ...],
    half: bool = False,
) -> Tensor:
    """Return parents (B, 3, P, P) of the youngest examples, drawn by the network itself as in a cascade.

    A gradient reaches the drawing of these parents, and no further.
    """
    parents = places.older[0].parent
    younger = (*places.older[1:], places.youngest)
    for batch, next_one, noise in zip(places.older, younger, noises, strict=True):
        seen = given(replace(batch, parent=parents.detach()), settings)
        parents = centre(draw(network, seen, noise, half), next_one.parent.shape[-1])
    return parents


@torch.no_grad()
def with_drawn_parents(
    network: DetailNetwork, places: Lineage, settings: EarthSettings, generator: Generator
) -> Batch:
    """Return the youngest examples with drawn parents; the child's own detail follows their means."""
    moved = drawn_parents(network, places, settings, noise_of(places, generator))
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
