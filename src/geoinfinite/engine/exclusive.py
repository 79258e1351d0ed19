"""A bound model whose network calls wait for one another, and whose other work does not."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, cast

from geoinfinite.diffusion.model import Array, Bound, Steered
from geoinfinite.told import Told

Lock = AbstractContextManager[Any]


@dataclass(frozen=True, slots=True)
class ExclusiveCalls:
    """A bound model that holds a device's lock while its networks compute, and no longer."""

    bound: Bound
    lock: Lock
    has_autoencoder: bool
    """Whether images are made by a network too."""

    def retold(self, changes: Mapping[str, tuple[Told, ...]]) -> ExclusiveCalls:
        """Return the same tiles told otherwise, alone on the device: networks may read what they are told."""
        with self.lock:
            return replace(self, bound=cast(Steered, self.bound).retold(changes))

    def state(self, field: Array) -> Any:
        """Return a state where the denoiser computes."""
        return self.bound.state(field)

    def field(self, x: Any) -> Array:
        """Return a state as NumPy."""
        return self.bound.field(x)

    def denoise(self, x: Any, sigma: float) -> Any:
        """Return the estimate of x0, alone on the device."""
        with self.lock:
            return self.bound.denoise(x, sigma)

    def image(self, x0: Any) -> Array:
        """Return the image of x0, alone on the device if a network decodes it."""
        with self._coding():
            return self.bound.image(x0)

    def encode(self, image: Array) -> Any:
        """Return the state of an image, alone on the device if a network encodes it."""
        with self._coding():
            return self.bound.encode(image)

    def _coding(self) -> Lock:
        return self.lock if self.has_autoencoder else nullcontext()
