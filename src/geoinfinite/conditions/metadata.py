"""``Metadata``: numbers about a tile, such as where it lies, its resolution and its date."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.place import Place
from geoinfinite.conditions.settings import (
    absolute,
    check_kind,
    check_name,
    checked_choice,
    checked_date,
    checked_guidance,
    checked_levels,
    checked_number,
    said,
)
from geoinfinite.conditions.source_digest import source_digest
from geoinfinite.conditions.source_raster import source_files, source_raster
from geoinfinite.conditions.tile_mean import tile_mean
from geoinfinite.errors import WorldError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.told import Slot
from geoinfinite.told.schemas import SCHEMAS

ZOOM_LEVELS = range(10, 19)
"""Web map zoom levels that Text2Earth was trained on; level 17 has pixels of 1 m, as its authors count."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """Facts about a tile in units of the world; the model turns them into its own numbers.

    Longitude, latitude and ground sample distance follow from the middle of the tile; the latter is the true
    one, so that on a Mercator grid it shrinks towards the poles. A zoom level follows from the grid's
    resolution alone, as published systems count it.

    >>> Metadata("metadata", schema="diffusionsat", date="2017-02-11").date
    datetime.date(2017, 2, 11)
    """

    kind: ClassVar[str] = "metadata"
    PATHS: ClassVar[tuple[str, ...]] = ("cloud_cover",)

    name: str
    """The slot that it fills."""
    schema: str | None = None
    """A name of `SCHEMAS`; ``None``: whatever the slot asks for."""
    date: datetime.date | str | None = None
    """The day that the picture is to show; ``None``: not known."""
    cloud_cover: float | str | None = None
    """Share of the tile under cloud, 0 to 1, or a raster of shares; ``None``: not known."""
    gsd: float | None = None
    """Ground sample distance in metres instead of the true one."""
    unknown: tuple[str, ...] = ()
    """Facts that are not told."""
    levels: tuple[int, ...] = ()
    """The levels that it steers; ``()``: all whose model has the slot."""
    guidance: float | None = None
    """How far guidance goes beyond the answer without it; ``None``: as the sampler and the slot say."""
    strength: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.schema is not None:
            checked_choice(self.name, "schema", self.schema, tuple(SCHEMAS))
        for key, value in (
            ("date", None if self.date is None else checked_date(self.name, "date", self.date)),
            ("levels", checked_levels(self.name, self.levels)),
            ("guidance", checked_guidance(self.name, self.guidance)),
            ("unknown", _checked_names(self.name, self.unknown)),
        ):
            object.__setattr__(self, key, value)
        if self.cloud_cover is not None and not isinstance(self.cloud_cover, str):
            object.__setattr__(
                self, "cloud_cover", checked_number(self.name, "cloud_cover", self.cloud_cover, 0, 1)
            )
        if self.gsd is not None:
            object.__setattr__(self, "gsd", checked_number(self.name, "gsd", self.gsd, 1e-3, 1e6))

    def files(self) -> tuple[Path, ...]:
        """Return the files of the cloud cover, if it is a raster."""
        path = self._cloud_path()
        return () if path is None else tuple(s.path for s in source_files(path) if s.exists)

    def described(self) -> dict[str, Any]:
        """Return its settings, the raster by its content."""
        settings: dict[str, Any] = {"kind": self.kind, **asdict(self), "date": str(self.date)}
        path = self._cloud_path()
        return settings if path is None else {**settings, "cloud_cover": source_digest(path)}

    def check(self, slot: Slot, grid: Grid, level: int) -> None:
        """Raise `WorldError` unless it can say what a slot asks for."""
        check_kind(self.name, self.kind, slot)
        if self.schema is not None and slot.bands and SCHEMAS[self.schema].names != slot.bands:
            fits = [name for name, schema in SCHEMAS.items() if schema.names == slot.bands]
            remedy = f'write schema = "{fits[0]}"' if fits else "leave schema out"
            raise WorldError(
                f"{said(self.name, 'schema', self.schema)} is not what the slot {slot.name!r} is told, "
                f"{', '.join(slot.bands)}; {remedy}"
            )
        strange = [item for item in (*self._items(slot), *self.unknown) if item not in FACTS]
        if strange:
            raise WorldError(
                f"condition.{self.name} is asked for {strange[0]!r}, which is none of {', '.join(FACTS)}"
            )
        path = self._cloud_path()
        if path is not None:
            source_raster(path, said(self.name, "cloud_cover", self.cloud_cover))
        # What is wrong everywhere is found now; no pixel is read.
        told = replace(self, cloud_cover=None).told(Place(grid, level, Window(0, 1, 0, 1)), slot)
        self._check_ranges(told, self._items(slot))

    def _check_ranges(self, told: NDArray[np.float64], items: tuple[str, ...]) -> None:
        """Raise `WorldError` for a fact that the system of a schema cannot be told."""
        for schema in SCHEMAS.values():
            if schema.names == items:
                try:
                    schema.encoded(told)
                except WorldError as error:
                    raise WorldError(f"condition.{self.name}: {error}") from error

    def told(self, place: Place, slot: Slot) -> NDArray[np.float64]:
        """Return the facts ``(item,)`` that a slot asks for; NaN where one is not known."""
        return np.array(
            [math.nan if item in self.unknown else FACTS[item](self, place) for item in self._items(slot)]
        )

    def _items(self, slot: Slot) -> tuple[str, ...]:
        return slot.bands or (SCHEMAS[self.schema].names if self.schema else ())

    def _cloud_path(self) -> Path | None:
        cover = self.cloud_cover
        return absolute(cover) if isinstance(cover, str) else None

    def true_gsd(self, place: Place) -> float:
        """Return the ground sample distance of a place in metres."""
        return place.ground_m() if self.gsd is None else self.gsd

    def cover(self, place: Place) -> float:
        """Return the share of a place under cloud."""
        path = self._cloud_path()
        if path is not None:
            return tile_mean(path, said(self.name, "cloud_cover", self.cloud_cover), place)
        return math.nan if self.cloud_cover is None else float(self.cloud_cover)

    def zoom(self, place: Place) -> float:
        """Return the zoom level whose nominal pixels are those of a place's level."""
        gsd = place.grid.gsd_m(place.level) if self.gsd is None else self.gsd
        zoom = round(17 - math.log2(gsd))
        if zoom not in ZOOM_LEVELS:
            raise WorldError(
                f"condition.{self.name}: level {place.level} has pixels of {gsd:.4g} m, zoom level {zoom}, "
                f"and levels {ZOOM_LEVELS.start} to {ZOOM_LEVELS.stop - 1} are known; take a resolution from "
                f"{2.0 ** (17 - ZOOM_LEVELS[-1]):g} to {2.0 ** (17 - ZOOM_LEVELS[0]):g} m"
            )
        return float(zoom)

    def part_of_date(self, part: str) -> float:
        """Return year, month or day; NaN without a date."""
        return math.nan if self.date is None else float(getattr(self.date, part))


FACTS: Mapping[str, Callable[[Metadata, Place], float]] = {
    "lon": lambda condition, place: place.lonlat()[0],
    "lat": lambda condition, place: place.lonlat()[1],
    "gsd": Metadata.true_gsd,
    "aspect": lambda condition, place: place.aspect(),
    "cloud_cover": Metadata.cover,
    "year": lambda condition, place: condition.part_of_date("year"),
    "month": lambda condition, place: condition.part_of_date("month"),
    "day": lambda condition, place: condition.part_of_date("day"),
    "google_level": Metadata.zoom,
    "resolution_index": lambda condition, place: 17 - condition.zoom(place),
}
"""The facts that can be told, by the names that slots use."""


def _checked_names(name: str, names: Any) -> tuple[str, ...]:
    if not isinstance(names, tuple | list) or not all(isinstance(n, str) for n in names):
        raise WorldError(
            f'{said(name, "unknown", names)} is no list of facts; write one such as ["lon", "lat"]'
        )
    return tuple(names)
