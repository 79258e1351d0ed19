"""The network of detail as a tile model: NumPy in, NumPy out, torch between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from geoinfinite.diffusion.denoiser import from_flow
from geoinfinite.diffusion.model import Array, Cond
from geoinfinite.models.diffusers.weights import module_bytes
from geoinfinite.models.earth import detail
from geoinfinite.models.earth.colours import Condition, condition, reconstruct, residual
from geoinfinite.models.earth.detail_files import ASPECT, WATER, read_shape
from geoinfinite.models.earth.settings import EarthSettings, read_settings
from geoinfinite.models.earth.shores import shore, with_shore
from geoinfinite.models.earth.tiles import check_device
from geoinfinite.models.threads import tile_by_tile
from geoinfinite.told import Told

LARGEST_ASPECT = 4.0
"""Beyond it, at 75.5 degrees in plate carree, a pixel counts as this much higher than wide."""


@dataclass(frozen=True, slots=True)
class DetailTiles:
    """The network told about one batch of tiles; a state is the detail in units of local contrast."""

    network: nn.Module
    factor: int
    """Child pixels along each parent pixel."""
    given: Condition
    """Of the parents, whatever is told of their water: a state has one meaning."""
    gsd_m: Tensor
    water: Tensor
    """(B, 2, T, T): the share of water from -1 to 1, times its strength, and whether it is known."""
    aspect: Tensor
    """(B,): height over width of a pixel on the ground."""
    strength: float
    dtype: torch.dtype

    def state(self, field: Array) -> Tensor:
        """Return a state on the network's device."""
        return torch.from_numpy(field).to(self.gsd_m.device)

    def field(self, x: Tensor) -> Array:
        """Return a state in NumPy."""
        field: Array = x.cpu().numpy()
        return field

    @torch.inference_mode()
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """Return the detail that is drawn from noise alone; at less noise, from what there is too."""
        estimate: Tensor = from_flow(self._velocity)(x, sigma)
        return estimate

    def _velocity(self, z: Tensor, t: float) -> Tensor:
        return z - tile_by_tile(lambda tile: self._drawn(z[tile], tile), len(z), z.device)

    @torch.inference_mode()
    def _drawn(self, noise: Tensor, tile: slice) -> Tensor:
        given, water = self.given.part(tile), self.water[tile]
        # The line is the same for shares of any strength.
        added = self.strength * shore(given, water, self.factor)
        features = torch.cat([with_shore(given, added).features, water], dim=1)
        with torch.autocast(noise.device.type, self.dtype, enabled=self.dtype is not torch.float32):
            answer: Tensor = self.network(noise, features, given.stray, self.gsd_m[tile], self.aspect[tile])
        return answer.float() + added

    def image(self, x0: Tensor) -> Array:
        """Return the enlarged parent plus the detail in its units."""
        image: Array = reconstruct(x0, self.given).cpu().numpy()
        return image

    @torch.inference_mode()
    def encode(self, image: Array) -> Tensor:
        """Return what an image adds to the enlarged parent, in its units."""
        return residual(torch.from_numpy(image).to(self.gsd_m.device), self.given)

    def retold(self, changes: Mapping[str, tuple[Told, ...]]) -> DetailTiles:
        """Return the same tiles told otherwise in some slots."""
        found = self
        if WATER in changes:
            found = replace(found, water=_water(changes[WATER], self.strength, self.water))
        if ASPECT in changes:
            found = replace(found, aspect=_aspect(changes[ASPECT], self.aspect))
        return found


@dataclass(frozen=True, slots=True)
class DetailModel:
    """A loaded network on a device."""

    network: nn.Module
    settings: EarthSettings
    device: str
    dtype: torch.dtype
    """What convolutions compute in; weights, states and sums stay float32."""

    @property
    def nbytes(self) -> int:
        """Memory of the weights, in bytes."""
        return module_bytes(self.network)

    @torch.inference_mode()
    def bind(self, cond: Cond) -> DetailTiles:
        """Return the network conditioned on a batch of tiles."""
        parent = torch.from_numpy(cond.parent).to(self.device)
        tiles = len(parent)
        # Every value is computed from its own neighbourhood, so torch's threads change no bit here.
        given = condition(parent, self.settings)
        like = given.unit.new_zeros((tiles, 2, *given.unit.shape[-2:]))
        square = torch.ones(tiles, device=self.device)
        strength = cond.strength.get(WATER, 1.0)
        return DetailTiles(
            network=self.network,
            factor=self.settings.factor,
            given=given,
            gsd_m=torch.full((tiles,), cond.gsd_m, device=self.device),
            water=_water(cond.told.get(WATER), strength, like),
            aspect=_aspect(cond.told.get(ASPECT), square),
            strength=strength,
            dtype=self.dtype,
        )


def load(directory: Path, device: str, dtype: str) -> DetailModel:
    """Load a checkpoint folder onto a device in a dtype."""
    check_device(device)
    settings = read_settings(directory)
    network = detail.load(directory, read_shape(directory, settings)).to(device)
    return DetailModel(network, settings, device, getattr(torch, dtype))


def _water(told: Sequence[Any] | None, strength: float, like: Tensor) -> Tensor:
    """Return share and knowledge of water in the shape of `like`; a tile told nothing knows nothing."""
    water = torch.zeros_like(like)
    for tile, share in enumerate(told or ()):
        if share is not None and strength > 0:
            water[tile, 0] = torch.from_numpy(np.asarray(share[0], np.float32)).clamp(-1, 1) * strength
            water[tile, 1] = 1
    return water


def _aspect(told: Sequence[Any] | None, like: Tensor) -> Tensor:
    """Return every tile's aspect; 1, square pixels, where nothing is told."""
    known = [1.0 if facts is None or np.isnan(facts[0]) else float(facts[0]) for facts in told or ()]
    aspect = torch.tensor(known or [1.0] * len(like), dtype=torch.float32, device=like.device)
    return aspect.clamp(1 / LARGEST_ASPECT, LARGEST_ASPECT)
