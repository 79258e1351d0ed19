"""``Raster``: values of a raster file under every pixel of a tile."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.classes import Table, checked_table, coloured
from geoinfinite.conditions.place import Place
from geoinfinite.conditions.sampling import Density, averaged, density, most_frequent, sampled
from geoinfinite.conditions.settings import (
    check_name,
    checked_choice,
    checked_guidance,
    checked_levels,
    checked_number,
    checked_numbers,
    checked_path,
    said,
)
from geoinfinite.conditions.source_digest import checked_digest, source_digest
from geoinfinite.conditions.source_raster import SourceRaster, source_files, source_raster
from geoinfinite.errors import WorldError
from geoinfinite.plane.grid import Grid
from geoinfinite.told import Slot

Array = NDArray[np.float32]
RESAMPLING = "bilinear", "nearest", "average", "majority"
KINDS_OF_SLOTS = ("raster",)


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
    """The path of a GeoTIFF, PNG or JPEG."""
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
            ("bands", _checked_bands(self.name, self.bands)),
        ):
            object.__setattr__(self, key, value)
        for key in ("scale", "offset"):
            if getattr(self, key) is not None:
                object.__setattr__(self, key, checked_number(self.name, key, getattr(self, key)))

    @property
    def path(self) -> Path:
        """The file."""
        return Path(os.path.abspath(os.path.expanduser(self.source)))

    def files(self) -> tuple[Path, ...]:
        """Return the file and what lies beside it and decides its values."""
        return tuple(state.path for state in source_files(self.path) if state.exists)

    def described(self) -> dict[str, Any]:
        """Return its settings, the file by its content."""
        settings = {key: value for key, value in asdict(self).items() if key not in ("source", "digest")}
        return {"kind": self.kind, **settings, "source": source_digest(self.path, self.digest)}

    def check(self, slot: Slot, grid: Grid, level: int) -> None:
        """Raise `WorldError` unless the file can fill a slot; reads its header only."""
        if slot.kind not in KINDS_OF_SLOTS:
            raise WorldError(
                f"condition.{self.name}.kind='raster' cannot fill the slot {slot.name!r}, which is told "
                f'{slot.kind}; write kind = "{slot.kind}"'
            )
        header = self._header()
        bands = self._bands(header, slot)
        count = self._count(header, bands, slot)
        if slot.channels is not None and count != slot.channels:
            raise WorldError(
                f"{said(self.name, 'source', self.source)} gives {count} bands, and the slot {slot.name!r} "
                f"is told {slot.channels}; choose them, such as bands = {list(range(1, slot.channels + 1))}"
            )
        if len(self.fill) > 1 and len(self.fill) != len(bands):
            raise WorldError(
                f"{said(self.name, 'fill', self.fill)} has {len(self.fill)} values for {len(bands)} bands; "
                "give one for each, or one for all"
            )

    def told(self, place: Place, slot: Slot) -> Array:
        """Return values ``(band, y, x)`` of a place; a value is a function of its pixel.

        Raises `WorldError` where nothing is known and ``fill`` says nothing.
        """
        header = self._header()
        bands = self._bands(header, slot)
        table = self._table(header, slot)
        smooth = self.resampling in ("bilinear", "average") and not table
        dense = Density(None, 1)
        if self.resampling != "nearest":
            dense = density(header, place.grid, place.level, slot.pixels, smooth)
        interpolates = smooth and self.resampling == "bilinear"
        samples, shape = sampled(header, place, slot.pixels, bands, dense, interpolates)
        values = self._filled(samples.values, samples.known, place).reshape(len(bands), *shape)
        if self.resampling == "majority":
            values, dense = most_frequent(values, dense.parts), Density(None, 1)
        if table:
            values = coloured(values, table, said(self.name, "source", self.source))
        return self._scaled(averaged(values.astype(np.float32, copy=False), dense.parts), header, slot)

    def _header(self) -> SourceRaster:
        return source_raster(self.path, said(self.name, "source", self.source))

    def _table(self, header: SourceRaster, slot: Slot) -> Table:
        """Return the values of classes: as stated, or the file's palette where colours are wanted."""
        if self.colours or not header.palette or slot.channels in (None, 1):
            return self.colours
        return tuple((i, colour[:3]) for i, colour in enumerate(header.palette))

    def _count(self, header: SourceRaster, bands: tuple[int, ...], slot: Slot) -> int:
        table = self._table(header, slot)
        return len(table[0][1]) if table else len(bands)

    def _bands(self, header: SourceRaster, slot: Slot) -> tuple[int, ...]:
        """Return the file's bands that are read, counted from 1."""
        named = dict(zip(header.names, header.indexes, strict=True))
        wanted = self.bands or (slot.bands if all(name in named for name in slot.bands) else ())
        if not wanted:
            return header.indexes
        for band in wanted:
            if band not in named and band not in header.indexes:
                has = ", ".join(repr(name) for name in header.names if name) or "no names"
                raise WorldError(
                    f"{said(self.name, 'bands', list(wanted))}: {band!r} is no band of {self.source!r}, "
                    f"which has {len(header.indexes)} bands and {has}; choose among them"
                )
        return tuple(named[band] if isinstance(band, str) else band for band in wanted)

    def _filled(self, values: NDArray[Any], known: NDArray[np.bool_], place: Place) -> NDArray[Any]:
        if known.all():
            return values
        if not self.fill:
            lon, lat = place.lonlat()
            raise WorldError(
                f"{said(self.name, 'source', self.source)} knows nothing at {int((~known).sum())} samples of "
                f"level {place.level}, {place.window}, around {lon:.5f}, {lat:.5f}; say what stands there: "
                "fill = 0, or one value for every band"
            )
        values = values.copy()
        fill = np.array(self.fill if len(self.fill) > 1 else self.fill * len(values))
        values[:, ~known] = fill.astype(values.dtype)[:, None]
        return values

    def _scaled(self, values: Array, header: SourceRaster, slot: Slot) -> Array:
        """Return values in the slot's terms: as stated, or integers mapped to its range."""
        scale, offset = self.scale, self.offset
        if scale is None and offset is None:
            integers = "uint8" if self._table(header, slot) else header.dtype
            if slot.span is None or np.dtype(integers).kind not in "ui":
                return values
            low, high = slot.span
            scale, offset = (high - low) / np.iinfo(integers).max, low
        factor, summand = np.float32(1.0 if scale is None else scale), np.float32(offset or 0.0)
        return values * factor + summand


def _checked_bands(name: str, bands: Any) -> tuple[int | str, ...]:
    found = (bands,) if isinstance(bands, int | str) else bands
    if not isinstance(found, tuple | list) or not all(
        (type(band) is int and band > 0) or (isinstance(band, str) and band) for band in found
    ):
        raise WorldError(f"{said(name, 'bands', bands)} must be numbers from 1, or names, of bands")
    return tuple(found)
