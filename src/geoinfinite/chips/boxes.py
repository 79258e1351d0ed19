"""``BoxLabels``: objects of a vector file as the turned boxes that a chip shows, each with its class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.chips.clipping import Corners, rectangle_in_chip, visible_part, whole_polygon
from geoinfinite.conditions.carrier import Carrier
from geoinfinite.conditions.outlines import outlines_near
from geoinfinite.conditions.settings import absolute
from geoinfinite.conditions.vector_file import VectorFile, VectorLayer, distinct_values, vector_file
from geoinfinite.conditions.vectors_near import check_carried, features_near
from geoinfinite.errors import WorldError, shorten
from geoinfinite.file_memo import file_digest
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window

_WHOLE = 1 - 1e-9
"""Share from which a box counts as wholly visible."""


@dataclass(frozen=True, slots=True, eq=False)
class BoxLabel:
    """A box that a chip shows, in pixels from the chip's upper left corner."""

    feature: str
    """``"LAYER/NUMBER"``: which feature of the file it is, the same in every chip."""
    name: str
    """Its class."""
    number: int
    """The number of its class, from 0."""
    corners: Corners
    """Four corners within the chip, clockwise from the upper left one."""
    part: Any
    """The part of the object that the chip shows, a shapely polygon."""
    outline: Corners
    """The corners of the whole object, which may lie beyond the chip."""
    share: float
    """The share of the object's area that the chip shows."""

    @property
    def is_cut(self) -> bool:
        """Whether a part of the object lies beyond the chip."""
        return self.share < _WHOLE


@dataclass(frozen=True, slots=True)
class Outline:
    """A whole object on the pixels of a level."""

    feature: str
    name: str
    corners: Corners
    """``(corner, (x, y))``, pixels of the level."""


@dataclass(frozen=True, slots=True)
class BoxLabels:
    """Polygons of a file, as labels of chips: boxes of any angle with the class that a column says.

    A chip has the boxes of which at least ``least_visible`` lies in it, in the file's order. Those that lie
    wholly in it keep their corners; of the others the label is the turned rectangle within the chip that fits
    the visible part best.

    >>> BoxLabels("ships.gpkg").column
    'class'
    """

    source: str
    """The path of polygons: GeoPackage, FlatGeobuf, GeoJSON or Parquet."""
    column: str = "class"
    """The attribute that holds the class of each."""
    classes: tuple[str, ...] = ()
    """The classes that are labelled, in the order of their numbers; ``()``: all, sorted by name."""
    least_visible: float = 0.25
    """The share of a box that lies in a chip at least, or it is no label of it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", str(self.source))
        object.__setattr__(self, "classes", tuple(map(str, self.classes)))
        if len(set(self.classes)) < len(self.classes):
            raise WorldError(f"classes={self.classes} names one twice; name each once")
        if not 0 < self.least_visible <= 1:
            raise WorldError(
                f"least_visible={self.least_visible!r} must be above 0 and at most 1; 1 labels whole "
                "boxes alone"
            )

    @property
    def path(self) -> Path:
        """The file."""
        return absolute(self.source)

    @property
    def names(self) -> tuple[str, ...]:
        """The classes in the order of their numbers."""
        return self.classes or self.found

    @property
    def found(self) -> tuple[str, ...]:
        """The classes that the file has, sorted by name."""
        file = self._file()
        values = (v for layer in self._layers(file) for v in distinct_values(file, layer, self.column))
        return tuple(sorted({str(value) for value in values if value is not None and value == value}))

    def described(self) -> dict[str, Any]:
        """Return its settings, the file by its content."""
        return {
            "source": file_digest(self.path),
            "column": self.column,
            "classes": list(self.names),
            "least_visible": self.least_visible,
        }

    def check(self, grid: Grid) -> None:
        """Raise `WorldError` for a file that cannot label chips of a grid, or has none of the classes."""
        file = self._file()
        for layer in self._layers(file):
            check_carried(file, layer, grid)
        missing = [name for name in self.classes if name not in self.found]
        if self.classes and len(missing) == len(self.classes):
            raise WorldError(
                f"classes={self.classes} are no classes of {self.source!r}: it has "
                f"{shorten(', '.join(self.found), 200) or 'none'}; name some of them"
            )

    def outlines(self, grid: Grid, level: int, window: Window) -> list[Outline]:
        """Return the objects near a window of a level, whole, in the file's order."""
        return [
            Outline(feature, name, corners + np.array([window.x0, window.y0]))
            for feature, name, corners in self._near(grid, level, window)
        ]

    def of(self, grid: Grid, level: int, window: Window) -> tuple[BoxLabel, ...]:
        """Return the labels of a chip: a pure function of the place, whatever was asked before."""
        numbers = {name: number for number, name in enumerate(self.names)}
        found = []
        for feature, name, corners in self._near(grid, level, window):
            polygon = whole_polygon(corners)
            part, share = visible_part(polygon, *window.shape)
            if share < self.least_visible:
                continue
            kept = corners if share >= _WHOLE else rectangle_in_chip(corners, part, *window.shape)
            found.append(BoxLabel(feature, name, numbers[name], kept, part, corners, min(share, 1.0)))
        return tuple(found)

    def _near(self, grid: Grid, level: int, window: Window) -> Iterator[tuple[str, str, Corners]]:
        """Yield features near a window with their classes and corners, counted from the window's corner."""
        file, known = self._file(), set(self.names)
        for layer in self._layers(file):
            features = features_near(file, layer, (self.column,), grid, (level, window))
            carrier = Carrier(layer.crs, grid, level)
            outlines, numbers = outlines_near(features, carrier, window)
            for corners, i in _in_order(outlines, numbers):
                name = str(features.attributes[self.column][i])
                if name in known:
                    yield f"{layer.name}/{features.ids[i]}", name, corners

    def _file(self) -> VectorFile:
        return vector_file(self.path, f"boxes={shorten(repr(self.source))}")

    def _layers(self, file: VectorFile) -> Sequence[VectorLayer]:
        layers = file.with_column(self.column)
        if not layers:
            raise WorldError(
                f"column={self.column!r} is no attribute of {self.source!r}, which has "
                f"{shorten(', '.join(file.columns), 200) or 'none'}; name the one that holds classes"
            )
        return layers


def _in_order(outlines: NDArray[np.float64], numbers: NDArray[np.intp]) -> Iterator[tuple[Corners, int]]:
    """Yield outlines in the order of their features, each with its number."""
    for place in np.argsort(numbers, kind="stable"):
        yield outlines[place], int(numbers[place])
