"""``Location``: where on the Earth a tile lies."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.place import Place
from geoinfinite.conditions.settings import (
    check_kind,
    check_name,
    checked_guidance,
    checked_levels,
    checked_number,
)
from geoinfinite.plane.grid import Grid
from geoinfinite.told import Slot


@dataclass(frozen=True, slots=True)
class Location:
    """Longitude and latitude of the middle of a tile, for models with an encoder of locations.

    >>> Location("location").kind
    'location'
    """

    kind: ClassVar[str] = "location"

    name: str
    """The slot that it fills."""
    levels: tuple[int, ...] = ()
    """The levels that it steers; ``()``: all whose model has the slot."""
    guidance: float | None = None
    """How far guidance goes beyond the answer without it; ``None``: as the sampler and the slot say."""
    strength: float = 1.0
    """Factor on what it adds to the network; 0 switches it off."""

    def __post_init__(self) -> None:
        check_name(self.name)
        for key, value in (
            ("levels", checked_levels(self.name, self.levels)),
            ("guidance", checked_guidance(self.name, self.guidance)),
            ("strength", checked_number(self.name, "strength", self.strength, 0, 100)),
        ):
            object.__setattr__(self, key, value)

    def files(self) -> tuple[Path, ...]:
        """Return no files."""
        return ()

    def described(self) -> dict[str, Any]:
        """Return its settings."""
        return {"kind": self.kind, **asdict(self)}

    def check(self, slot: Slot, grid: Grid, level: int) -> None:
        """Raise `WorldError` unless a slot is told a location."""
        check_kind(self.name, self.kind, slot)

    def told(self, place: Place, slot: Slot) -> NDArray[np.float64]:
        """Return longitude in [-180, 180) and latitude of the middle of a place, in degrees."""
        return np.array(place.lonlat())
