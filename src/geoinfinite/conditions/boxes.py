"""``Boxes``: objects of a vector file, each with its class, as boxes that may be turned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.carrier import Carrier
from geoinfinite.conditions.outlines import outlines_near, tokens_of
from geoinfinite.conditions.place import Place
from geoinfinite.conditions.rectangles import Corners
from geoinfinite.conditions.settings import (
    absolute,
    check_kind,
    check_name,
    checked_guidance,
    checked_levels,
    checked_number,
    checked_path,
    said,
)
from geoinfinite.conditions.vector_file import (
    VectorFile,
    VectorLayer,
    distinct_values,
    first_without_place,
    vector_file,
)
from geoinfinite.conditions.vectors import is_sound, shapely_module
from geoinfinite.conditions.vectors_near import check_carried, features_near
from geoinfinite.errors import WorldError, shorten
from geoinfinite.file_memo import file_digest
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.told import Boxes as ToldBoxes
from geoinfinite.told import Slot

_PARTS = 2**17
"""Areas on snapped corners are multiples of one by this: areas that are cut are rounded so."""


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """A box that a tile shows."""

    rank: tuple[float, int, int]
    """The least is told first: visible area, negative; layer; number of the feature."""
    outline: NDArray[np.float64]
    said: str
    """Its class."""


@dataclass(frozen=True, slots=True)
class Boxes:
    """Polygons of a file, as boxes of any angle with the class that a column says.

    A tile is told the boxes of which at least ``least_visible`` lies in it, the largest visible area first,
    then by layer and number of the feature; of more than the slot takes the first are told. Corners are
    those of the smallest rectangles about the objects, whose true quadrilaterals are the outlines.

    >>> Boxes("boxes", "ships.gpkg", column="class").least_visible
    0.25
    """

    kind: ClassVar[str] = "boxes"
    PATHS: ClassVar[tuple[str, ...]] = ("source",)

    name: str
    """The slot that it fills."""
    source: str
    """The path of polygons: GeoPackage, FlatGeobuf, GeoJSON or Parquet."""
    column: str
    """The attribute that holds the class of each."""
    least_visible: float = 0.25
    """The part of a box that lies in a tile at least, or the tile is not told of it."""
    levels: tuple[int, ...] = ()
    """The levels that it steers; ``()``: all whose model has the slot."""
    guidance: float | None = None
    """How far guidance goes beyond the answer without it; ``None``: as the sampler and the slot say."""
    strength: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        check_name(self.name)
        if not isinstance(self.column, str) or not self.column:
            raise WorldError(f"{said(self.name, 'column', self.column)} is no name of an attribute; name one")
        for key, value in (
            ("source", checked_path(self.name, self.source)),
            ("least_visible", checked_number(self.name, "least_visible", self.least_visible, 0, 1)),
            ("levels", checked_levels(self.name, self.levels)),
            ("guidance", checked_guidance(self.name, self.guidance)),
        ):
            object.__setattr__(self, key, value)

    @property
    def path(self) -> Path:
        """The file."""
        return absolute(self.source)

    def files(self) -> tuple[Path, ...]:
        """Return the file."""
        return (self.path,)

    def described(self) -> dict[str, Any]:
        """Return its settings, the file by its content."""
        return {"kind": self.kind, **asdict(self), "source": file_digest(self.path)}

    def check(self, slot: Slot, grid: Grid, level: int) -> None:
        """Raise `WorldError` unless it can fill a slot: by headers, and by the classes that there are."""
        check_kind(self.name, self.kind, slot)
        file = self._file()
        for layer in self._layers(file):
            check_carried(file, layer, grid)
            self._check_layer(file, layer, slot)

    def told(self, place: Place, slot: Slot) -> ToldBoxes:
        """Return the boxes of a place; a pure function of the place, whatever was asked before."""
        file = self._file()
        seen = [
            box for n, layer in enumerate(self._layers(file)) for box in self._seen(file, n, layer, place)
        ]
        seen.sort(key=lambda box: box.rank)
        told = seen[: slot.most or None]
        outlines = np.array([box.outline for box in told]).reshape(-1, 4, 2)
        return ToldBoxes(tokens_of(outlines), outlines, tuple(box.said for box in told))

    def _seen(self, file: VectorFile, number: int, layer: VectorLayer, place: Place) -> Iterator[_Seen]:
        """Return the boxes of a layer that a place shows enough of."""
        at = place.level, place.window
        features = features_near(file, layer, (self.column,), place.grid, at)
        carrier = Carrier(layer.crs, place.grid, place.level)
        outlines, feature = outlines_near(features, carrier, place.window)
        areas = _visible_areas(outlines, place.window, self.least_visible)
        for outline, i, area in zip(outlines, feature, areas, strict=True):
            if area > 0:
                rank = -float(area), number, int(features.ids[i])
                yield _Seen(rank, outline, str(features.attributes[self.column][i]))

    def _file(self) -> VectorFile:
        return vector_file(self.path, said(self.name, "source", self.source))

    def _layers(self, file: VectorFile) -> tuple[VectorLayer, ...]:
        layers = file.with_column(self.column)
        if not layers:
            raise WorldError(
                f"{said(self.name, 'column', self.column)} is no attribute of {self.source!r}; it has "
                f"{shorten(', '.join(file.columns)) or 'none'}"
            )
        return layers

    def _check_layer(self, file: VectorFile, layer: VectorLayer, slot: Slot) -> None:
        bare = first_without_place(file, layer)
        if bare is not None:
            raise WorldError(f"{file.named}: feature {bare} has no geometry; boxes are polygons: remove it")
        for value in distinct_values(file, layer, self.column):
            if value is None or value != value or (slot.classes and str(value) not in slot.classes):
                known = f"the slot {slot.name!r} knows {shorten(', '.join(slot.classes), 200)}"
                raise WorldError(
                    f"{said(self.name, 'column', self.column)} holds the class {shorten(repr(value), 40)}; "
                    f"{known if slot.classes else 'every box has one'}; rename it, or remove its features"
                )


def _visible_areas(outlines: Corners, window: Window, least: float) -> NDArray[np.float64]:
    """Return the areas within a window of outlines counted from its corner; 0 of what is hardly visible."""
    shapely = shapely_module()
    if not len(outlines):
        return np.zeros(0)
    polygons = shapely.polygons(outlines)
    broken = ~is_sound(polygons)
    polygons[broken] = shapely.make_valid(polygons[broken])
    whole = shapely.area(polygons)
    inside = shapely.area(shapely.intersection(polygons, shapely.box(0, 0, window.width, window.height)))
    inside = np.round(inside * _PARTS) / _PARTS
    return np.where((whole > 0) & (inside >= least * whole), inside, 0.0)
