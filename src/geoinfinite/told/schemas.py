"""Schemas of metadata: the facts that a published system is told, in order, and how they become numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoinfinite.errors import WorldError


@dataclass(frozen=True, slots=True)
class Item:
    """One fact, in units of the world, and the range that is mapped to 0 .. `Schema.scale`."""

    name: str
    low: float
    high: float
    most: float = 1.0
    """The greatest share of the scale that is sensible: resolutions may exceed their range."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The facts that a system is told, in order."""

    name: str
    items: tuple[Item, ...]
    scale: float
    null: float = 0.0
    """What is told where a fact is not known."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the facts."""
        return tuple(item.name for item in self.items)

    def encoded(self, facts: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Return facts in units of the world, NaN where not known, as the system is told them.

        Raises `WorldError` for a fact that lies outside its range, such as a year that is scaled already.

        >>> DIFFUSIONSAT.encoded([153.3167, -27.862, 0.4114541, 0.0, 2017, 2, 11]).round(4).tolist()
        [925.8797, 345.2111, 411.4541, 0.0, 308.3333, 166.6667, 354.8387]
        """
        pairs = zip(facts, self.items, strict=True)
        told = np.array([(fact - item.low) / (item.high - item.low) for fact, item in pairs])
        for item, fact, share in zip(self.items, facts, told, strict=True):
            if not np.isnan(share) and not -1e-9 <= share <= item.most + 1e-9:
                raise WorldError(
                    f"metadata.{item.name}={fact:g} would be told to {self.name} as {share * self.scale:g}, "
                    f"beyond 0 to {item.most * self.scale:g}; give it in units of the world, {item.low:g} to "
                    f"{item.low + item.most * (item.high - item.low):g}"
                )
        return np.where(np.isnan(told), self.null, told * self.scale)

    def decoded(self, told: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Return facts in units of the world: undoes `encoded`, but for facts that are not known."""
        shares = np.asarray(told, np.float64) / self.scale
        pairs = zip(shares, self.items, strict=True)
        return np.array([share * (item.high - item.low) + item.low for share, item in pairs])


DIFFUSIONSAT = Schema(
    "diffusionsat",
    (
        Item("lon", -180, 180),
        Item("lat", -90, 90),
        Item("gsd", 0, 1, most=1000),
        Item("cloud_cover", 0, 1),
        Item("year", 1980, 2100),
        Item("month", 0, 12),
        Item("day", 0, 31),
    ),
    scale=1000,
)
"""Khanna et al. 2024 (arXiv:2312.03606); ranges as in the authors' code, not as in the paper's table."""
GEOCORE = Schema(
    "geocore",
    (Item("resolution_index", -1, 7), Item("lon", -180, 180), Item("lat", -90, 90)),
    scale=1000,
    null=-999,
)
"""GeoCore-9B: the resolution's index is 17 less the zoom level."""
CRSDIFF = Schema(
    "crsdiff",
    (
        Item("year", 1980, 2024),
        Item("month", 0, 12),
        Item("day", 0, 31),
        Item("gsd", 0, 5),
        Item("cloud_cover", 0, 1),
        Item("lat", -90, 90),
        Item("lon", -180, 180),
    ),
    scale=1000,
)
"""Tang et al. 2024 (arXiv:2403.11614); they count cloud in percent, which is a share here as elsewhere."""
TEXT2EARTH = Schema("text2earth", (Item("google_level", 0, 1, most=18),), scale=1)
"""Liu et al. 2025 (arXiv:2501.00895): zoom levels 10 to 18; 0 where it is not known."""

SCHEMAS = {schema.name: schema for schema in (DIFFUSIONSAT, CRSDIFF, GEOCORE, TEXT2EARTH)}
"""Schemas by the names that world files use."""
