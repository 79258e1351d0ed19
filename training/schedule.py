"""The plan of a run as a function of its progress in [0, 1], the share of its time that is spent.

Progress is wall-clock time, not steps, so that a run ends when it was told to, fully annealed,
however busy the machine is.
"""

from __future__ import annotations

import math

PEAK, LOWEST = 8e-4, 2e-5
WARM_UP_STEPS = 200
ANNEAL_FROM = 0.35
LARGE_TILES_FROM = 0.55
LARGE_TILES = 4, 128


def learning_rate(step: int, progress: float, peak: float = PEAK) -> float:
    """Warm up, hold, then anneal along a cosine."""
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    late = min(1.0, max(0.0, (progress - ANNEAL_FROM) / (1 - ANNEAL_FROM)))
    return warm * (LOWEST + (peak - LOWEST) * 0.5 * (1 + math.cos(math.pi * late)))


def batch_shape(progress: float) -> tuple[int, int]:
    """Return (examples, tile px): larger tiles at the end, for the statistics of group norm."""
    return (16, 64) if progress < LARGE_TILES_FROM else LARGE_TILES


def ema_decay(step: int, most: float = 0.999) -> float:
    """Return the share of the running average that is kept, small at first."""
    return min(most, (1 + step) / (10 + step))
