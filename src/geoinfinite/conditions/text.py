"""``Text``: words for a whole world, for its regions, or made of attributes of the ground."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from geoinfinite.conditions.most import attributes_of_most
from geoinfinite.conditions.place import Place
from geoinfinite.conditions.regions import LevelRegions, level_regions
from geoinfinite.conditions.settings import (
    absolute,
    check_kind,
    check_name,
    checked_guidance,
    checked_levels,
    checked_path,
    said,
)
from geoinfinite.conditions.template import absent, fields_of, filled
from geoinfinite.conditions.vectors import Features, read_features
from geoinfinite.errors import WorldError, shorten
from geoinfinite.file_memo import file_digest
from geoinfinite.plane.grid import Grid
from geoinfinite.told import Regions, Slot

LONGEST = 4096
"""Characters of a text."""


@dataclass(frozen=True, slots=True)
class Text:
    """Words that a model is told.

    - ``prompt`` alone holds everywhere.
    - With ``source`` and ``column``, polygons of a file say their own text in that column, and ``prompt``
      holds elsewhere. The answers to all texts of a tile are blended by their shares of every pixel; where
      polygons overlap, the later feature counts.
    - With ``source`` and a ``prompt`` that names attributes, ``"a satellite image[ of a {use}]"``, each tile
      is told the attributes of the polygon that covers most of it, the first of several. A part in brackets
      is left out where its attribute is not known; outside brackets it must be known.

    >>> Text("prompt", "a harbour").prompt
    'a harbour'
    """

    kind: ClassVar[str] = "text"
    PATHS: ClassVar[tuple[str, ...]] = ("source",)

    name: str
    """The slot that it fills."""
    prompt: str
    """The text, or the one that holds where no polygon says another."""
    source: str | None = None
    """The path of polygons: GeoPackage, FlatGeobuf, GeoJSON or Parquet."""
    column: str | None = None
    """The attribute that holds the text of each polygon."""
    levels: tuple[int, ...] = ()
    """The levels that it steers; ``()``: all whose model has the slot."""
    guidance: float | None = None
    """How far guidance goes beyond the answer without it; ``None``: as the sampler and the slot say."""
    strength: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        check_name(self.name)
        if not isinstance(self.prompt, str) or len(self.prompt) > LONGEST:
            raise WorldError(
                f"{said(self.name, 'prompt', self.prompt)} must be a text of {LONGEST} characters"
            )
        for key, value in (
            ("levels", checked_levels(self.name, self.levels)),
            ("guidance", checked_guidance(self.name, self.guidance)),
        ):
            object.__setattr__(self, key, value)
        if self.source is not None:
            object.__setattr__(self, "source", checked_path(self.name, self.source))
        if self.column is not None and (not isinstance(self.column, str) or not self.column):
            raise WorldError(f"{said(self.name, 'column', self.column)} is no name of an attribute; name one")
        if self.column is not None and self.source is None:
            raise WorldError(
                f"{said(self.name, 'column', self.column)} is an attribute of polygons; name their file"
            )
        if self.source is not None and self.column is None and not fields_of(self.prompt):
            raise WorldError(
                f"{said(self.name, 'source', self.source)} is not used; name the column of the texts, "
                "or attributes in prompt, such as {use}"
            )
        if fields_of(self.prompt) and (self.source is None or self.column is not None):
            remedy = "name their file as source" if self.source is None else "leave column out"
            raise WorldError(
                f"{said(self.name, 'prompt', self.prompt)} names {{{fields_of(self.prompt)[0]}}}, an "
                f"attribute of polygons; {remedy}, or write it without braces"
            )

    @property
    def path(self) -> Path:
        """The file of polygons."""
        return absolute(self.source or "")

    def files(self) -> tuple[Path, ...]:
        """Return the file of polygons, if there is one."""
        return () if self.source is None else (self.path,)

    def described(self) -> dict[str, Any]:
        """Return its settings, the file by its content."""
        settings: dict[str, Any] = {"kind": self.kind, **asdict(self)}
        return settings if self.source is None else {**settings, "source": file_digest(self.path)}

    def check(self, slot: Slot, grid: Grid, level: int) -> None:
        """Raise `WorldError` unless it can fill a slot, and unless its polygons can be read."""
        check_kind(self.name, self.kind, slot)
        if self.source is None:
            return
        attributes = self._features().attributes
        wanted = (self.column,) if self.column is not None else fields_of(self.prompt)
        for attribute in wanted:
            if attribute not in attributes:
                key = "column" if self.column is not None else "prompt"
                raise WorldError(
                    f"{said(self.name, key, getattr(self, key))}: {shorten(repr(attribute))} is no attribute "
                    f"of {self.source!r}; it has {', '.join(attributes) or 'none'}"
                )

    def counts(self, grid: Grid, level: int) -> LevelRegions | None:
        """Return how many texts the tiles of a level are told; ``None``: always one."""
        return None if self.column is None else self._regions(grid, level)

    def told(self, place: Place, slot: Slot) -> str | Regions:
        """Return the text of a place, or its texts with their shares of every pixel."""
        if self.source is None:
            return self.prompt
        if self.column is not None:
            return self._regions(place.grid, place.level).told(place.window)
        attributes = attributes_of_most(self._features(), place)
        missing = absent(self.prompt, attributes)
        if missing:
            lon, lat = place.lonlat()
            raise WorldError(
                f"{said(self.name, 'prompt', self.prompt)}: {missing[0]!r} is not known at {lon:.5f}, "
                f"{lat:.5f} on level {place.level}; put the part that needs it in brackets, "
                f"[ of a {{{missing[0]}}}]"
            )
        return filled(self.prompt, attributes)

    def _regions(self, grid: Grid, level: int) -> LevelRegions:
        named = said(self.name, "source", self.source)
        return level_regions(self.path, named, self.column or "", self.prompt, grid, level)

    def _features(self) -> Features:
        return read_features(self.path, said(self.name, "source", self.source))
