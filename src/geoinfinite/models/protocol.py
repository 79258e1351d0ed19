"""What a model must offer so that a level can be drawn with it; any frozen architecture fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a world must know of a model before it is loaded."""

    bands: int | None
    """Bands in and out; ``None`` where the model takes any number."""
    factor: int
    """How many times finer its output is than the parent it is told."""
    margin: int
    """Parent pixels that it wants to see beyond every side of a tile."""
    multiple: int
    """Tile sides must be multiples of this."""


@dataclass(frozen=True, slots=True)
class Cond:
    """What a batch of tiles is told besides its noisy state and sigma."""

    parent: Array
    """``(tile, band, y, x)`` in [-1, 1]: the coarser level under every tile, with the model's margin."""
    gsd_m: float
    """Ground sample distance of the level being drawn, in metres."""


class Bound(Protocol):
    """A model told about one batch of tiles: a denoiser, and the way from its values to an image."""

    def state(self, noise: Array) -> Any:
        """Return NumPy noise ``(tile, band, y, x)`` where and as the denoiser computes."""

    def denoise(self, x: Any, sigma: float) -> Any:
        """Return the estimate of x0 given ``x = x0 + sigma * noise``; one network evaluation per tile."""

    def image(self, x0: Any) -> Array:
        """Return x0 as an image ``(tile, band, y, x)``, float32 in [-1, 1] before clipping."""


class TileModel(Protocol):
    """A loaded model."""

    def bind(self, cond: Cond) -> Bound:
        """Return the model conditioned on a batch of tiles."""
