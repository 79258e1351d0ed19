"""The bundled kind of network as a tile model: NumPy in, NumPy out, torch between."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from geoinfinite.denoiser import from_flow
from geoinfinite.errors import ModelError
from geoinfinite.models import earth_network
from geoinfinite.models.earth_network import EarthCondition, EarthNetwork
from geoinfinite.models.protocol import Array, Cond


@dataclass(frozen=True, slots=True)
class EarthTiles:
    """The network told about one batch of tiles; its state is the residual in units of local contrast."""

    network: EarthNetwork
    given: EarthCondition
    gsd_m: Tensor

    def state(self, noise: Array) -> Tensor:
        """Return noise on the network's device."""
        return torch.from_numpy(noise).to(self.gsd_m.device)

    @torch.inference_mode()
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """Return the residual that the network's velocity points to."""
        residual: Tensor = from_flow(self._velocity)(x, sigma)
        return residual

    def _velocity(self, z: Tensor, t: float) -> Tensor:
        times = torch.full((len(z),), t, device=z.device)
        return earth_network.velocity(self.network, z, times, self.given, self.gsd_m)

    def image(self, x0: Tensor) -> Array:
        """Return the enlarged parent plus the residual in its units."""
        image: Array = earth_network.reconstruct(x0, self.given).cpu().numpy()
        return image


@dataclass(frozen=True, slots=True)
class EarthModel:
    """A loaded network on a device."""

    network: EarthNetwork
    device: str

    @torch.inference_mode()
    def bind(self, cond: Cond) -> EarthTiles:
        """Return the network conditioned on a batch of tiles."""
        parent = torch.from_numpy(cond.parent).to(self.device)
        gsd_m = torch.full((len(parent),), cond.gsd_m, device=self.device)
        return EarthTiles(self.network, earth_network.condition(parent, self.network.settings), gsd_m)


def load(directory: Path, device: str, dtype: str) -> EarthModel:
    """Load a checkpoint folder onto a device in a dtype."""
    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError('numerics.device="cuda", but torch sees no CUDA device; set numerics.device = "cpu"')
    return EarthModel(earth_network.load(directory, device, getattr(torch, dtype)), device)


def device_name() -> str:
    """Return what the CUDA device in use calls itself."""
    return torch.cuda.get_device_name()
