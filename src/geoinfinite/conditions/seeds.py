"""``Seeds``: seeds by region, from one to the next by continuous transitions of the noise."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.place import Place
from geoinfinite.conditions.regions import LevelRegions, level_regions
from geoinfinite.conditions.settings import absolute, check_name, checked_levels, checked_path, said
from geoinfinite.conditions.vectors import read_features
from geoinfinite.errors import WorldError, shorten
from geoinfinite.file_memo import file_digest
from geoinfinite.plane.grid import Grid
from geoinfinite.told import Slot, Told

WIDEST = 1024
"""Pixels of the widest transition."""
Shares = NDArray[np.float64]
Places = tuple[NDArray[np.int64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Seeds:
    """Polygons within which a world is drawn with seeds of their own.

    At every pixel the noise is the sum of the seeds' noises, each times the root of the seed's share, so that
    it is standard normal everywhere. Shares are means over cells of ``width`` x ``width`` pixels, linear
    between the middles of cells: further than ``width`` pixels from every edge one seed has all of it.

    >>> Seeds("regions.gpkg").width
    64
    """

    kind: ClassVar[str] = "seeds"
    PATHS: ClassVar[tuple[str, ...]] = ("source",)
    guidance: ClassVar[float | None] = None
    strength: ClassVar[float] = 1.0

    source: str
    """The path of polygons: GeoPackage, FlatGeobuf, GeoJSON or Parquet."""
    column: str = "seed"
    """The attribute that holds the seed of each polygon; where it is missing, the world's seed holds."""
    width: int = 64
    """Pixels of a level over which one seed becomes the next, on each side of an edge at most."""
    levels: tuple[int, ...] = ()
    """The levels that it steers; ``()``: all that are drawn."""
    name: str = "seeds"

    def __post_init__(self) -> None:
        check_name(self.name)
        object.__setattr__(self, "source", checked_path(self.name, self.source))
        object.__setattr__(self, "levels", checked_levels(self.name, self.levels))
        if not isinstance(self.column, str) or not self.column:
            raise WorldError(f"{said(self.name, 'column', self.column)} must be the name of an attribute")
        if type(self.width) is not int or not 1 <= self.width <= WIDEST:
            raise WorldError(f"{said(self.name, 'width', self.width)} must be from 1 to {WIDEST} pixels")

    @property
    def path(self) -> Path:
        """The file."""
        return absolute(self.source)

    def files(self) -> tuple[Path, ...]:
        """Return the file of polygons."""
        return (self.path,)

    def described(self) -> dict[str, Any]:
        """Return its settings, the file by its content."""
        return {"kind": self.kind, **asdict(self), "source": file_digest(self.path)}

    def check(self, slot: Slot, grid: Grid, level: int) -> None:
        """Raise `WorldError` if a model's slot is to be filled with seeds."""
        raise WorldError(f"condition.{self.name} seeds the noise and fills no slot, such as {slot.name!r}")

    def told(self, place: Place, slot: Slot) -> Told:
        """Return nothing: seeds are drawn with, not told."""
        return None

    def steers(self, level: int) -> bool:
        """Say whether a drawn level has its seeds."""
        return not self.levels or level in self.levels

    def check_level(self, grid: Grid, level: int) -> None:
        """Raise `WorldError` unless its seeds can be read, and its cells go round the Earth with a level."""
        period = grid.period(level)
        if period is not None and period % self.width:
            fits = next(width for width in range(self.width, 0, -1) if period % width == 0)
            raise WorldError(
                f"{said(self.name, 'width', self.width)} must divide the {period} columns of level {level} "
                f"once round the Earth; take width = {fits}"
            )
        features = read_features(self.path, self._named)
        if self.column not in features.attributes:
            raise WorldError(
                f"{said(self.name, 'column', self.column)} is no attribute of {self.source!r}; it has "
                f"{', '.join(features.attributes) or 'none'}: name one of them"
            )
        for text in self._regions(grid, level).texts[1:]:
            self._seed(text)

    def shares(self, place: Place, latent: int = 1) -> list[tuple[int | None, Shares]]:
        """Return the seeds of a place with their shares ``(y, x)`` of its pixels, which add up to 1.

        ``None`` is the world's own seed. The pixels are those of latents where ``latent`` of the level's lie
        along each side of one. A share is a function of its pixel: cells lie on one lattice.
        """
        cells = place.window.coarsen(self.width).expand(1)
        found = self._regions(place.grid, place.level).told(cells.refine(self.width))
        if isinstance(found, str):
            rows, columns = (side // latent for side in place.window.shape)
            return [(self._seed(found), np.ones((rows, columns)))]
        y, x = (
            _places(range(start // latent, stop // latent), latent, self.width, first)
            for start, stop, first in (
                (place.window.y0, place.window.y1, cells.y0),
                (place.window.x0, place.window.x1, cells.x0),
            )
        )
        return [
            (self._seed(text), _between(_means(share, self.width), y, x))
            for text, share in zip(found.prompts, found.shares, strict=True)
        ]

    @property
    def _named(self) -> str:
        return said(self.name, "source", self.source)

    def _regions(self, grid: Grid, level: int) -> LevelRegions:
        return level_regions(self.path, self._named, self.column, "", grid, level)

    def _seed(self, text: str) -> int | None:
        """Return the seed that an attribute stands for; those of a column with gaps are read as floats."""
        digits = text.removesuffix(".0")
        if not digits:
            return None
        if not (digits.isascii() and digits.isdecimal() and int(digits) < 2**64):
            raise WorldError(
                f"{said(self.name, 'column', self.column)}: {shorten(repr(text))} is no seed; write integers "
                "from 0 to 2**64 - 1"
            )
        return int(digits)


def _means(share: NDArray[np.float32], width: int) -> Shares:
    """Return means over cells: sums of sixteenths, which are exact."""
    rows, columns = (side // width for side in share.shape)
    blocks = share.astype(np.float64).reshape(rows, width, columns, width)
    return np.asarray(blocks.sum(axis=(1, 3)) / width**2)


def _places(pixels: range, latent: int, width: int, first: int) -> Places:
    """Return the cells before pixels, counted from the first one, and how far the pixels are to the next.

    Integers count from the level's origin, so that a pixel has the same numbers in every window.
    """
    halves = (2 * np.arange(pixels.start, pixels.stop) + 1) * latent - width
    return halves // (2 * width) - first, halves % (2 * width) / (2 * width)


def _between(cells: Shares, y: Places, x: Places) -> Shares:
    """Return values between cells, linear along each axis; between equal cells exactly theirs."""
    (top, down), (left, across) = y, x
    rows = cells[top] + down[:, None] * (cells[top + 1] - cells[top])
    return np.asarray(rows[:, left] + across * (rows[:, left + 1] - rows[:, left]))
