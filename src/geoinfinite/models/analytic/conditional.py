"""Gaussian fields whose mean and deviation are told: the laws of conditions in closed form."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from geoinfinite.diffusion.model import Array, Cond, ModelFacts
from geoinfinite.models.analytic.latent import (
    CHANNELS,
    HALO,
    LATENT,
    expand_code,
    project_code,
    smooth,
)
from geoinfinite.models.analytic.stationary import shrink
from geoinfinite.told import Slot, Told

BANDS, DEVIATION = 3, 0.2
LENGTHS_PX = 6.0, 6.0, 6.0
LENGTHS_OF_CODE = 3.0, 2.0, 2.0, 3.0
COLOUR = 0.5
"""The greatest value of a text's colour."""
FACTS_TOLD = "lon", "lat", "cloud_cover"
SLOTS = (
    Slot("prompt", "text", dropped=True, required=False),
    Slot("hint", "raster", channels=BANDS, span=(-0.5, 0.5), required=False),
    Slot("metadata", "metadata", bands=FACTS_TOLD, dropped=True, required=False),
    Slot("embedding", "embedding", channels=BANDS, cells=2, required=False),
)


def colour_of(text: str | None) -> Array:
    """Return the mean ``(band,)`` that a text stands for; nothing and the empty text stand for grey.

    >>> colour_of("").tolist(), bool((abs(colour_of("a harbour")) <= COLOUR).all())
    ([0.0, 0.0, 0.0], True)
    """
    if not text:
        return np.zeros(BANDS, np.float32)
    digest = hashlib.sha256(text.encode()).digest()[:BANDS]
    return np.asarray(COLOUR * (np.frombuffer(digest, np.uint8) / 127.5 - 1), np.float32)


def shift_of(facts: NDArray[np.float64] | None) -> Array:
    """Return what longitude and latitude add to the mean ``(band,)``; nothing where they are not known."""
    if facts is None:
        return np.zeros(BANDS, np.float32)
    lon, lat, _ = np.nan_to_num(facts)
    return np.array([lon / 1800, lat / 900, 0], np.float32)


def roughness_of(facts: NDArray[np.float64] | None) -> float:
    """Return the factor on the deviation: clouds smooth."""
    return 1.0 if facts is None or np.isnan(facts[2]) else 1.0 - 0.75 * float(facts[2])


def spread(vectors: Array, rows: int, columns: int) -> Array:
    """Return vectors ``(channel, cell, cell)`` between whose middles a tile is filled linearly."""
    parts = []
    for cells, side in zip(vectors.shape[1:], (rows, columns), strict=True):
        at = ((np.arange(side) + 0.5) * cells / side - 0.5).clip(0, cells - 1)
        low = at.astype(int).clip(0, max(cells - 2, 0))
        parts.append((low, np.minimum(low + 1, cells - 1), (at - low).astype(np.float32)))
    (y, below, v), (x, right, u) = parts
    upper = vectors[:, y][:, :, x] * (1 - u) + vectors[:, y][:, :, right] * u
    lower = vectors[:, below][:, :, x] * (1 - u) + vectors[:, below][:, :, right] * u
    return np.asarray(upper * (1 - v[:, None]) + lower * v[:, None], np.float32)


