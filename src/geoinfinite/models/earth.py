"""The bundled kind of network as a tile model: NumPy in, NumPy out, torch between."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Barrier

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
    dtype: torch.dtype

    def state(self, noise: Array) -> Tensor:
        """Return noise on the network's device."""
        return torch.from_numpy(noise).to(self.gsd_m.device)

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


@dataclass(frozen=True, slots=True)
class EarthModel:
    """A loaded network on a device."""

    network: EarthNetwork
    device: str
    dtype: torch.dtype
    """What convolutions compute in; weights, states and sums stay float32."""

    @torch.inference_mode()
    def bind(self, cond: Cond) -> EarthTiles:
        """Return the network conditioned on a batch of tiles."""
        parent = torch.from_numpy(cond.parent).to(self.device)
        gsd_m = torch.full((len(parent),), cond.gsd_m, device=self.device)
        with one_thread():
            given = earth_network.condition(parent, self.network.settings)
        return EarthTiles(self.network, given, gsd_m, self.dtype)


@cache
def workers() -> ThreadPoolExecutor:
    """Return threads that each evaluate one tile at a time, each without torch's own threads.

    How torch splits a sum between its threads changes the last bits; a tile that is evaluated alone, in
    one thread, has the same bits on a laptop and on a worker that was given one core.
    """
    threads = torch.get_num_threads()
    started = Barrier(threads)
    pool = ThreadPoolExecutor(threads, "tile", initializer=_set_threads, initargs=(1,))
    list(pool.map(lambda _: started.wait(), range(threads)))
    # What the workers set is also what torch gives to threads that begin later.
    _set_threads(threads)
    return pool


def _set_threads(count: int) -> None:
    torch.set_num_threads(count)
    # A thread takes over the number for good when it first asks for it.
    torch.get_num_threads()


os.register_at_fork(after_in_child=workers.cache_clear)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute without torch's other threads: for small operations, waking them takes longer than the work."""
    threads = torch.get_num_threads()
    _set_threads(1)
    try:
        yield
    finally:
        _set_threads(threads)


def load(directory: Path, device: str, dtype: str) -> EarthModel:
    """Load a checkpoint folder onto a device in a dtype."""
    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError('numerics.device="cuda", but torch sees no CUDA device; set numerics.device = "cpu"')
    return EarthModel(earth_network.load(directory, device), device, getattr(torch, dtype))


def device_name() -> str:
    """Return what the CUDA device in use calls itself."""
    return torch.cuda.get_device_name()
