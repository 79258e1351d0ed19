"""``Map``: vectors painted as a map in a style, such as OpenStreetMap's, under every pixel of a tile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.burning import seen_beyond
from geoinfinite.conditions.map_cells import Cells
from geoinfinite.conditions.map_painting import painted
from geoinfinite.conditions.map_style import Style, of_classes
from geoinfinite.conditions.map_style_file import STYLES, bundled, style_of_file
from geoinfinite.conditions.map_tags import IN_ONE, text_of
from geoinfinite.conditions.place import Place
from geoinfinite.conditions.settings import (
    absolute,
    check_kind,
    check_name,
    checked_choice,
    checked_guidance,
    checked_levels,
    checked_number,
    checked_numbers,
    checked_path,
    said,
)
from geoinfinite.conditions.vector_file import VectorFile, VectorLayer, distinct_values, vector_file
from geoinfinite.conditions.vectors_near import check_carried
from geoinfinite.errors import WorldError, shorten
from geoinfinite.file_memo import file_digest
from geoinfinite.plane.grid import Grid
from geoinfinite.told import Slot

Array = NDArray[np.float32]
_BYTE = 255


@dataclass(frozen=True, slots=True)
class Map:
    """Areas and lines of a file, painted offline as a map: for models that are told one, or masks of classes.

    Tags of OpenStreetMap are columns of the file, or stand together in one column ``other_tags``, ``tags`` or
    ``all_tags``, as GDAL writes them. Edges are averaged over 4 x 4 samples a pixel, or as the style says.

    >>> Map("hint", "city.gpkg", style="osm-carto-z17").background
    ()
    >>> Map("mask", "cover.fgb", style="plain", column="class", colours={"water": (0, 0, 255)}).colours
    (('water', (0.0, 0.0, 255.0)),)
    """

    kind: ClassVar[str] = "map"
    PATHS: ClassVar[tuple[str, ...]] = ("source", "style_file")

    name: str
    """The slot that it fills."""
    source: str
    """The path of vectors: GeoPackage, FlatGeobuf, GeoJSON or Parquet."""
    style: str = ""
    """``"osm-carto-z17"``, ``"geosynth"``, or ``"plain"`` for masks of classes."""
    style_file: str = ""
    """The path of a style of one's own, in place of ``style``."""
    column: str = ""
    """Of ``"plain"``: the attribute that holds the class of each feature; left out: tags of OpenStreetMap."""
    colours: tuple[tuple[str, tuple[float, ...]], ...] = ()
    """Of ``column``: the colour of every class that is painted, ``{water = [0, 0, 255]}`` in a world file."""
    background: tuple[float, ...] = ()
    """The colour where nothing is painted; ``()``: as the style says, black with ``column``."""
    levels: tuple[int, ...] = ()
    """The levels that it steers; ``()``: all whose model has the slot."""
    strength: float = 1.0
    """Factor on what it adds to the network; 0 switches it off."""
    guidance: float | None = None
    """How far guidance goes beyond the answer without it; ``None``: as the sampler and the slot say."""

    def __post_init__(self) -> None:
        check_name(self.name)
        for key, value in (
            ("source", checked_path(self.name, self.source)),
            ("background", _checked_colour(self.name, "background", self.background)),
            ("colours", _checked_colours(self.name, self.colours)),
            ("levels", checked_levels(self.name, self.levels)),
            ("strength", checked_number(self.name, "strength", self.strength, 0, 100)),
            ("guidance", checked_guidance(self.name, self.guidance)),
        ):
            object.__setattr__(self, key, value)
        self._check_style()

    def _check_style(self) -> None:
        if self.style_file != "":
            object.__setattr__(self, "style_file", checked_path(self.name, self.style_file, "style_file"))
        if (self.style_file != "") == (self.style != ""):
            own = shorten(repr(self.style_file), 40)
            raise WorldError(
                f"{said(self.name, 'style', self.style)} and style_file={own}: name one of the two; "
                f"styles are {', '.join(STYLES)}"
            )
        if self.style != "":
            checked_choice(self.name, "style", self.style, STYLES)
        if not isinstance(self.column, str) or bool(self.column) != bool(self.colours):
            raise WorldError(
                f"{said(self.name, 'column', self.column)} and colours belong together: name the attribute "
                "that holds classes, and the colour of each, such as colours = {water = [0, 0, 255]}"
            )
        if self.column and self.style != "plain":
            raise WorldError(
                f"{said(self.name, 'column', self.column)} needs the style of masks; "
                'write style = "plain", or rules for classes into a style file'
            )
        lengths = {len(colour) for _, colour in self.colours} | {len(self.background) or None}
        if self.column and len(lengths - {None}) > 1:
            raise WorldError(
                f"{said(self.name, 'colours', self.colours)}: all colours, and background, "
                "have equally many values"
            )

    @property
    def path(self) -> Path:
        """The file of vectors."""
        return absolute(self.source)

    def files(self) -> tuple[Path, ...]:
        """Return the file, and that of the style."""
        return (self.path, absolute(self.style_file)) if self.style_file else (self.path,)

    def described(self) -> dict[str, Any]:
        """Return its settings, the file by its content and the style by what it says."""
        settings = {key: value for key, value in asdict(self).items() if key not in ("source", "style_file")}
        return {
            "kind": self.kind,
            **settings,
            "style": asdict(self._style()),
            "source": file_digest(self.path),
        }

    def check(self, slot: Slot, grid: Grid, level: int) -> None:
        """Raise `WorldError` unless it can fill a slot: by headers, and by the classes that there are."""
        check_kind(self.name, self.kind, slot, fills="raster")
        style = self._style()
        count = len(style.background)
        if slot.channels not in (None, count) or slot.encoding is not None:
            wanted = slot.encoding or f"{slot.channels} bands"
            raise WorldError(
                f"condition.{self.name}.kind='map' gives {count} bands of colour, and the slot {slot.name!r} "
                f'is told {wanted}; write kind = "raster"'
            )
        file = self._file()
        layers = self._layers(file, style)
        for layer in layers:
            check_carried(file, layer, grid)
        if self.column and not any(self._has_class(file, layer) for layer in layers):
            raise WorldError(
                f"{said(self.name, 'colours', self.colours)} has no colour for any class of {self.source!r}: "
                f"{self._classes(file, layers)}; name some of them"
            )

    def told(self, place: Place, slot: Slot) -> Array:
        """Return values ``(band, y, x)`` of a place; a value is a function of its pixel."""
        style, file = self._style(), self._file()
        layers = self._layers(file, style)
        cells = Cells(place.grid, place.level, slot.pixels)
        values = seen_beyond(
            place.window.coarsen(slot.pixels),
            cells.shape,
            cells.period,
            lambda piece: painted(file, layers, style, cells, piece),
        )
        low, high = slot.span or (0.0, float(_BYTE))
        spread = values * ((high - low) / _BYTE) + low
        return np.ascontiguousarray(np.moveaxis(spread, -1, 0), np.float32)

    def _style(self) -> Style:
        if self.column:
            style = of_classes(self.column, self.colours, tuple(0.0 for _ in self.colours[0][1]))
        elif self.style_file:
            named = said(self.name, "style_file", self.style_file)
            style = style_of_file(absolute(self.style_file), named)
        else:
            style = bundled(self.style)
        if not self.background:
            return style
        if len(self.background) != len(style.background):
            raise WorldError(
                f"{said(self.name, 'background', self.background)} must have {len(style.background)} values, "
                "as the colours of the style have"
            )
        return replace(style, background=self.background)

    def _file(self) -> VectorFile:
        return vector_file(self.path, said(self.name, "source", self.source))

    def _layers(self, file: VectorFile, style: Style) -> tuple[VectorLayer, ...]:
        """Return the layers that may hold what the style paints."""
        wanted = {self.column} if self.column else {*style.painted_keys, *IN_ONE}
        layers = tuple(layer for layer in file.layers if wanted & {*layer.columns})
        if not layers:
            what = self.column or ", ".join((*sorted(style.painted_keys), IN_ONE[0]))
            raise WorldError(
                f"{file.named} has none of the attributes that are painted, {shorten(what, 200)}; it has "
                f"{shorten(', '.join(file.columns), 200) or 'none'}: name another file, column or style"
            )
        return layers

    def _has_class(self, file: VectorFile, layer: VectorLayer) -> bool:
        known = {name for name, _ in self.colours}
        return bool(known & {text_of(value) for value in distinct_values(file, layer, self.column)})

    def _classes(self, file: VectorFile, layers: tuple[VectorLayer, ...]) -> str:
        found = (value for layer in layers for value in distinct_values(file, layer, self.column))
        return shorten(", ".join(dict.fromkeys(map(str, found))), 200)


def _checked_colour(name: str, key: str, value: Any) -> tuple[float, ...]:
    found = checked_numbers(name, key, value)
    if not all(0 <= number <= _BYTE and number.is_integer() for number in found):
        raise WorldError(
            f"{said(name, key, value)}: a colour has whole numbers from 0 to 255, such as [0, 0, 255]"
        )
    return found


def _checked_colours(name: str, colours: Any) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """Return colours of classes, given as a mapping or as pairs; classes may be given as whole numbers."""
    pairs = tuple(colours.items()) if isinstance(colours, Mapping) else colours
    if not isinstance(pairs, tuple | list) or not all(
        isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[0], str | int) for pair in pairs
    ):
        raise WorldError(f"{said(name, 'colours', colours)} must name a colour for every class")
    found = tuple((str(key), _checked_colour(name, "colours", value)) for key, value in pairs)
    if not all(colour for _, colour in found):
        raise WorldError(f"{said(name, 'colours', colours)} must name a colour for every class")
    return found
