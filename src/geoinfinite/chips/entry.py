"""``Entry``: what a finished data set says of one chip, without its pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from geoinfinite.chips.boxes import BoxLabel
from geoinfinite.plane.crs import Bounds
from geoinfinite.plane.window import Window


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A chip of a data set: its name, place, labels and columns."""

    id: str
    split: str
    window: Window
    bounds: Bounds
    boxes: tuple[BoxLabel, ...]
    files: Mapping[str, str]
    """Paths within the folder: ``"picture"``, and as far as there are some ``"mask"`` and ``"coarse"``."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """What the filters say, by name."""
