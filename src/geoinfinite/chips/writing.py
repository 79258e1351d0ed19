"""Writes a data set of chips: whole files alone, the same bytes however often the run is killed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from geoinfinite.chips.chip import Chip
from geoinfinite.chips.entry import Entry
from geoinfinite.chips.filters import Filter, scores
from geoinfinite.chips.formats import Format, format_named
from geoinfinite.chips.listing import LIST, as_bytes, begin, is_complete, listing
from geoinfinite.chips.pictures import (
    check_picture,
    class_picture,
    default_picture,
    picture,
    pixels_of,
)
from geoinfinite.chips.selection import ChipSet
from geoinfinite.errors import WorldError
from geoinfinite.plane.window import Window
from geoinfinite.progress import Progress, Silent
from geoinfinite.stores.objects import Objects, open_objects

_AT_ONCE = 16
"""Chips that are drawn together."""
_STRIP = 4
"""Chips that lie above one another in a strip, along which they are drawn."""


@dataclass(frozen=True, slots=True)
class WriteSettings:
    """How a data set is written.

    >>> WriteSettings(format="coco").limit is None
    True
    """

    format: str | None = None
    """``"yolo-obb"``, ``"coco"``, ``"dota"``, ``"geoparquet"``; ``None``: pictures and their list alone."""
    picture: str | None = None
    """``"png"`` or ``"tif"``; ``None``: PNG where it holds all values, else GeoTIFF."""
    filters: Mapping[str, Filter] = field(default_factory=dict)
    """Columns that are added, by name."""
    limit: int | None = None
    """Chips that this run draws at most; the next one goes on. ``None``: all."""


@dataclass(frozen=True, slots=True)
class ChipReport:
    """The result of a run: chips drawn and kept, and whether the data set is complete."""

    path: str
    drawn: int
    kept: int
    total: int

    @property
    def complete(self) -> bool:
        """Whether every chip is there, with the files that hold all of them."""
        return self.drawn + self.kept == self.total

    @property
    def left(self) -> int:
        """Chips that are not drawn yet."""
        return self.total - self.drawn - self.kept

    def __str__(self) -> str:
        done = self.drawn + self.kept
        return f"{self.path}: {done:,} of {self.total:,} chips, {self.drawn:,} drawn and {self.kept:,} kept"


def write(
    chips: ChipSet,
    folder: str | Path | Objects,
    settings: WriteSettings | None = None,
    *,
    progress: Progress | None = None,
) -> ChipReport:
    """Draw chips and write them with their labels; go on where an earlier run of the same was stopped.

    Every file is there whole or not at all, and a chip's picture comes last. The files of all chips, and
    ``chips.json`` that lists every chip with its place, its columns and the world's recipe, are written when
    all are drawn. The finished folder is the same, byte for byte, however often it was interrupted. Raises
    `StoreError`, before anything is touched, if the folder holds something else or other chips.
    """
    job = _Job.of(chips, settings or WriteSettings())
    objects = folder if isinstance(folder, Objects) else open_objects(folder)
    begin(objects, job.said)
    with objects.writing():
        return _written(job, objects, progress or Silent())


@dataclass(frozen=True, slots=True)
class _Job:
    """What is written, and how."""

    chips: ChipSet
    form: Format
    kind: str
    settings: WriteSettings
    said: Mapping[str, Any]
    """What ``chips.json`` says before anything is drawn."""

    @classmethod
    def of(cls, chips: ChipSet, settings: WriteSettings) -> _Job:
        form = format_named(settings.format, chips)
        kind = settings.picture or default_picture(chips.source)
        check_picture(chips.source, kind)
        if settings.limit is not None and settings.limit < 1:
            raise WorldError(f"limit={settings.limit} must be at least 1; leave it out to draw all chips")
        named = {"format": settings.format, "picture": kind, "filters": sorted(settings.filters)}
        return cls(chips, form, kind, settings, listing(chips, named))

    def paths(self, number: int) -> dict[str, str]:
        """Return the paths of the pictures of a chip, the last to be written first."""
        content, split = self.chips.content, self.chips.splits[number]
        name = f"{self.chips.ids[number]}.{self.kind}"
        found = {"picture": self.form.path("images", split, name)}
        if content.masks is not None:
            found["mask"] = self.form.path("masks", split, name)
        if content.pairs is not None:
            found["coarse"] = self.form.path("coarse", split, name)
        return found

    def entry(self, number: int, chip: Chip) -> Entry:
        return Entry(
            id=chip.id,
            split=self.chips.splits[number],
            window=chip.window,
            bounds=chip.bounds,
            boxes=chip.boxes,
            files=self.paths(number),
            scores=scores(chip, self.settings.filters),
        )


def _written(job: _Job, objects: Objects, progress: Progress) -> ChipReport:
    chips, there = job.chips, set(objects.names())
    missing = [n for n in range(len(chips)) if not there.issuperset(job.paths(n).values())]
    missing.sort(key=lambda number: _strip(chips.windows[number]))
    wanted, kept = missing[: job.settings.limit], len(chips) - len(missing)
    pixels = job.chips.content.size**2
    progress.start(len(chips), len(chips) * pixels)
    try:
        progress.keep(kept, kept * pixels)
        entries: dict[int, Entry] = {}
        for number, chip in _drawn(chips, wanted):
            entries[number] = job.entry(number, chip)
            _put(job, objects, number, chip, entries[number])
            progress.advance(1, pixels)
        if len(wanted) == len(missing) and (wanted or not is_complete(objects)):
            _finish(job, objects, entries)
    finally:
        progress.finish()
    return ChipReport(objects.url, len(wanted), kept, len(chips))


def _strip(window: Window) -> tuple[int, int, int]:
    """Return where a chip comes in the order of drawing: neighbours share tiles while these are cached."""
    return window.y0 // (_STRIP * window.height), window.x0, window.y0


def _drawn(chips: ChipSet, numbers: Sequence[int]) -> Iterator[tuple[int, Chip]]:
    """Yield chips of some numbers, several drawn together."""
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        yield from zip(some, chips.read(some), strict=True)


def _put(job: _Job, objects: Objects, number: int, chip: Chip, entry: Entry) -> None:
    """Write the files of a chip; its picture comes last and says that the others are there."""
    source, paths = job.chips.source, job.paths(number)
    for name, data in job.form.beside(entry, job.chips).items():
        objects.put(name, data)
    if chip.mask is not None:
        objects.put(paths["mask"], class_picture(source, chip.window, chip.mask, job.kind))
    if chip.coarse is not None:
        above, factor = job.chips.coarse_source(), job.chips.content.pairs
        assert factor is not None
        objects.put(paths["coarse"], picture(above, chip.window.coarsen(factor), chip.coarse, job.kind))
    objects.put(paths["picture"], picture(source, chip.window, chip.pixels, job.kind))


def _finish(job: _Job, objects: Objects, entries: Mapping[int, Entry]) -> None:
    """Write the files of all chips; those of earlier runs are read back."""
    every = [entries.get(n) or _read_back(job, objects, n) for n in range(len(job.chips))]
    for name, data in job.form.together(every, job.chips).items():
        objects.put(name, data)
    rows = [
        {**row, **{name: None if value != value else value for name, value in entry.scores.items()}}
        for row, entry in zip(job.said["chips"], every, strict=True)
    ]
    objects.put(LIST, as_bytes({**job.said, "complete": True, "chips": rows}))


def _read_back(job: _Job, objects: Objects, number: int) -> Entry:
    """Return what is said of a chip that an earlier run has drawn; pixels are read for filters alone."""
    data = objects.get(job.paths(number)["picture"]) if job.settings.filters else None
    chip = job.chips.labelled(job.chips.windows[number], None if data is None else pixels_of(data))
    return job.entry(number, chip)
