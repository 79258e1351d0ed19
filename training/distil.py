"""Teach a network to need four evaluations: its velocity at the solver's times, corrected for the solver.

A teacher's path is followed finely. At the few times that the fast solve will visit, the velocities are
found with which two-step Adams-Bashforth steps land exactly on the path; they differ little from the
teacher's own, because the solver is nearly right already, and the network learns them. It is progressive
distillation (Salimans and Ho, arXiv:2202.00512) in one stage, with a second-order student.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Generator, Tensor

from geoinfinite.models.earth.network import EarthCondition, EarthNetwork, condition
from training.crops import Crops
from training.flow import Examples
from training.parallel import Replicas
from training.sampling import path, times

STEPS, SHIFT = 4, 3.0
FINER = 3
"""Steps of the teacher in each of the student's."""
SHARES = (0.1, 0.2, 0.25, 0.45)
"""How often each of the student's times is trained: the last one decides most of the picture."""
HELD, USES = 256, 8


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One path of the teacher, and what it teaches."""

    parent: Tensor
    gsd_m: Tensor
    z: Tensor
    """(STEPS, 3, T, T): states at the student's times."""
    v: Tensor
    """(STEPS, 3, T, T): velocities with which the student's solver stays on the path."""


def velocities(states: Tensor, grid: Sequence[float]) -> Tensor:
    """Return, for states (STEPS + 1, ...) of a path, the velocities that keep Adams-Bashforth steps on it.

    The first step is Euler's; later ones are h (v + c (v - v_before)) with c = h / (2 h_before), which
    is solved for v.
    """
    found: list[Tensor] = []
    before = 0.0
    for i, (now, then) in enumerate(pairwise(grid)):
        h = then - now
        mean = (states[i + 1] - states[i]) / h
        c = h / (2 * before) if found else 0.0
        found.append((mean + c * found[-1]) / (1 + c) if found else mean)
        before = h
    return torch.stack(found)


class Trajectories:
    """A stream of training examples from a teacher's paths, each used several times."""

    def __init__(self, teacher: EarthNetwork, crops: Crops, generator: Generator, threads: int) -> None:
        """Draw nothing yet."""
        self.teacher, self.crops, self.generator = teacher, crops, generator
        self.replicas = Replicas(teacher.unet, threads)
        self.held: list[Trajectory] = []
        self.tile, self.owed = 0, 0.0
        self.grid, self.shares = times(STEPS, SHIFT), torch.tensor(SHARES)
        self.fine = times(STEPS * FINER, SHIFT)

    def examples(self, size: int, tile: int) -> Examples:
        """Return `size` points at the student's times, drawing new paths as old ones are used up."""
        if tile != self.tile:
            self.tile, self.held, self.owed = tile, [], float(size)
        self.owed += size / USES
        while self.owed > 0:
            self.held += self._draw(size, tile)
            self.owed -= size
        del self.held[: -HELD * 64**2 // tile**2]
        chosen = [self.held[i] for i in self._integers(len(self.held), size)]
        steps = torch.multinomial(self.shares, size, True, generator=self.generator).tolist()
        z, v = (torch.stack([x[i] for x, i in zip(of, steps, strict=True)]) for of in _columns(chosen))
        given = condition(torch.stack([path.parent for path in chosen]), self.teacher.settings)
        t = torch.tensor([self.grid[i] for i in steps], device=z.device)
        return Examples(z, t, v, given, torch.stack([path.gsd_m for path in chosen]))

    def _integers(self, below: int, size: int) -> list[int]:
        return [int(i) for i in torch.randint(below, (size,), generator=self.generator)]

    def _draw(self, size: int, tile: int) -> list[Trajectory]:
        batch = self.crops.batch(size, tile)
        device = next(self.teacher.unet.parameters()).device
        noise = torch.randn(batch.child.shape, generator=self.generator).to(device)
        parent, gsd_m = batch.parent.to(device), batch.gsd_m.to(device)
        step = max(1, size // 8)
        work = [
            (parent[i : i + step], gsd_m[i : i + step], noise[i : i + step]) for i in range(0, size, step)
        ]
        return [path for part in self.replicas.map(work, self._follow) for path in part]

    def _follow(self, unet: torch.nn.Module, part: tuple[Tensor, Tensor, Tensor]) -> list[Trajectory]:
        parent, gsd_m, noise = part
        network = EarthNetwork(unet, self.teacher.settings)
        given: EarthCondition = condition(parent, network.settings)
        with torch.autocast(noise.device.type, torch.bfloat16):
            states = torch.stack(path(network, given, gsd_m, self.fine, noise)[::FINER])
        v = velocities(states, self.grid)
        return [Trajectory(parent[i], gsd_m[i], states[:-1, i], v[:, i]) for i in range(len(noise))]


def _columns(chosen: list[Trajectory]) -> tuple[list[Tensor], list[Tensor]]:
    return [path.z for path in chosen], [path.v for path in chosen]
