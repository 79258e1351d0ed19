"""The settings that every way to sample a level's tiles has in common."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import ClassVar

from geoinfinite.errors import WorldError
from geoinfinite.samplers.schedules import SCHEDULES
from geoinfinite.samplers.solvers import SOLVERS

CHECKPOINT = "checkpoint"
"""The solver or schedule of a checkpoint's own ``scheduler_config.json``."""
LARGEST_GUIDANCE = 1000
LARGEST_REPEATS = 100
USUAL_REPEATS, MANY_STEPS = 8, 10
CONSISTENCIES = ("mean", "project", "guide", "none")
"""How a level is held to its parent; all but the last end with an exact projection."""


@dataclass(frozen=True, slots=True)
class TiledSampler:
    """Base of all presets: the settings that they have in common."""

    preset: ClassVar[str]
    fuses_answers: ClassVar[bool] = False
    """Whether single steps are fused, so that fused states must be fused answers of the network."""

    solver: str = "ab2"
    """Name of a solver: ``gi.samplers.SOLVERS``; ``"checkpoint"``: as the model's own settings say."""
    schedule: str = "flow"
    """Name of a schedule of noise levels: ``gi.samplers.SCHEDULES``; ``"checkpoint"``: the model's own."""
    shift: float = 3.0
    """Factor on every noise level of a named schedule: for ``flow`` the shift of its time."""
    eta: float | None = None
    """Share of fresh, position-keyed noise at every step, 0 to 1, for the solvers that take it; ``None``: the
    solver's own, or the checkpoint's."""
    steps: int = 4
    """Steps of the solver."""
    tile: int = 128
    """Side of a tile in pixels."""
    stride: int = 120
    """Pixels from one tile's start to the next one's; ``tile - stride`` overlap."""
    weights: str = "hann"
    """How overlapping tiles blend: ``hann``, ``linear``, ``gaussian``, ``uniform``, ``crop``."""
    consistency: str = "mean"
    """``"mean"``: a level coarsened by the factor is its parent, by a projection at the end; ``"project"``,
    ``"guide"``: every step is also drawn to the parent; ``"none"``: as the network left it."""
    guidance: float | None = None
    """How far estimates go beyond the answer that is told less: 1 is the model's answer itself. It counts for
    the slots that the model was trained without at times; ``None``: 1."""

    repeats: int | None = None
    """How often every step of a tile that is known in part is taken, so that what is drawn fits what is
    known; ``None``: 8, or 1 where single steps are fused or there are fewer than 10."""

    def __post_init__(self) -> None:
        for name, value, known in (
            ("solver", self.solver, (*SOLVERS, CHECKPOINT)),
            ("schedule", self.schedule, (*SCHEDULES, CHECKPOINT)),
            ("consistency", self.consistency, CONSISTENCIES),
        ):
            if value not in known:
                raise WorldError(f"sampler.{name}={value!r} is not one of {', '.join(known)}")
        if not (math.isfinite(self.shift) and self.shift > 0):
            raise WorldError(
                f"sampler.shift={self.shift} must be a positive finite number; 1.0 shifts nothing"
            )
        if self.steps < 1:
            raise WorldError(f"sampler.steps={self.steps} must be at least 1")
        if not 0 < self.stride <= self.tile:
            raise WorldError(
                f"sampler.stride={self.stride} must be between 1 and sampler.tile={self.tile}: "
                "a larger stride leaves pixels that no tile covers"
            )
        if self.guidance is not None and not 0 <= self.guidance <= LARGEST_GUIDANCE:
            raise WorldError(
                f"sampler.guidance={self.guidance} must be at least 0 and at most {LARGEST_GUIDANCE}; 1 is "
                "the model's answer itself"
            )
        if self.repeats is not None and not 1 <= self.repeats <= LARGEST_REPEATS:
            raise WorldError(
                f"sampler.repeats={self.repeats} must be at least 1 and at most {LARGEST_REPEATS}"
            )
        if self.repeats is not None and self.repeats > 1 and self.fuses_answers:
            raise WorldError(
                f"sampler.repeats={self.repeats} takes a step again before it is fused, so not with "
                f"sampler.preset={self.preset!r}; set repeats = 1, or take preset = 'independent'"
            )
        if self.eta is not None and not 0 <= self.eta <= 1:
            raise WorldError(f"sampler.eta={self.eta} must be between 0 (deterministic) and 1 (DDPM)")
        if self.solver != CHECKPOINT:
            self.check_solver(self.solver)

    def check_solver(self, name: str) -> None:
        """Raise `WorldError` for a solver that cannot be taken with the other settings."""
        solver = SOLVERS[name]
        if self.eta and solver.eta is None:
            able = ", ".join(name for name, s in SOLVERS.items() if s.eta is not None)
            raise WorldError(
                f"sampler.eta={self.eta} has no meaning for sampler.solver={name!r}; leave it out, or "
                f"take one of {able}"
            )
        if self.fuses_answers and solver.evaluations > 1:
            able = ", ".join(name for name, s in SOLVERS.items() if s.evaluations == 1)
            when = "its first" if solver.only_first else "a"
            raise WorldError(
                f"sampler.solver={name!r} asks the network twice in {when} step, the second time about a "
                f"state that is not fused, so not with sampler.preset={self.preset!r}; take one of {able}"
            )

    @property
    def sigmas(self) -> tuple[float, ...]:
        """The noise levels of a solve by a named schedule, decreasing to 0."""
        return tuple(self.shift * sigma for sigma in SCHEDULES[self.schedule](self.steps))

    @property
    def parts(self) -> tuple[range, ...]:
        """The steps, counted from 0, that are taken between one fusion of the tiles and the next."""
        return (range(self.steps),)

    @property
    def repeats_where_known(self) -> int:
        """How often a step of a tile that is known in part is taken."""
        if self.repeats is not None:
            return self.repeats
        # A network that was distilled for few steps blurs when they are taken again.
        return 1 if self.fuses_answers or self.steps < MANY_STEPS else USUAL_REPEATS

    def origin(self, key: int, level: int, part: int, unit: int) -> tuple[int, int]:
        """Return where the lattice of a part is anchored ``(y, x)``, a multiple of ``unit`` pixels."""
        return 0, 0


def cut(lengths: tuple[int, ...]) -> tuple[range, ...]:
    """Return consecutive ranges of these lengths.

    >>> cut((1, 1, 4))
    (range(0, 1), range(1, 2), range(2, 6))
    """
    return tuple(range(a, b) for a, b in pairwise((0, *accumulate(lengths))))


def even(steps: int, count: int) -> tuple[range, ...]:
    """Return ``count`` consecutive ranges, as equal as they can be.

    >>> even(8, 3)
    (range(0, 2), range(2, 5), range(5, 8))
    """
    return tuple(range(steps * i // count, steps * (i + 1) // count) for i in range(count))