@dataclass(frozen=True, slots=True)
class ConditionalTiles:
    """Tiles that are Gaussian about a mean that they are told; the state is the image."""

    told: Mapping[str, tuple[Told, ...]]
    strength: Mapping[str, float]
    means: dict[tuple[int, int, int], Array] = field(default_factory=dict)
    """Means by number and sides of tiles: computed once for all steps."""

    def retold(self, changes: Mapping[str, tuple[Told, ...]]) -> ConditionalTiles:
        """Return the same tiles told otherwise in some slots."""
        return replace(self, told={**self.told, **changes}, means={})

    def of(self, slot: str, tile: int) -> Any:
        """Return what a tile is told in a slot."""
        told = self.told.get(slot)
        return None if told is None else told[tile]

    def mean(self, tiles: int, rows: int, columns: int) -> Array:
        """Return the mean ``(tile, band, y, x)`` of images of these sides."""
        key = tiles, rows, columns
        if key not in self.means:
            self.means[key] = np.stack([self._mean(tile, rows, columns) for tile in range(tiles)])
        return self.means[key]

    def _mean(self, tile: int, rows: int, columns: int) -> Array:
        flat = colour_of(self.of("prompt", tile)) + shift_of(self.of("metadata", tile))
        mean = np.zeros((BANDS, rows, columns), np.float32) + flat[:, None, None]
        hint, vectors = self.of("hint", tile), self.of("embedding", tile)
        if hint is not None:
            mean = mean + np.float32(self.strength.get("hint", 1.0)) * hint
        return mean if vectors is None else mean + spread(vectors, rows, columns)

    def deviation(self, tile: int) -> float:
        """Return the deviation of a tile."""
        return DEVIATION * roughness_of(self.of("metadata", tile))

    def posterior(self, x: Array, sigma: float, mean: Array, lengths: tuple[float, ...]) -> Array:
        """Return ``E[x0 | x0 + sigma e = x]`` about a mean, for channels of some correlation lengths."""
        tiles = []
        for tile, (state, about) in enumerate(zip(x, mean, strict=True)):
            # Tile by tile: another tile's deviation must not change a bit of this one.
            scale = np.float32(self.deviation(tile))
            away = ((state - about) / scale)[None]
            tiles.append(about + scale * shrink(away, sigma / float(scale), lengths)[0])
        return np.asarray(np.stack(tiles), np.float32)

    def state(self, field: Array) -> Array:
        """Return the field itself: this model computes in NumPy."""
        return field

    def field(self, x: Array) -> Array:
        """Return the state itself."""
        return x

    def denoise(self, x: Array, sigma: float) -> Array:
        """Return the posterior mean, exactly."""
        return self.posterior(x, sigma, self.mean(len(x), *x.shape[-2:]), LENGTHS_PX)

    def image(self, x0: Array) -> Array:
        """Return the state itself."""
        return x0

    def encode(self, image: Array) -> Array:
        """Return the image itself."""
        return image


@dataclass(frozen=True, slots=True)
class ConditionalCodes(ConditionalTiles):
    """The same in the block code of `geoinfinite.models.analytic.latent`."""

    def denoise(self, x: Array, sigma: float) -> Array:
        """Return the posterior mean of the code, exactly."""
        rows, columns = (side * LATENT for side in x.shape[-2:])
        mean = project_code(self.mean(len(x), rows, columns))
        return self.posterior(x, sigma, mean, LENGTHS_OF_CODE)

    def image(self, x0: Array) -> Array:
        """Return the decoded code; exact but for 2 pixels along the edges."""
        return smooth(expand_code(x0))

    def encode(self, image: Array) -> Array:
        """Return the code that comes nearest, by descent on the squared error (Landweber 1951)."""
        code = np.zeros((len(image), CHANNELS, *(n // LATENT for n in image.shape[-2:])), np.float32)
        for _ in range(12):
            code = code + project_code(smooth(image - smooth(expand_code(code))))
        return code


@dataclass(frozen=True, slots=True)
class ConditionalModel:
    """A model of pixels that is told words, a raster, facts and vectors; it needs no parent."""

    FACTS: ClassVar = ModelFacts(
        bands=BANDS, factor=None, margin=0, multiple=1, conditioned=False, slots=SLOTS
    )

    nbytes: ClassVar[int] = 0
    """There are no weights."""
    TILES: ClassVar[Callable[..., ConditionalTiles]] = ConditionalTiles

    def bind(self, cond: Cond) -> ConditionalTiles:
        """Return the denoiser of a batch of tiles."""
        return self.TILES(dict(cond.told), dict(cond.strength))


@dataclass(frozen=True, slots=True)
class ConditionalLatentModel(ConditionalModel):
    """The same with a state that is a code, 4 times coarser than the image."""

    FACTS: ClassVar = ModelFacts(
        bands=BANDS,
        factor=None,
        margin=0,
        multiple=LATENT,
        conditioned=False,
        latent=LATENT,
        channels=CHANNELS,
        halo=HALO,
        slots=SLOTS,
    )
    TILES: ClassVar[Callable[..., ConditionalTiles]] = ConditionalCodes
