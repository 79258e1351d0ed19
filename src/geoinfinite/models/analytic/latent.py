"""A latent model without weights: a linear block code whose decoder looks a little beyond every block."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from geoinfinite.diffusion.model import Array, Cond, ModelFacts
from geoinfinite.models.analytic.stationary import shrink

FACTOR, MARGIN, LATENT, CHANNELS, HALO = 4, 1, 4, 4, 4
LENGTHS = 6.0, 2.0, 2.0, 4.0
"""Correlation lengths of the code's channels, in latent pixels."""
KERNEL = 1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16
"""The decoder's smoothing along an axis; it reaches 2 pixels, which lie within ``HALO``."""
DEVIATION, DEVIATION_ALONE = 0.25, 1.2
"""Image values per unit of the code, with a parent and without one."""


@cache
def block_code() -> Array:
    """Return four orthonormal patterns ``(channel, band * y * x)`` of a block of 3 bands.

    Brightness, its slope along y, its slope along x, and a difference of red and blue.
    """
    flat, slope = np.full(LATENT, 0.5), np.cos(np.pi * (np.arange(LATENT) + 0.5) / LATENT) / np.sqrt(2)
    grey, warmth = np.full(3, 3**-0.5), np.array([1, 0, -1]) / np.sqrt(2)
    parts = (grey, flat, flat), (grey, slope, flat), (grey, flat, slope), (warmth, flat, flat)
    return np.stack([np.einsum("b,y,x->byx", *part).ravel() for part in parts]).astype(np.float32)


def smooth(image: Array) -> Array:
    """Return the image smoothed, with zeros beyond its edges as a convolution has them."""
    for axis in (-2, -1):
        padding = [(0, 0)] * image.ndim
        padding[axis] = (2, 2)
        padded, size = np.pad(image, padding), image.shape[axis]
        shifted = [np.take(padded, range(i, i + size), axis) * np.float32(w) for i, w in enumerate(KERNEL)]
        image = shifted[0] + shifted[1] + shifted[2] + shifted[3] + shifted[4]
    return image


def expand_code(z: Array) -> Array:
    """Return the blocks of a code ``(tile, channel, y, x)``, not yet smoothed."""
    tiles, _, rows, columns = z.shape
    blocks = block_code().T @ z.reshape(tiles, CHANNELS, -1)
    return (
        blocks.reshape(tiles, 3, LATENT, LATENT, rows, columns)
        .transpose(0, 1, 4, 2, 5, 3)
        .reshape(tiles, 3, rows * LATENT, columns * LATENT)
    )


def project_code(image: Array) -> Array:
    """Return the code of an image's blocks, the transpose of `expand_code`."""
    tiles, _, rows, columns = (n // d for n, d in zip(image.shape, (1, 1, LATENT, LATENT), strict=True))
    blocks = (
        image.reshape(tiles, 3, rows, LATENT, columns, LATENT)
        .transpose(0, 1, 3, 5, 2, 4)
        .reshape(tiles, 3 * LATENT * LATENT, -1)
    )
    return (block_code() @ blocks).reshape(tiles, CHANNELS, rows, columns)


@dataclass(frozen=True, slots=True)
class LatentTiles:
    """Tiles whose code is Gaussian, and a linear decoder that adds it to the upsampled parent."""

    base: Array | None
    """The upsampled parent ``(tile, band, y, x)``; ``None``: grey."""

    @property
    def deviation(self) -> np.float32:
        """Image values per unit of the code."""
        return np.float32(DEVIATION_ALONE if self.base is None else DEVIATION)

    def state(self, field: Array) -> Array:
        """Return the field itself: this model computes in NumPy."""
        return field

    def field(self, x: Array) -> Array:
        """Return the state itself."""
        return x

    def denoise(self, x: Array, sigma: float) -> Array:
        """Return the posterior mean of the code, exactly."""
        return shrink(x, sigma, LENGTHS)

    def image(self, x0: Array) -> Array:
        """Return the parent plus the decoded code; exact but for 2 pixels along the edges."""
        detail = self.deviation * smooth(expand_code(x0))
        return detail if self.base is None else self.base + detail

    def encode(self, image: Array) -> Array:
        """Return the code that comes nearest, by descent on the squared error (Landweber 1951)."""
        wanted = (image if self.base is None else image - self.base) / self.deviation
        code = np.zeros((len(image), CHANNELS, *(n // LATENT for n in image.shape[-2:])), np.float32)
        for _ in range(12):
            # The decoder is its own transpose but for the block code, and no longer than 1.
            code = code + project_code(smooth(wanted - smooth(expand_code(code))))
        return code


@dataclass(frozen=True, slots=True)
class LatentModel:
    """A level drawn in a code of 4 channels, 4 times coarser, from a parent 4 times coarser."""

    FACTS: ClassVar = ModelFacts(
        bands=3, factor=FACTOR, margin=MARGIN, multiple=LATENT, latent=LATENT, channels=CHANNELS, halo=HALO
    )

    nbytes: ClassVar[int] = 0
    """There are no weights."""

    def bind(self, cond: Cond) -> LatentTiles:
        """Return the denoiser of a batch of tiles."""
        if cond.parent is None:
            return LatentTiles(None)
        cut = MARGIN * FACTOR
        fine = smooth(cond.parent.repeat(FACTOR, axis=-2).repeat(FACTOR, axis=-1))
        return LatentTiles(fine[..., cut:-cut, cut:-cut])


@dataclass(frozen=True, slots=True)
class LatentPlanetModel:
    """The same code without a parent."""

    FACTS: ClassVar = ModelFacts(
        bands=3,
        factor=None,
        margin=0,
        multiple=LATENT,
        conditioned=False,
        latent=LATENT,
        channels=CHANNELS,
        halo=HALO,
    )

    nbytes: ClassVar[int] = 0
    """There are no weights."""

    def bind(self, cond: Cond) -> LatentTiles:
        """Return the denoiser; the same everywhere."""
        return LatentTiles(None)
