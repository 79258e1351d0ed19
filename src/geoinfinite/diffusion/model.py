"""The protocol of models: what a model must offer so that a level can be drawn with it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from geoinfinite.told import Slot, Told

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Facts of a model that a world needs before the model is loaded."""

    bands: int | None
    """Bands in and out; ``None`` where the model takes any number."""
    factor: int | None
    """Pixels of the output along each pixel of the parent; ``None``: any number, or no parent."""
    margin: int
    """Parent pixels that it wants to see beyond every side of a tile."""
    multiple: int
    """Tile sides must be multiples of this."""
    conditioned: bool = True
    """Whether it needs a parent; a model that needs none can draw level 0."""
    latent: int = 1
    """Pixels of the image per pixel of the state, along each axis: 1 for a model of pixels."""
    channels: int | None = None
    """Channels of the state; ``None``: as many as bands."""
    halo: int = 0
    """Pixels beyond every side of a tile that a latent model decodes and throws away."""
    gsds: tuple[float, ...] | None = None
    """Ground sample distances that it has classes for, in metres; ``None``: it has no such list."""
    slots: tuple[Slot, ...] = ()
    """What it can be told besides its parent."""
    steps: int | None = None
    """The only number of steps that it was trained for; ``None``: any."""

    def class_of(self, gsd_m: float) -> int | None:
        """Return the class of the nearest known ground sample distance.

        ``None`` if none lies within a quarter of an octave.

        >>> facts = ModelFacts(bands=3, factor=4, margin=2, multiple=4, gsds=(1.0, 2.0, 4.0))
        >>> facts.class_of(2.2), facts.class_of(8.0)
        (1, None)
        """
        octaves = [abs(math.log2(known / gsd_m)) for known in self.gsds or ()]
        nearest = min(range(len(octaves)), key=octaves.__getitem__, default=None)
        return nearest if nearest is not None and octaves[nearest] <= 0.25 else None


def unknown_gsd(facts: ModelFacts, gsd_m: float) -> str:
    """Return the error text for a ground sample distance that a model has no class for."""
    known = ", ".join(f"{gsd:g}" for gsd in (facts.gsds or ())[:8])
    return (
        f"knows ground sample distances of {known} m, and none lies within a quarter of an octave of "
        f"{gsd_m:.4g} m; choose grid.resolution and grid.factor so that every level has one of them"
    )


@dataclass(frozen=True, slots=True)
class Cond:
    """The condition of a batch of tiles: what a model is given besides the noisy state and sigma."""

    parent: Array | None
    """``(tile, band, y, x)`` in [-1, 1]: the coarser level under every tile, with the model's margin;
    ``None`` for level 0 of a generated world."""
    gsd_m: float
    """Ground sample distance of the level being drawn, in metres."""
    told: Mapping[str, tuple[Told, ...]] = field(default_factory=dict)
    """By slot, what every tile is told; a slot that is left out is told nothing (``None``)."""
    strength: Mapping[str, float] = field(default_factory=dict)
    """By slot, the factor on what the slot adds to the network; 1 for those left out, 0 switches it off."""


class Bound(Protocol):
    """A model told about one batch of tiles: a denoiser, and the way from its values to an image and back.

    A state is ``(tile, channel, y, x)``; its sides are those of the tile over ``ModelFacts.latent``.
    """

    def state(self, field: Array) -> Any:
        """Return a NumPy state, of noise or of a field fused earlier, where and as the denoiser computes."""

    def field(self, x: Any) -> Array:
        """Return a state as float32 NumPy: undoes `state`."""

    def denoise(self, x: Any, sigma: float) -> Any:
        """Return the estimate of x0 given ``x = x0 + sigma * noise``; one network evaluation per tile."""

    def image(self, x0: Any) -> Array:
        """Return x0 as an image ``(tile, band, y, x)``, float32 in [-1, 1] before clipping: decoded."""

    def encode(self, image: Array) -> Any:
        """Return the state whose image this is, as nearly as the model can: undoes `image`."""


class Steered(Bound, Protocol):
    """A bound model that has slots."""

    def retold(self, changes: Mapping[str, tuple[Told, ...]]) -> Self:
        """Return the same tiles told otherwise in some slots; ``None`` is what stands for nothing.

        What does not depend on those slots is not computed again.
        """


class TileModel(Protocol):
    """A loaded model."""

    @property
    def nbytes(self) -> int:
        """Memory that its weights hold on its device, in bytes; 0 for a model without weights."""

    def bind(self, cond: Cond) -> Bound:
        """Return the model conditioned on a batch of tiles."""
