"""Noise that breaks the laws: known-bad variants that a law's test must catch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from geoinfinite.plane.window import Window

BatchNoise = Callable[[Sequence[Window], int], np.ndarray]


def by_tile(channels: int, seed_of: Callable[[Window], object]) -> BatchNoise:
    """Noise that is each tile's own: a function of a seed that is made of the tile."""

    def noise(windows: Sequence[Window], step: int) -> np.ndarray:
        shape = channels, *windows[0].shape
        return np.stack(
            [np.random.default_rng(seed_of(w)).standard_normal(shape, np.float32) for w in windows]
        )

    return noise


def by_order(channels: int, seed: int) -> BatchNoise:
    """Noise that depends on which tile was drawn first."""
    rng = np.random.default_rng(seed)
    return lambda windows, step: rng.standard_normal((len(windows), channels, *windows[0].shape), np.float32)
