"""``Raster``: values of a raster file under every pixel of a tile."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.classes import checked_table
from geoinfinite.conditions.place import Place
from geoinfinite.conditions.raster_values import RasterValues
from geoinfinite.conditions.settings import (
    check_kind,
    check_name,
    checked_bands,
    checked_choice,
    checked_guidance,
    checked_levels,
    checked_number,
    checked_numbers,
    checked_path,
    said,
)
from geoinfinite.conditions.source_digest import checked_digest, source_digest
from geoinfinite.plane.grid import Grid
from geoinfinite.told import Slot

Array = NDArray[np.float32]
RESAMPLING = "bilinear", "nearest", "average", "majority"


@dataclass(frozen=True, slots=True)
class Raster:
    """A raster file in any CRS, resolution and rotation, read at the exact place of every pixel.

    Where it is finer than a level, its overviews and several samples a pixel are averaged. Integers are
    mapped to the range of the slot, 0..255 to 0..1 for a ControlNet's hint, unless ``scale`` or ``offset``
    are given.

    >>> Raster("hint", "osm.tif", fill=(242, 239, 233)).levels
    ()
    """

    kind: ClassVar[str] = "raster"
    PATHS: ClassVar[tuple[str, ...]] = ("source",)

    name: str
    """The slot that it fills."""
    source: str
    """The path of a GeoTIFF, PNG or JPEG, or ``bundled:water``: the share of water on the globe, of 255."""
    levels: tuple[int, ...] = ()
    """The levels that it steers; ``()``: all whose model has the slot."""
    bands: tuple[int | str, ...] = ()
    """Bands by number, from 1, or by name; ``()``: those that the slot names, or all."""
    resampling: str = "bilinear"
    """``"bilinear"``; ``"average"``: over the pixel; ``"nearest"``, ``"majority"``: for classes."""
    scale: float | None = None
    """Factor on the stored values."""
    offset: float | None = None
    """What is added to the scaled values."""
    colours: tuple[tuple[int, tuple[float, ...]], ...] = ()
    """Values of every class of a file that holds classes: ``{1 = [0, 0, 255]}`` in a world file."""
    fill: tuple[float, ...] = ()
    """Stored values where nothing is known, one for all bands or one for each; ``()``: refused."""
    strength: float = 1.0
    """Factor on what it adds to the network; 0 switches it off."""
    guidance: float | None = None
    """How far guidance goes beyond the answer without it; ``None``: as the sampler and the slot say."""
    digest: str | None = None
    """``"sha256:..."`` of the file: it is believed, so that a huge file is not read to name its content.
    `check_digest` compares them."""

    def __post_init__(self) -> None:
        check_name(self.name)
        for key, value in (
            ("source", checked_path(self.name, self.source)),
            ("levels", checked_levels(self.name, self.levels)),
            ("resampling", checked_choice(self.name, "resampling", self.resampling, RESAMPLING)),
            ("strength", checked_number(self.name, "strength", self.strength, 0, 100)),
            ("guidance", checked_guidance(self.name, self.guidance)),
            ("fill", checked_numbers(self.name, "fill", self.fill)),
            ("colours", checked_table(self.name, self.colours)),
            ("digest", checked_digest(self.name, self.digest)),
            ("bands", checked_bands(self.name, self.bands)),
        ):
            object.__setattr__(self, key, value)
        for key in ("scale", "offset"):
            if getattr(self, key) is not None:
                object.__setattr__(self, key, checked_number(self.name, key, getattr(self, key)))

    @property
    def path(self) -> Path:
        """The file."""
        return self._values().path

    def files(self) -> tuple[Path, ...]:
        """Return the file and what lies beside it and decides its values."""
        return self._values().files()

    def described(self) -> dict[str, Any]:
        """Return its settings, the file by its content."""
        settings = {key: value for key, value in asdict(self).items() if key not in ("source", "digest")}
        return {"kind": self.kind, **settings, "source": source_digest(self.path, self.digest)}

    def check(self, slot: Slot, grid: Grid, level: int) -> None:
        """Raise `WorldError` unless the file can fill a slot; reads its header only."""
        check_kind(self.name, self.kind, slot)
        self._values().check(slot)

    def told(self, place: Place, slot: Slot) -> Array:
        """Return values ``(band, y, x)`` of a place; a value is a function of its pixel.

        Raises `WorldError` where nothing is known and ``fill`` says nothing.
        """
        return self._values().told(place, slot)

    def _values(self) -> RasterValues:
        return RasterValues(
            self.name,
            said(self.name, "source", self.source),
            self.source,
            self.bands,
            self.resampling,
            self.scale,
            self.offset,
            self.colours,
            self.fill,
        )
