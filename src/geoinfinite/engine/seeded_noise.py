"""Noise of tiles where regions have seeds of their own: standard normal, and continuous in between."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geoinfinite.conditions.place import Place
from geoinfinite.conditions.seeds import Seeds
from geoinfinite.diffusion.model import Array
from geoinfinite.diffusion.noise import NoiseField, noise_key
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe


@dataclass(frozen=True, slots=True)
class SeededNoise:
    """Noise by position, of a world whose regions have seeds of their own.

    Invariant: where one seed has all of a pixel, the noise is that of the world with this seed, bit for bit.
    """

    field: NoiseField
    """The noise of the world's own seed."""
    seeds: Seeds
    recipe: Recipe
    level: int
    latent: int
    """Pixels of the level along each side of one of the noise."""

    def __call__(self, windows: Sequence[Window], step: int) -> Array:
        """Return normals ``(tile, channel, y, x)``."""
        return np.stack([self._tile(window, step) for window in windows])

    def _tile(self, window: Window, step: int) -> Array:
        place = Place(self.recipe.grid, self.level, window.refine(self.latent))
        total = np.zeros((self.field.channels, *window.shape), np.float32)
        for seed, share in self.seeds.shares(place, self.latent):
            if share.any():
                # Roots of shares, so that variances add up to 1.
                total += np.sqrt(share).astype(np.float32) * self._of(seed)(window, step)
        return total

    def _of(self, seed: int | None) -> NoiseField:
        if seed is None:
            return self.field
        return dataclasses.replace(self.field, key=noise_key(self.recipe.name, seed))
