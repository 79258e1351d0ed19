"""Crops of held-out places by resolution, and what a network draws from their parents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geoinfinite.models.earth.detail import DetailNetwork, load
from geoinfinite.models.earth.detail_files import read_shape
from geoinfinite.models.earth.network import EarthSettings
from geoinfinite.models.earth.settings import read_settings
from training.batch import Batch
from training.crops import Crops
from training.detail import draw, given, seeded, with_means
from training.layer import Layer
from training.learner import SETTINGS
from training.scene import Scene

SIDE = 128
SMALLEST_SIDE = 176
"""Pixels of a crop of `SIDE` with its margin: a smaller layer is left out."""
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Group:
    """Held-out pictures of one source whose pixels are of about one size."""

    name: str
    """A file name without its ending."""
    source: str
    """A key of `training.places.SHARES`."""
    finest_m: float
    coarsest_m: float

    @property
    def gsd_m(self) -> float:
        """Metres per pixel, the middle of the range by factors."""
        return float(np.sqrt(self.finest_m * self.coarsest_m))

    def has(self, layer: Layer) -> bool:
        """Return whether a layer belongs to the group."""
        return layer.source == self.source and self.finest_m <= layer.gsd_m <= self.coarsest_m


GROUPS = (
    Group("blue-marble-7400m", "blue-marble", 7000, 8000),
    Group("blue-marble-1900m", "blue-marble-fine", 1500, 2600),
    Group("blue-marble-500m", "blue-marble-fine", 400, 900),
    Group("landsat-120m", "landsat", 100, 140),
    Group("landsat-30m", "landsat", 25, 40),
    Group("sentinel-10m", "sentinel", 9, 11),
    Group("naip-5m", "fields", 4, 6),
    Group("neon-0.1m", "neon", 0.08, 0.25),
)


class HeldOut:
    """A stream of crops of one group, without augmentation but flips."""

    def __init__(
        self, scenes: list[Scene], group: Group, seed: int, settings: EarthSettings = SETTINGS
    ) -> None:
        """Keep the group's layers, each with a probability in proportion to its usable area."""
        # The colours that Crops takes from its first scene are of no use here.
        self.crops = Crops([*_chosen(scenes, group), scenes[0]], settings, seeded(seed), plain=True)
        fit = [layer for layer in self.crops.layers if group.has(layer)]
        self.crops.layers = [replace(layer, weight=float(layer.usable.sum())) for layer in fit]
        self.apart = sum(int(layer.usable.sum()) for layer in fit) / SIDE**2
        """As many crops of 128 px lie beside each other in the group."""

    def batch(self, count: int, side: int = SIDE) -> Batch:
        """Return `count` crops of `side` px with their real parents."""
        return self.crops.batch(count, side)


def _chosen(scenes: list[Scene], group: Group) -> Iterator[Scene]:
    """Yield the group's scenes without the layers that are too small for a crop."""
    for scene in scenes:
        side = min(scene.pixels.shape[1:])
        weights = {power: weight for power, weight in scene.weights.items() if side >> power >= SMALLEST_SIDE}
        if scene.source == group.source and weights:
            yield replace(scene, weights=weights)


def read_network(folder: Path) -> DetailNetwork:
    """Return a network that `training.export` wrote."""
    return load(folder, read_shape(folder, read_settings(folder)))


@torch.no_grad()
def drawn(network: DetailNetwork, batch: Batch, seed: int, settings: EarthSettings = SETTINGS) -> Tensor:
    """Return children (B, 3, T, T) in [-1, 1] that the network draws from the parents of a batch."""
    noise = torch.randn(batch.child.shape, generator=seeded(seed))
    pieces = [slice(start, start + AT_ONCE) for start in range(0, len(noise), AT_ONCE)]
    return torch.cat([draw(network, given(batch.part(piece), settings), noise[piece]) for piece in pieces])


def enlarged(batch: Batch, settings: EarthSettings = SETTINGS) -> Tensor:
    """Return the parents (B, 3, T, T), enlarged bicubically with their means kept."""
    seen = given(replace(batch, water=torch.zeros_like(batch.water)), settings)
    return with_means(seen.condition.base, seen.means).clamp(-1, 1)


def counts(images: Tensor) -> NDArray[np.uint8]:
    """Return images in [-1, 1] as bytes."""
    return ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).numpy()
