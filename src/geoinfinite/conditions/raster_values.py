"""``RasterValues``: what a raster file says of the pixels of a place, in the terms of a slot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.classes import Table, coloured
from geoinfinite.conditions.gather import Samples
from geoinfinite.conditions.place import Place
from geoinfinite.conditions.sampling import Density, averaged, density, most_frequent, sampled
from geoinfinite.conditions.settings import said
from geoinfinite.conditions.source_raster import SourceRaster, source_files, source_raster
from geoinfinite.errors import WorldError
from geoinfinite.rasters.bundled import raster_path
from geoinfinite.told import Slot
from geoinfinite.told.sentinel import MEANS, SENTINEL2

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class _Sampled:
    """Samples of a place before they are put in a slot's terms."""

    header: SourceRaster
    table: Table
    dense: Density
    samples: Samples
    shape: tuple[int, int]
    """Rows and columns of samples."""


@dataclass(frozen=True, slots=True)
class RasterValues:
    """A raster file of a condition, which bands of it are read, how they are sampled, and what they mean.

    Its settings are those of `Raster`, and are checked there.
    """

    name: str
    """The name of the condition."""
    named: str
    """The setting that names the file, as errors show it."""
    source: str
    """The path of the file."""
    bands: tuple[int | str, ...] = ()
    resampling: str = "bilinear"
    scale: float | None = None
    offset: float | None = None
    colours: Table = ()
    fill: tuple[float, ...] = ()

    @property
    def path(self) -> Path:
        """The file."""
        return raster_path(self.source)

    def files(self) -> tuple[Path, ...]:
        """Return the file and what lies beside it and decides its values."""
        return tuple(state.path for state in source_files(self.path) if state.exists)

    def check(self, slot: Slot) -> None:
        """Raise `WorldError` unless the file can give what a slot is told; reads its header only."""
        header = self._header()
        if slot.encoding == SENTINEL2 and header.dtype == "uint8" and self.scale is None:
            raise WorldError(
                f"{self.named} holds bytes, and the slot {slot.name!r} is told the numbers of Sentinel-2 "
                "products, 10000 for all light; name a file of those, or write the scale that leads to them"
            )
        bands = self._bands(header, slot)
        count = self._count(header, bands, slot)
        if slot.channels is not None and count != slot.channels:
            named = f", in the order {', '.join(slot.bands)}" if slot.bands else ""
            raise WorldError(
                f"{self.named} gives {count} bands, and the slot {slot.name!r} "
                f"is told {slot.channels}{named}; choose them, such as "
                f"bands = {_example(header, slot)}"
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
        found = self._sampled(place, slot)
        return self._told(self._filled(found.samples.values, found.samples.known, place), found, slot)

    def known(self, place: Place, slot: Slot) -> tuple[Array, NDArray[np.bool_]]:
        """Return values ``(band, y, x)`` of a place, and where all that makes them is known ``(y, x)``."""
        found = self._sampled(place, slot)
        (rows, columns), n = found.shape, found.dense.parts
        known = found.samples.known.reshape(rows // n, n, columns // n, n).all(axis=(1, 3))
        return self._told(found.samples.values, found, slot), np.asarray(known)

    def _sampled(self, place: Place, slot: Slot) -> _Sampled:
        header = self._header()
        table = self._table(header, slot)
        smooth = self.resampling in ("bilinear", "average") and not table
        dense = Density(None, 1)
        if self.resampling != "nearest":
            dense = density(header, place.grid, place.level, slot.pixels, smooth)
        interpolates = smooth and self.resampling == "bilinear"
        bands = self._bands(header, slot)
        return _Sampled(
            header, table, dense, *sampled(header, place, slot.pixels, bands, dense, interpolates)
        )

    def _told(self, samples: NDArray[Any], found: _Sampled, slot: Slot) -> Array:
        """Return samples as one value a pixel, in the slot's terms."""
        values, parts = samples.reshape(len(samples), *found.shape), found.dense.parts
        if self.resampling == "majority":
            values, parts = most_frequent(values, parts), 1
        if found.table:
            values = coloured(values, found.table, self.named)
        return self._scaled(averaged(values.astype(np.float32, copy=False), parts), found.header, slot)

    def _header(self) -> SourceRaster:
        return source_raster(self.path, self.named)

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
        found = [_index_of(header, name) for name in slot.bands]
        lacks_some = slot.encoding is not None and any(header.names)
        wanted = self.bands or (slot.bands if None not in found or lacks_some else ())
        if not wanted:
            return header.indexes
        for band in wanted:
            if _index_of(header, band) is None:
                has = ", ".join(repr(name) for name in header.names if name) or "no names"
                raise WorldError(
                    f"{said(self.name, 'bands', list(wanted))}: {band!r} is no band of {self.source!r}, "
                    f"which has {len(header.indexes)} bands and {has}; choose among them"
                )
        return tuple(index for band in wanted if (index := _index_of(header, band)) is not None)

    def _filled(self, values: NDArray[Any], known: NDArray[np.bool_], place: Place) -> NDArray[Any]:
        if known.all():
            return values
        if not self.fill:
            lon, lat = place.lonlat()
            raise WorldError(
                f"{self.named} knows nothing at {int((~known).sum())} samples of "
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


def _index_of(header: SourceRaster, band: int | str) -> int | None:
    """Return the number of a band that is given by number or by name; ``None``: there is none."""
    if isinstance(band, int):
        return band if band in header.indexes else None
    for names, name in ((header.names, band), ([band_key(n) for n in header.names], band_key(band))):
        if name in names:
            return header.indexes[names.index(name)]
    return None


def _example(header: SourceRaster, slot: Slot) -> list[int]:
    """Return a choice of bands that fills a slot, for an error that asks for one."""
    if slot.encoding == SENTINEL2 and len(header.indexes) == len(MEANS):
        return [1 + list(MEANS).index(band) for band in slot.bands]
    return list(range(1, (slot.channels or 1) + 1))


def band_key(name: str) -> str:
    """Return what names of one band share: capitals and leading zeros of its number do not count.

    >>> [band_key(name) for name in ("B02", "b2", "B8A", "B10")]
    ['b2', 'b2', 'b8a', 'b10']
    """
    return re.sub(r"(?<=\D)0+(?=\d)", "", name.strip().casefold())
