"""The bundled kind of network as a tile model: NumPy in, NumPy out, torch between."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from geoinfinite.diffusion.denoiser import from_flow
from geoinfinite.diffusion.model import Array, Cond
from geoinfinite.errors import ModelError
from geoinfinite.models.diffusers.weights import module_bytes
from geoinfinite.models.earth import network as earth_network
from geoinfinite.models.earth.network import EarthCondition, EarthNetwork
from geoinfinite.models.threads import workers


@dataclass(frozen=True, slots=True)
class EarthTiles:
    """The network told about one batch of tiles; its state is the residual in units of local contrast."""

    network: EarthNetwork
    given: EarthCondition
    gsd_m: Tensor
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
        """Return the residual that the network's velocity points to."""
        residual: Tensor = from_flow(self._velocity)(x, sigma)
        return residual

    def _velocity(self, z: Tensor, t: float) -> Tensor:
        if z.device.type != "cpu":
            return self._call(z, t, slice(None))
        tiles = [slice(i, i + 1) for i in range(len(z))]
        return torch.cat(list(workers().map(lambda tile: self._call(z[tile], t, tile), tiles)))

    @torch.inference_mode()
    def _call(self, z: Tensor, t: float, tile: slice) -> Tensor:
        given = EarthCondition(self.given.base[tile], self.given.scale[tile], self.given.features[tile])
        times = torch.full((len(z),), t, device=z.device)
        with torch.autocast(z.device.type, self.dtype, enabled=self.dtype is not torch.float32):
            return earth_network.velocity(self.network, z, times, given, self.gsd_m[tile])

    def image(self, x0: Tensor) -> Array:
        """Return the enlarged parent plus the residual in its units."""
        image: Array = earth_network.reconstruct(x0, self.given).cpu().numpy()
        return image

    @torch.inference_mode()
    def encode(self, image: Array) -> Tensor:
        """Return what an image adds to the enlarged parent, in its units."""
        return earth_network.residual(torch.from_numpy(image).to(self.gsd_m.device), self.given)


@dataclass(frozen=True, slots=True)
class EarthModel:
    """A loaded network on a device."""

    network: EarthNetwork
    device: str
    dtype: torch.dtype
    """What convolutions compute in; weights, states and sums stay float32."""

    @property
    def nbytes(self) -> int:
        """Memory of the weights, in bytes."""
        return module_bytes(self.network.unet)

    @torch.inference_mode()
    def bind(self, cond: Cond) -> EarthTiles:
        """Return the network conditioned on a batch of tiles."""
        parent = torch.from_numpy(cond.parent).to(self.device)
        gsd_m = torch.full((len(parent),), cond.gsd_m, device=self.device)
        # Every value is computed from its own neighbourhood, so torch's threads change no bit here.
        given = earth_network.condition(parent, self.network.settings)
        return EarthTiles(self.network, given, gsd_m, self.dtype)


def load(directory: Path, device: str, dtype: str) -> EarthModel:
    """Load a checkpoint folder onto a device in a dtype."""
    check_device(device)
    return EarthModel(earth_network.load(directory, device), device, getattr(torch, dtype))


def check_device(device: str) -> None:
    """Raise `ModelError` for a device that torch does not see."""
    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError('numerics.device="cuda", but torch sees no CUDA device; set numerics.device = "cpu"')


def device_name() -> str:
    """Return what the CUDA device in use calls itself."""
    return torch.cuda.get_device_name()
