"""The examples of every step of a run, made by other processes while the network learns."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.utils.data import DataLoader, Dataset

from training.batch import Batch
from training.crops import Crops
from training.detail import DRAWN_BELOW, Lineage, lineage, region_side
from training.schedule import Phase

GENERATIONS = 1
"""How many generations are drawn before the examples with drawn parents, by turns one, two and so on."""
STREAMS = 3
"""Numbers that are drawn independently in a step: crops, directions of texture, noise."""
MOST_STEPS = 10_000_019
"""A run of fewer steps shares no example with the run of the next seed."""
AHEAD = 4
"""Steps for which every worker makes examples before they are asked for."""


@dataclass(frozen=True, slots=True)
class Examples:
    """What a step learns from."""

    real: Batch
    """Examples with real parents."""
    drawn: Lineage | None
    """Examples whose parents the network is to draw itself."""

    def to(self, device: torch.device) -> Examples:
        """Return the examples on a device."""
        return Examples(self.real.to(device), None if self.drawn is None else self.drawn.to(device))


class _Steps(Dataset[Examples]):
    """The examples of a step are a function of the seed and the step, whoever makes them."""

    def __init__(self, crops: Crops, phase: Phase, seed: int) -> None:
        self.crops, self.phase, self.seed = crops, phase, seed

    def __getitem__(self, step: int) -> Examples:
        self.crops.generator.manual_seed(seed_of(self.seed, step))
        phase = self.phase
        real = self.crops.batch(phase.examples - phase.drawn, phase.tile)
        if phase.drawn == 0:
            return Examples(real, None)
        settings, generations = self.crops.settings, 1 + step % GENERATIONS
        side = region_side(phase.tile, settings, generations)
        region = self.crops.region(phase.drawn, side, DRAWN_BELOW)
        return Examples(real, lineage(region, phase.tile, settings, generations))


def examples(crops: Crops, phase: Phase, seed: int, step: int, workers: int) -> Iterator[Examples]:
    """Yield the examples of `step`, of the next, and so on, made by that many processes; 0: by this one."""
    crops.prepare(phase.tile)
    for generations in range(1, 1 + GENERATIONS * bool(phase.drawn)):
        crops.prepare_side(region_side(phase.tile, crops.settings, generations))
    loader = DataLoader(
        _Steps(crops, phase, seed),
        batch_size=None,
        sampler=itertools.count(step),
        num_workers=workers,
        prefetch_factor=AHEAD if workers else None,
        multiprocessing_context="fork" if workers else None,
        worker_init_fn=_outlast_a_signal,
    )
    return iter(loader)


def _outlast_a_signal(_: int) -> None:
    """Leave SIGTERM to the run, which ends its step and its workers: a signal may reach the whole group."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def seed_of(seed: int, step: int, stream: int = 0) -> int:
    """Return the seed of one of a step's streams; generators of the CPU heed its lower 32 bits alone."""
    return ((seed * MOST_STEPS + step) * STREAMS + stream) % 2**32
