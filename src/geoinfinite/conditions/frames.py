"""``Frames``: rasters of one place at several times, each with its own facts."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from geoinfinite.conditions.frame_settings import (
    UNKNOWN,
    check_choice_of_frames,
    checked_bands_each,
    checked_dates,
    checked_numbers_each,
    checked_sources,
    chosen_frames,
    of_frame,
)
from geoinfinite.conditions.metadata import Metadata
from geoinfinite.conditions.place import Place
from geoinfinite.conditions.raster import RESAMPLING
from geoinfinite.conditions.raster_values import RasterValues
from geoinfinite.conditions.settings import (
    check_kind,
    check_name,
    checked_choice,
    checked_date,
    checked_guidance,
    checked_levels,
    checked_number,
    checked_numbers,
    said,
)
from geoinfinite.conditions.source_digest import source_digest
from geoinfinite.plane.grid import Grid
from geoinfinite.told import Frames as ToldFrames
from geoinfinite.told import Slot


@dataclass(frozen=True, slots=True)
class Frames:
    """Raster files in any CRS and resolution that show a place at several times, in the order given.

    Order counts: networks that look along time tell the first frame from the last. Each frame is read as
    `Raster` reads a file, and each has facts of its own: the middle of the tile, its date, its cloud cover,
    and a resolution, by default that of the tile, which is what published systems are told of a picture that
    is enlarged to the tile.

    >>> Frames("frames", ("2016.tif", "2018.tif"), dates=("2016-09-11", "2018-11-20")).dates[0].year
    2016
    """

    kind: ClassVar[str] = "frames"
    PATHS: ClassVar[tuple[str, ...]] = ("sources",)

    name: str
    """The slot that it fills."""
    sources: tuple[str, ...]
    """Paths of GeoTIFFs, PNGs or JPEGs."""
    dates: tuple[datetime.date | str, ...] = ()
    """The day of every source, or ``"unknown"``; ``()``: none is known."""
    resolutions: tuple[float | str, ...] = ()
    """What is told of every source as its resolution, in metres, or ``"unknown"``; ``()``: that of the
    tile."""
    cloud_cover: tuple[float | str, ...] = ()
    """Share of every source under cloud, 0 to 1, or ``"unknown"``; ``()``: none is known."""
    select: str = "all"
    """Which sources are told: ``"all"``; those ``"nearest"`` to ``date``, or the last ones ``"before"`` or
    the first ones ``"after"`` it, as many as the model is told."""
    date: datetime.date | str | None = None
    """The day that ``select`` refers to."""
    bands: tuple[int | str, ...] | tuple[tuple[int | str, ...], ...] = ()
    """Bands by number, from 1, or by name, of all sources, or a list of them for each."""
    resampling: str = "bilinear"
    """``"bilinear"``; ``"average"``: over the pixel; ``"nearest"``, ``"majority"``: for classes."""
    scale: float | tuple[float, ...] | None = None
    """Factor on the stored values, of all sources or for each."""
    offset: float | tuple[float, ...] | None = None
    """What is added to the scaled values."""
    fill: tuple[float, ...] = ()
    """Stored values where nothing is known, one for all bands or one for each; ``()``: refused."""
    levels: tuple[int, ...] = ()
    """The levels that it steers; ``()``: all whose model has the slot."""
    strength: float = 1.0
    """Factor on what it adds to the network; 0 switches it off."""
    guidance: float | None = None
    """How far guidance goes beyond the answer without it; ``None``: as the sampler and the slot say."""

    def __post_init__(self) -> None:
        check_name(self.name)
        object.__setattr__(self, "sources", checked_sources(self.name, self.sources))
        count = len(self.sources)
        for key, value in (
            ("dates", checked_dates(self.name, self.dates, count)),
            ("resolutions", checked_numbers_each(self.name, "resolutions", self.resolutions, count)),
            ("cloud_cover", checked_numbers_each(self.name, "cloud_cover", self.cloud_cover, count)),
            ("date", None if self.date is None else checked_date(self.name, "date", self.date)),
            ("bands", checked_bands_each(self.name, self.bands, count)),
            ("resampling", checked_choice(self.name, "resampling", self.resampling, RESAMPLING)),
            ("fill", checked_numbers(self.name, "fill", self.fill)),
            ("levels", checked_levels(self.name, self.levels)),
            ("strength", checked_number(self.name, "strength", self.strength, 0, 100)),
            ("guidance", checked_guidance(self.name, self.guidance)),
        ):
            object.__setattr__(self, key, value)
        for key in ("scale", "offset"):
            if getattr(self, key) is not None:
                found = checked_numbers_each(self.name, key, getattr(self, key), count)
                object.__setattr__(self, key, found or None)
        check_choice_of_frames(self.name, self.select, self.date, self.dates)

    def files(self) -> tuple[Path, ...]:
        """Return every source and what lies beside it and decides its values."""
        return tuple(dict.fromkeys(path for values in self._values() for path in values.files()))

    def described(self) -> dict[str, Any]:
        """Return its settings, the files by their content."""
        settings = {key: value for key, value in asdict(self).items() if key != "sources"}
        settings |= {"dates": [str(date) for date in self.dates], "date": str(self.date)}
        return {
            "kind": self.kind,
            **settings,
            "sources": [source_digest(values.path) for values in self._values()],
        }

    def check(self, slot: Slot, grid: Grid, level: int) -> None:
        """Raise `WorldError` unless the files can fill a slot; reads their headers only."""
        check_kind(self.name, self.kind, slot)
        values, facts = self._values(), self._facts()
        for i in self._chosen(slot):
            values[i].check(_picture(slot))
            facts[i].check(_facts_slot(slot), grid, level)

    def told(self, place: Place, slot: Slot) -> ToldFrames:
        """Return pixels ``(frame, band, y, x)`` and facts ``(frame, item)`` of a place.

        Raises `WorldError` where a frame knows nothing and ``fill`` says nothing.
        """
        chosen, values, facts = self._chosen(slot), self._values(), self._facts()
        return ToldFrames(
            np.stack([values[i].told(place, _picture(slot)) for i in chosen]),
            np.stack([facts[i].told(place, _facts_slot(slot)) for i in chosen]),
        )

    def _chosen(self, slot: Slot) -> Sequence[int]:
        dates = self.dates or (UNKNOWN,) * len(self.sources)
        return chosen_frames(self.name, self.select, self.date, dates, slot)

    def _values(self) -> tuple[RasterValues, ...]:
        return tuple(
            RasterValues(
                self.name,
                said(self.name, f"sources[{i}]", source),
                source,
                of_frame(self.bands, i),
                self.resampling,
                of_frame(self.scale, i),
                of_frame(self.offset, i),
                fill=self.fill,
            )
            for i, source in enumerate(self.sources)
        )

    def _facts(self) -> tuple[Metadata, ...]:
        """Return what is said of every frame besides its pixels."""
        facts = []
        for i in range(len(self.sources)):
            date, cover, gsd = (_known(v, i) for v in (self.dates, self.cloud_cover, self.resolutions))
            unknown = ("gsd",) if self.resolutions and gsd is None else ()
            facts.append(Metadata(self.name, date=date, cloud_cover=cover, gsd=gsd, unknown=unknown))
        return tuple(facts)


def _known(values: Sequence[Any], i: int) -> Any:
    return None if not values or values[i] == UNKNOWN else values[i]


def _picture(slot: Slot) -> Slot:
    """Return a slot for the pixels of one frame."""
    return Slot(slot.name, "raster", channels=slot.channels, span=slot.span, pixels=slot.pixels)


def _facts_slot(slot: Slot) -> Slot:
    """Return a slot for the facts of one frame."""
    return Slot(slot.name, "metadata", bands=slot.bands)
