"""``MaskLabels``: polygons of a vector file burnt as the class of every pixel of a chip."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.burning import seen_beyond
from geoinfinite.conditions.map_cells import Cells
from geoinfinite.conditions.map_painting import painted
from geoinfinite.conditions.map_style import of_classes
from geoinfinite.conditions.settings import absolute
from geoinfinite.conditions.vector_file import VectorFile, distinct_values, vector_file
from geoinfinite.conditions.vectors_near import check_carried
from geoinfinite.errors import WorldError, shorten
from geoinfinite.file_memo import file_digest
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window

MOST_CLASSES = 255
"""A mask is a picture of bytes, and 0 is the background."""


@dataclass(frozen=True, slots=True)
class MaskLabels:
    """Areas and lines of a file as masks: the number of the class that lies at the middle of a pixel.

    Classes are numbered from 1 in the order in which they are named; 0 is what none of them covers. Of areas
    that overlap the smaller one counts, as in maps of the style "plain"; lines are one pixel wide.

    >>> MaskLabels("cover.fgb", ("water", "forest")).names
    ('background', 'water', 'forest')
    """

    source: str
    """The path of vectors: GeoPackage, FlatGeobuf, GeoJSON or Parquet."""
    classes: tuple[str, ...]
    """The classes that are burnt."""
    column: str = "class"
    """The attribute that holds the class of each."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", str(self.source))
        object.__setattr__(self, "classes", tuple(map(str, self.classes)))
        if not 1 <= len(set(self.classes)) == len(self.classes) <= MOST_CLASSES:
            raise WorldError(
                f"masks={shorten(str(self.classes))} must name 1 to {MOST_CLASSES} classes, each once; "
                "name them"
            )

    @property
    def path(self) -> Path:
        """The file."""
        return absolute(self.source)

    @property
    def names(self) -> tuple[str, ...]:
        """What the numbers of a mask stand for."""
        return ("background", *self.classes)

    def described(self) -> dict[str, Any]:
        """Return its settings, the file by its content."""
        return {"source": file_digest(self.path), "column": self.column, "classes": list(self.classes)}

    def check(self, grid: Grid) -> None:
        """Raise `WorldError` for a file that cannot label chips of a grid, or that lacks a class."""
        file = self._file()
        layers = file.with_column(self.column)
        if not layers:
            raise WorldError(
                f"column={self.column!r} is no attribute of {self.source!r}, which has "
                f"{shorten(', '.join(file.columns), 200) or 'none'}; name the one that holds classes"
            )
        for layer in layers:
            check_carried(file, layer, grid)
        found = {str(v) for layer in layers for v in distinct_values(file, layer, self.column)}
        missing = [name for name in self.classes if name not in found]
        if missing:
            raise WorldError(
                f"masks={','.join(self.classes)}: {missing[0]!r} is no class of {self.source!r}, which has "
                f"{shorten(', '.join(sorted(found)), 200) or 'none'}; name those"
            )

    def of(self, grid: Grid, level: int, window: Window) -> NDArray[np.uint8]:
        """Return the class ``(y, x)`` of every pixel of a chip: a function of the pixel alone."""
        file, cells = self._file(), Cells(grid, level, 1)
        layers = file.with_column(self.column)
        numbers = [(name, (float(number),)) for number, name in enumerate(self.classes, 1)]
        style = of_classes(self.column, numbers, (0.0,))
        values = seen_beyond(
            window, cells.shape, cells.period, lambda piece: painted(file, layers, style, cells, piece)
        )
        return np.ascontiguousarray(values[..., 0].astype(np.uint8))

    def _file(self) -> VectorFile:
        return vector_file(self.path, f"masks={shorten(repr(self.source))}")
