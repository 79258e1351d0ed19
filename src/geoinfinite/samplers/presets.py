"""How a level's tiles are sampled together: settings that carry the field's names.

Every preset is one engine with another schedule of windows. ``parts`` are the steps that tiles take alone
before they are fused; between two parts the overlaps blend, and every tile starts again from the blend.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import ClassVar

from geoinfinite.errors import WorldError
from geoinfinite.samplers.schedules import SCHEDULES
from geoinfinite.samplers.solvers import SOLVERS

CHECKPOINT = "checkpoint"
"""The solver or schedule of a checkpoint's own ``scheduler_config.json``."""
CONSISTENCIES = ("mean", "project", "guide", "none")
"""How a level is held to its parent; all but the last end with an exact projection."""


@dataclass(frozen=True, slots=True)
class TiledSampler:
    """What all presets have in common; not one of them itself."""

    preset: ClassVar[str]
    fuses_answers: ClassVar[bool] = False
    """Whether single steps are fused, so that fused states must be fused answers of the network."""

    solver: str = "ab2"
    """Name of a solver: ``gi.samplers.SOLVERS``; ``"checkpoint"``: as the model's own settings say."""
    schedule: str = "flow"
    """Name of a schedule of noise levels: ``gi.samplers.SCHEDULES``; ``"checkpoint"``: the model's own."""
    shift: float = 2.0
    """Factor on every noise level of a named schedule: for ``flow`` the shift of its time."""
    eta: float = 0.0
    """Share of fresh, position-keyed noise at every step, 0 to 1, for the solvers that take it."""
    steps: int = 8
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
        if not 0 <= self.eta <= 1:
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
            raise WorldError(
                f"sampler.solver={name!r} asks the network twice in a step, the second time about a "
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

    def origin(self, key: int, level: int, part: int, unit: int) -> tuple[int, int]:
        """Return where the lattice of a part is anchored ``(y, x)``, a multiple of ``unit`` pixels."""
        return 0, 0


@dataclass(frozen=True, slots=True)
class IndependentTiles(TiledSampler):
    """Every tile is solved alone from position-keyed noise; overlaps blend once, at the end.

    Tiles agree where they overlap because they start from the same noise and see the same parent
    (MetaEarth, Yu et al. 2024). The cheapest sampler: a window costs exactly the tiles that it meets.
    """

    preset: ClassVar[str] = "independent"


@dataclass(frozen=True, slots=True)
class MetaEarthTiles(TiledSampler):
    """Independent tiles as MetaEarth sets them: half overlap, only the centre of a tile kept, 50 DDIM steps.

    Source: Yu et al. 2024 (arXiv:2405.13570); its noise is that of the tile, ours that of the place.
    """

    preset: ClassVar[str] = "metaearth"

    solver: str = "ddim"
    steps: int = 50
    stride: int = 64
    weights: str = "crop"


@dataclass(frozen=True, slots=True)
class MultiDiffusion(TiledSampler):
    """Tiles are fused after every step: the whole level is one solve of averaged predictions.

    A window needs ``steps * (tile - stride)`` pixels more on every side, so it is meant for whole levels,
    whose layers are drawn once per job. Source: Bar-Tal et al. 2023 (arXiv:2302.08113).
    """

    preset: ClassVar[str] = "multidiffusion"
    fuses_answers: ClassVar[bool] = True

    stride: int = 96

    @property
    def parts(self) -> tuple[range, ...]:
        """Every step alone."""
        return _even(self.steps, self.steps)


@dataclass(frozen=True, slots=True)
class InfiniteDiffusion(TiledSampler):
    """The solve is cut in a few phases, and tiles are fused between them.

    One phase is `IndependentTiles`, as many as steps is `MultiDiffusion`. Source: InfiniteDiffusion
    (arXiv:2512.08309).
    """

    preset: ClassVar[str] = "infinitediffusion"

    stride: int = 96
    phases: int = 2
    """How many phases, of steps as equal as they can be, the shorter ones first."""
    cuts: tuple[int, ...] = ()
    """The steps of every phase instead, first to last; they add up to ``steps``."""

    def __post_init__(self) -> None:
        # Without arguments `super` does not know a class that has been made anew with slots.
        super(InfiniteDiffusion, self).__post_init__()
        if self.cuts and (min(self.cuts) < 1 or sum(self.cuts) != self.steps):
            raise WorldError(
                f"sampler.cuts={list(self.cuts)} must be positive and add up to sampler.steps={self.steps}"
            )
        if not 1 <= self.phases <= self.steps:
            raise WorldError(f"sampler.phases={self.phases} must be between 1 and sampler.steps={self.steps}")

    @property
    def parts(self) -> tuple[range, ...]:
        """The phases."""
        return _cut(self.cuts) if self.cuts else _even(self.steps, self.phases)


@dataclass(frozen=True, slots=True)
class EarlySync(TiledSampler):
    """Tiles are fused after each of the first steps, where the picture is laid out, and then left alone.

    Nearly as cheap for a window as independent tiles, and they cannot disagree about what is where: for
    models that no parent tells.
    """

    preset: ClassVar[str] = "earlysync"
    fuses_answers: ClassVar[bool] = True

    stride: int = 96
    synced: int = 0
    """How many first steps are fused; 0: a sixth of them, at least one."""

    def __post_init__(self) -> None:
        super(EarlySync, self).__post_init__()
        if not 0 <= self.synced < self.steps and self.steps > 1:
            raise WorldError(
                f"sampler.synced={self.synced} must be between 0 and sampler.steps - 1 = {self.steps - 1}"
            )

    @property
    def parts(self) -> tuple[range, ...]:
        """The first steps one by one, then the rest."""
        synced = min(self.synced or max(1, self.steps // 6), self.steps - 1)
        return _cut((1,) * synced + (self.steps - synced,))


@dataclass(frozen=True, slots=True)
class SpotDiffusion(TiledSampler):
    """Tiles do not overlap; at every step the lattice lies elsewhere, so that no edge stays in one place.

    One evaluation per pixel and step, the least that there is in a full pass; but a window's cone grows by
    a tile with every step. Source: Frolov et al. 2024 (arXiv:2407.15507).
    """

    preset: ClassVar[str] = "spotdiffusion"
    fuses_answers: ClassVar[bool] = True

    stride: int = 128
    weights: str = "uniform"

    def __post_init__(self) -> None:
        super(SpotDiffusion, self).__post_init__()
        if self.stride != self.tile:
            raise WorldError(
                f"sampler.stride={self.stride} must equal sampler.tile={self.tile} for "
                'sampler.preset="spotdiffusion", whose tiles do not overlap'
            )

    @property
    def parts(self) -> tuple[range, ...]:
        """Every step alone."""
        return _even(self.steps, self.steps)

    def origin(self, key: int, level: int, part: int, unit: int) -> tuple[int, int]:
        """Return a place within the first tile that is random, and fixed by the world's key."""
        digest = hashlib.sha256(f"spot:{key}:{level}:{part}".encode()).digest()
        places = self.tile // unit
        y, x = (int.from_bytes(digest[i : i + 8], "big") % places for i in (0, 8))
        return y * unit, x * unit


@dataclass(frozen=True, slots=True)
class ChartedMultiDiffusion(TiledSampler):
    """MultiDiffusion within charts of a fixed lattice, which then blend like large tiles.

    A window needs the charts that it meets and no more, however many steps there are.
    """

    preset: ClassVar[str] = "charted"
    fuses_answers: ClassVar[bool] = True

    stride: int = 96
    chart: int = 480
    """Side in pixels of what a chart keeps: charts start every ``chart`` pixels."""
    halo: int = 64
    """Pixels by which a chart reaches beyond that on every side; charts blend there."""

    def __post_init__(self) -> None:
        super(ChartedMultiDiffusion, self).__post_init__()
        side = self.chart + 2 * self.halo
        if self.halo < 0 or self.chart < 1 or 2 * self.halo > self.chart or side < self.tile:
            raise WorldError(
                f"sampler.chart={self.chart} and sampler.halo={self.halo} must give charts that hold a "
                f"tile of {self.tile} and whose halos do not meet: 0 <= 2 halo <= chart"
            )
        if (side - self.tile) % self.stride:
            fits = self.halo + (-(side - self.tile) % self.stride) // 2
            raise WorldError(
                f"sampler.stride={self.stride} must divide chart + 2 halo - tile = {side - self.tile}, so "
                f"that tiles fill a chart; take sampler.halo={fits}"
            )

    @property
    def parts(self) -> tuple[range, ...]:
        """Every step alone."""
        return _even(self.steps, self.steps)


Sampler = TiledSampler
"""Any preset."""

PRESETS: dict[str, type[TiledSampler]] = {
    kind.preset: kind
    for kind in (
        IndependentTiles,
        MetaEarthTiles,
        MultiDiffusion,
        InfiniteDiffusion,
        EarlySync,
        SpotDiffusion,
        ChartedMultiDiffusion,
    )
}
"""The presets by the names that world files use."""


def _cut(lengths: tuple[int, ...]) -> tuple[range, ...]:
    """Return consecutive ranges of these lengths.

    >>> _cut((1, 1, 4))
    (range(0, 1), range(1, 2), range(2, 6))
    """
    return tuple(range(a, b) for a, b in pairwise((0, *accumulate(lengths))))


def _even(steps: int, count: int) -> tuple[range, ...]:
    """Return ``count`` consecutive ranges, as equal as they can be.

    >>> _even(8, 3)
    (range(0, 2), range(2, 5), range(5, 8))
    """
    return tuple(range(steps * i // count, steps * (i + 1) // count) for i in range(count))
