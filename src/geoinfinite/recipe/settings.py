"""The parts of a recipe that are settings only: numerics, and what single levels have of their own."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from geoinfinite.errors import WorldError
from geoinfinite.models.reference import ModelReference
from geoinfinite.samplers.tiled import TiledSampler

LARGEST_BATCH = 4096
"""Tiles per network call: beyond it no device has the memory, and every short batch is padded to it."""


@dataclass(frozen=True, slots=True)
class Numerics:
    """Settings that change the last bits and the speed, but not the picture."""

    micro_batch: int = 4
    """Tiles per network call; short batches are padded to it."""
    device: str = "cpu"
    """``cpu`` or ``cuda``."""

    def __post_init__(self) -> None:
        if type(self.micro_batch) is not int or not 1 <= self.micro_batch <= LARGEST_BATCH:
            raise WorldError(
                f"numerics.micro_batch={self.micro_batch!r} must be at least 1 and at most {LARGEST_BATCH}"
            )
        if self.device not in ("cpu", "cuda"):
            raise WorldError(f'numerics.device={self.device!r} is not "cpu" or "cuda"')


@dataclass(frozen=True, slots=True)
class LevelSettings:
    """Settings of one level: ``[level.N.sampler]`` and ``[level.N.model]`` of a world file."""

    level: int
    sampler: TiledSampler | None = None
    model: ModelReference | None = None


def described(sampler: TiledSampler) -> dict[str, Any]:
    """Return a sampler as a world file writes it; settings left to the model are left out.

    >>> from geoinfinite.samplers.presets import IndependentTiles
    >>> described(IndependentTiles())["preset"]
    'independent'
    """
    settings = {name: value for name, value in dataclasses.asdict(sampler).items() if value is not None}
    return {"preset": sampler.preset, **settings}
