"""``Embedding``: a coarse field of vectors, one band for every channel."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.gather import Coordinates, Gathering, pixels_at
from geoinfinite.conditions.place import Place
from geoinfinite.conditions.settings import (
    absolute,
    check_kind,
    check_name,
    checked_choice,
    checked_guidance,
    checked_levels,
    checked_path,
    said,
)
from geoinfinite.conditions.source_digest import checked_digest, source_digest
from geoinfinite.conditions.source_raster import SourceRaster, source_files, source_raster
from geoinfinite.errors import WorldError
from geoinfinite.plane.grid import Grid
from geoinfinite.told import Slot

INTERPOLATION = "bilinear", "slerp"
SNAP = 2**20
"""Parts of a pixel of a field in which places are counted."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """Vectors of a georeferenced field, such as the features of a network, read between its pixels.

    A tile is told as many vectors along each side as `Slot.cells_of` says, each at the middle of its part
    of the tile. Where one of them is not known, the tile is told nothing.

    >>> Embedding("embedding", "features.tif").kind
    'embedding'
    """

    kind: ClassVar[str] = "embedding"
    PATHS: ClassVar[tuple[str, ...]] = ("source",)

    name: str
    """The slot that it fills."""
    source: str
    """The path of a raster whose bands are the channels."""
    interpolation: str = "bilinear"
    """``"bilinear"``; ``"slerp"``: between directions, first along the field's rows, as
    Large-Image-Diffusion samples its embeddings."""
    levels: tuple[int, ...] = ()
    """The levels that it steers; ``()``: all whose model has the slot."""
    guidance: float | None = None
    """How far guidance goes beyond the answer without it; ``None``: as the sampler and the slot say."""
    digest: str | None = None
    """``"sha256:..."`` of the file, which is believed."""
    strength: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        check_name(self.name)
        for key, value in (
            ("source", checked_path(self.name, self.source)),
            ("interpolation", checked_choice(self.name, "interpolation", self.interpolation, INTERPOLATION)),
            ("levels", checked_levels(self.name, self.levels)),
            ("guidance", checked_guidance(self.name, self.guidance)),
            ("digest", checked_digest(self.name, self.digest)),
        ):
            object.__setattr__(self, key, value)

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
        """Raise `WorldError` unless the file can fill a slot; reads its header only."""
        check_kind(self.name, self.kind, slot)
        bands = len(self._header().indexes)
        if slot.channels is not None and bands != slot.channels:
            raise WorldError(
                f"{said(self.name, 'source', self.source)} has {bands} bands, and the vectors of slot "
                f"{slot.name!r} have {slot.channels} channels; name a file with that many"
            )

    def told(self, place: Place, slot: Slot) -> NDArray[np.float32] | None:
        """Return vectors ``(channel, cell, cell)`` of a place; ``None`` where one of them is not known.

        A cell in the middle of a pixel of the field is told its vector, bit for bit.
        """
        header = self._header()
        rows, columns = place.parts(slot.cells_of(place.window.width, place.grid.gsd_m(place.level)))
        x, y = place.coordinates(rows, columns)
        column, row = pixels_at(header, place.grid.crs, np.tile(x, len(y)), np.repeat(y, len(x)))
        with header.opened() as opened:
            gathering = Gathering(opened, header.indexes, True, spherical=self.interpolation == "slerp")
            samples = gathering.gather(_snapped(column), _snapped(row))
        if not samples.known.all():
            return None
        return samples.values.reshape(-1, len(rows), len(columns))

    def _header(self) -> SourceRaster:
        return source_raster(self.path, said(self.name, "source", self.source))


def _snapped(position: Coordinates) -> Coordinates:
    """Return positions on a fine lattice: what is in the middle of a pixel but for rounding is in it."""
    return np.rint(position * SNAP) / SNAP
