"""The plan of a run as a function of its progress in [0, 1], the share of its time that is spent.

Progress is wall-clock time, not steps, so that a run ends when it was told to, fully annealed,
however busy the machine is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

PEAK, LOWEST = 4e-4, 5e-6
FURTHER = 0.5
"""Learning rate of a network that was trained before, as a multiple of a new one's."""
CRITIC_RATE = 2.0
"""Learning rate of the critic, as a multiple of the network's."""
WARM_UP_STEPS = 100
ADVERSARY_STEPS = 400
"""Steps in which the adversarial loss grows to its full weight."""
ANNEAL_FROM = 0.7
EXAMPLES, TILE = 12, 64
"""Examples of a batch, and pixels of a side of each."""
DRAWN_SHARE = 0.4
"""Share of the examples whose parents are drawn, once the network draws at all."""
DRAWN_FROM_STEP = 800


def learning_rate(step: int, progress: float, peak: float = PEAK) -> float:
    """Warm up, hold, then anneal along a cosine."""
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    late = min(1.0, max(0.0, (progress - ANNEAL_FROM) / (1 - ANNEAL_FROM)))
    return warm * (LOWEST + (peak - LOWEST) * 0.5 * (1 + math.cos(math.pi * late)))


@dataclass(frozen=True, slots=True)
class Phase:
    """What the batches of a part of a run are like."""

    examples: int
    tile: int
    """Pixels of a side of an example."""
    drawn: int
    """How many examples have parents that the network has drawn."""


def phase(step: int, factor: int = 1) -> Phase:
    """Return the phase of a step; `factor` times as many examples."""
    examples = EXAMPLES * factor
    drawn = round(DRAWN_SHARE * examples) if step >= DRAWN_FROM_STEP else 0
    return Phase(examples, TILE, drawn)


def adversary_weight(practised: int) -> float:
    """Return the weight of the adversarial loss, which the critic must first earn by so many steps."""
    return min(1.0, practised / ADVERSARY_STEPS)


def further(practised: int) -> float:
    """Return the factor on the learning rate of a trained network, which waits for its critic."""
    return FURTHER * adversary_weight(practised)


def ema_decay(step: int, most: float = 0.999) -> float:
    """Return the share of the running average that is kept, small at first."""
    return min(most, (1 + step) / (10 + step))
