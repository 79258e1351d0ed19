"""Presets: settings of how a level's tiles are sampled together, named as in the literature.

Every preset is one engine with another schedule of windows. ``parts`` are the steps that tiles take alone
before they are fused; between two parts the overlaps blend, and every tile starts again from the blend.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar

from geoinfinite.errors import WorldError
from geoinfinite.samplers.tiled import TiledSampler, cut, even


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
        return even(self.steps, self.steps)


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
        return cut(self.cuts) if self.cuts else even(self.steps, self.phases)


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
        if not 0 <= self.synced < self.steps:
            raise WorldError(
                f"sampler.synced={self.synced} must be between 0 and sampler.steps - 1 = {self.steps - 1}"
            )

    @property
    def parts(self) -> tuple[range, ...]:
        """The first steps one by one, then the rest."""
        synced = min(self.synced or max(1, self.steps // 6), self.steps - 1)
        return cut((1,) * synced + (self.steps - synced,))


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
        return even(self.steps, self.steps)

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
            fits = self.chart + -(side - self.tile) % self.stride
            raise WorldError(
                f"sampler.stride={self.stride} must divide chart + 2 halo - tile = {side - self.tile}, so "
                f"that tiles fill a chart; take sampler.chart={fits}"
            )

    @property
    def parts(self) -> tuple[range, ...]:
        """Every step alone."""
        return even(self.steps, self.steps)


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
