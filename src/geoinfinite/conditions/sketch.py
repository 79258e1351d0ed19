"""``Sketch``: a draft picture whose alpha says how far the model may decide."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.place import Place
from geoinfinite.conditions.sampling import averaged, density, sampled
from geoinfinite.conditions.settings import (
    absolute,
    check_name,
    checked_levels,
    checked_number,
    checked_path,
    said,
)
from geoinfinite.conditions.source_digest import checked_digest, source_digest
from geoinfinite.conditions.source_raster import SourceRaster, source_files, source_raster
from geoinfinite.errors import WorldError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.resample import coarsen_mean
from geoinfinite.told import Slot, Told

Array = NDArray[np.float32]
LARGEST_CELL = 1024


@dataclass(frozen=True, slots=True)
class Sketch:
    """A raster in any CRS to whose large shapes a level is drawn; its details are the model's.

    Estimates are moved towards the sketch's means over cells of ``cell`` pixels, little while all is noise,
    as far as its alpha band or mask says: 0 leaves the model free. It serves a generated level 0 best, which
    nothing else tells where land and sea are.

    >>> Sketch("draft.png", levels=(0,)).cell
    16
    """

    kind: ClassVar[str] = "sketch"
    PATHS: ClassVar[tuple[str, ...]] = ("source",)
    guidance: ClassVar[float | None] = None

    source: str
    """The path of a raster with the world's bands, and an alpha band or a mask."""
    levels: tuple[int, ...] = (0,)
    """The levels that are drawn to it."""
    cell: int = 16
    """Side in pixels of the cells whose means are compared; it divides tiles and strides."""
    strength: float = 1.0
    """Factor on its alpha, 0 to 1."""
    name: str = "sketch"
    digest: str | None = None
    """``"sha256:..."`` of the file, which is believed."""

    def __post_init__(self) -> None:
        check_name(self.name)
        object.__setattr__(self, "source", checked_path(self.name, self.source))
        object.__setattr__(self, "levels", checked_levels(self.name, self.levels))
        object.__setattr__(self, "strength", checked_number(self.name, "strength", self.strength, 0, 1))
        if type(self.cell) is not int or not 1 <= self.cell <= LARGEST_CELL:
            raise WorldError(f"{said(self.name, 'cell', self.cell)} must be from 1 to {LARGEST_CELL} pixels")
        checked_digest(self.name, self.digest)

    @property
    def path(self) -> Path:
        """The file."""
        return absolute(self.source)

    def files(self) -> tuple[Path, ...]:
        """Return the file and what lies beside it and decides its values."""
        return tuple(state.path for state in source_files(self.path) if state.exists)

    def described(self) -> dict[str, Any]:
        """Return its settings, the file by its content."""
        settings = {key: value for key, value in asdict(self).items() if key not in ("source", "digest")}
        return {"kind": self.kind, **settings, "source": source_digest(self.path, self.digest)}

    def check(self, slot: Slot, grid: Grid, level: int) -> None:
        """Raise `WorldError` if a model's slot is to be filled with a sketch."""
        raise WorldError(f"condition.{self.name} is drawn to and fills no slot, such as {slot.name!r}")

    def told(self, place: Place, slot: Slot) -> Told:
        """Return nothing: a sketch is drawn to, not told."""
        return None

    def header(self) -> SourceRaster:
        """Return the file's header."""
        return source_raster(self.path, said(self.name, "source", self.source))

    def means(self, place: Place) -> tuple[Array, Array]:
        """Return means ``(band, y, x)`` of the cells of a place in [-1, 1], and their weights ``(1, y, x)``.

        The place begins and ends at cells. Both are functions of the cell: cells lie on one lattice.
        """
        header = self.header()
        bands = header.indexes if header.alpha is None else (*header.indexes, header.alpha)
        dense = density(header, place.grid, place.level, 1, True)
        samples, shape = sampled(header, place, 1, bands, dense, True)
        values = samples.values.reshape(len(bands), *shape)
        most = np.float32(1.0 if header.dtype.startswith("f") else np.iinfo(header.dtype).max)
        alpha = samples.known.reshape(1, *shape).astype(np.float32)
        if header.alpha is not None:
            alpha = alpha * values[-1:] / most
        picture = values[: len(header.indexes)] * (2 / most) - 1
        weight = coarsen_mean(averaged(alpha, dense.parts), self.cell)
        mean = coarsen_mean(averaged(picture * alpha, dense.parts), self.cell)
        wanted = np.where(weight > 0, mean / np.maximum(weight, np.float32(1e-6)), 0)
        return wanted.astype(np.float32), weight * np.float32(self.strength)
