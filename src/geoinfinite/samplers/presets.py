"""How a level's tiles are sampled together: settings that carry the field's names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from geoinfinite.errors import WorldError
from geoinfinite.samplers.schedules import SCHEDULES


@dataclass(frozen=True, slots=True)
class IndependentTiles:
    """Every tile is solved alone from position-keyed noise; overlaps blend once, at the end.

    Tiles agree where they overlap because they start from the same noise and see the same parent
    (MetaEarth, Yu et al. 2024). The cheapest sampler: a window costs exactly the tiles that it meets.
    """

    preset: ClassVar[str] = "independent"

    solver: str = "ab2"
    """Name of a solver: ``gi.samplers.SOLVERS``."""
    schedule: str = "flow"
    """Name of a schedule of noise levels: ``gi.samplers.SCHEDULES``."""
    shift: float = 2.0
    """Factor on every noise level of the schedule: for ``flow`` the shift of its time."""
    steps: int = 8
    """Steps of the solver."""
    tile: int = 128
    """Side of a tile in pixels."""
    stride: int = 120
    """Pixels from one tile's start to the next one's; ``tile - stride`` overlap."""
    weights: str = "hann"
    """How overlapping tiles blend: ``hann``, ``linear``, ``gaussian``, ``uniform``, ``crop``."""
    consistency: str = "mean"
    """``"mean"``: a level coarsened by the factor is its parent; ``"none"``: as the network left it."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.shift) and self.shift > 0):
            raise WorldError(
                f"sampler.shift={self.shift} must be a positive finite number; 1.0 shifts nothing"
            )
        if self.steps < 1:
            raise WorldError(f"sampler.steps={self.steps} must be at least 1")
        if self.consistency not in ("mean", "none"):
            raise WorldError(f'sampler.consistency={self.consistency!r} is not "mean" or "none"')
        if not 0 < self.stride <= self.tile:
            raise WorldError(
                f"sampler.stride={self.stride} must be between 1 and sampler.tile={self.tile}: "
                "a larger stride leaves pixels that no tile covers"
            )

    @property
    def sigmas(self) -> tuple[float, ...]:
        """The noise levels of a solve, decreasing to 0."""
        return tuple(self.shift * sigma for sigma in SCHEDULES[self.schedule](self.steps))


PRESETS = {IndependentTiles.preset: IndependentTiles}
