"""A raster file in any CRS, resolution and rotation: its header, and blocks of its stored values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.windows
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import RasterioIOError

from geoinfinite.errors import WorldError, shorten
from geoinfinite.file_memo import FileState
from geoinfinite.plane.crs import turn
from geoinfinite.rasters.beside import has_overviews, overview_files
from geoinfinite.rasters.checks import Colour, check_real, check_size, crs_of, palette_of
from geoinfinite.rasters.files import OPTIONS, States, header_of, open_raster, states

Affine = tuple[float, float, float, float, float, float]
"""``(a, b, c, d, e, f)`` of x = a column + b row + c, y = d column + e row + f."""
MOST_CHANNELS = 2**13
"""Bands that a file may have: fields of vectors have thousands."""
_ALIKE = 1e-2
"""Part of a pixel by which the width of a file once round the Earth may differ from a turn."""


@dataclass(frozen=True, slots=True)
class SourceRaster:
    """A raster that a condition reads, by its header."""

    path: Path
    named: str
    """The setting that names it, as errors show it."""
    crs: str
    transform: Affine
    shape: tuple[int, int]
    """``(rows, columns)``."""
    indexes: tuple[int, ...]
    """The bands that are values, counted from 1; an alpha band is a mask."""
    names: tuple[str, ...]
    """What the file calls those bands; ``""`` where it does not say."""
    dtype: str
    palette: tuple[Colour, ...]
    """Colours of a file that holds indices; empty for one that holds values."""
    masked: bool
    """Whether the file marks some pixels as not known."""
    nodata: float | None
    alpha: int | None
    """Its alpha band."""
    overviews: tuple[int, ...]
    """How many times coarser each overview is."""
    turn: float | None
    """Growth of x once round the Earth; ``None`` in a projected CRS."""
    wraps: bool
    """Whether its columns go once round the Earth."""

    @contextmanager
    def opened(self, overview: int | None = None) -> Iterator[OpenedRaster]:
        """Open the file, or one of its overviews, for reading."""
        with open_raster(self.path, self.named, overview=overview) as dataset:
            yield OpenedRaster(self, dataset)

    @property
    def picture_bands(self) -> int:
        """Bands of the picture that its values are, or stand for in its palette."""
        return 3 if self.palette else len(self.indexes)

    @property
    def picture_dtype(self) -> str:
        """The dtype of that picture."""
        return "uint8" if self.palette else self.dtype

    def centre(self) -> tuple[float, float]:
        """Return x and y of the middle of the file."""
        a, b, c, d, e, f = self.transform
        rows, columns = self.shape
        return a * columns / 2 + b * rows / 2 + c, d * columns / 2 + e * rows / 2 + f

    def side(self) -> float:
        """Return the side of a pixel in units of its CRS: the root of its area."""
        a, b, _, d, e, _ = self.transform
        return float(abs(a * e - b * d) ** 0.5)


@dataclass(frozen=True, slots=True)
class OpenedRaster:
    """A raster file, or one of its overviews, that is open."""

    header: SourceRaster
    dataset: Any

    @property
    def shape(self) -> tuple[int, int]:
        """``(rows, columns)`` of what is open."""
        return self.dataset.height, self.dataset.width

    def picture(
        self, rows: tuple[int, int], columns: tuple[int, int]
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return stored values, or the colours that they stand for, as `block` does; clear is unknown."""
        stored, known = self.block(self.header.indexes, rows, columns)
        if not self.header.palette:
            return stored, known
        colours = np.moveaxis(np.array(self.header.palette, np.uint8)[stored[0]], -1, 0)
        return colours[:3], known & (colours[3] > 0)

    def block(
        self, bands: tuple[int, ...], rows: tuple[int, int], columns: tuple[int, int]
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return stored values ``(band, y, x)`` and where they are known ``(y, x)``.

        Columns may run past the last one of a raster that goes once round the Earth.
        """
        width, parts, x = self.dataset.width, [], columns[0]
        while x < columns[1]:
            column = x % width
            taken = min(columns[1] - x, width - column)
            part = rasterio.windows.Window(column, rows[0], taken, rows[1] - rows[0])
            parts.append(self._part(bands, part))
            x += taken
        values, known = ([part[i] for part in parts] for i in (0, 1))
        return np.concatenate(values, axis=2), np.concatenate(known, axis=1)

    def _part(self, bands: tuple[int, ...], part: Any) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        try:
            with rasterio.Env(**OPTIONS):
                stored = self.dataset.read(bands, window=part)
                masks = self.dataset.read_masks(bands, window=part) if self.header.masked else None
        except RasterioIOError as error:
            raise WorldError(
                f"{self.header.named} cannot be read at {part} ({shorten(str(error))}): the file is "
                "truncated or damaged; copy it again"
            ) from error
        known = np.ones(stored.shape[1:], bool) if masks is None else (masks != 0).all(axis=0)
        if self.header.nodata is not None:
            known &= (stored != self.header.nodata).all(axis=0)
        if stored.dtype.kind == "f":
            known &= np.isfinite(stored).all(axis=0)
        return stored, known


def source_raster(path: Path, named: str) -> SourceRaster:
    """Return a raster by its header, which is read again when a file of it has changed.

    Raises `WorldError` for a file that is no raster with a place on the Earth.
    """
    return _header(path, named, source_files(path))


def source_files(path: Path) -> States:
    """Return the state of the files that decide what is read: the raster, what lies beside it, overviews."""
    return (*states(path), *map(FileState.or_absent, overview_files(path)))


@lru_cache(maxsize=64)
def _header(path: Path, named: str, stood: States) -> SourceRaster:
    with header_of(path, named) as dataset:
        check_real(dataset, named)
        check_size(dataset, named, MOST_CHANNELS)
        crs, t = crs_of(dataset, named), dataset.transform
        if t.is_identity or not all(map(isfinite, t[:6])) or not t.a * t.e - t.b * t.d:
            raise WorldError(
                f"{named} has no place in its CRS; write pixel size, left and top into it: rio edit-info "
                "--transform '[30.0, 0, 400000.0, 0, -30.0, 5000000.0]' FILE"
            )
        values = [
            i
            for i, kind in zip(dataset.indexes, dataset.colorinterp, strict=True)
            if kind is not ColorInterp.alpha
        ]
        flags = {flag for flags in dataset.mask_flag_enums for flag in flags}
        around = turn(crs)
        once = around is not None and abs(dataset.width * t.a - around) <= _ALIKE * abs(t.a)
        return SourceRaster(
            path=path,
            named=named,
            crs=crs,
            transform=(t.a, t.b, t.c, t.d, t.e, t.f),
            shape=(dataset.height, dataset.width),
            indexes=tuple(values),
            names=tuple(dataset.descriptions[i - 1] or "" for i in values),
            dtype=str(dataset.dtypes[0]),
            palette=palette_of(dataset),
            masked=flags != {MaskFlags.all_valid},
            nodata=None if MaskFlags.nodata in flags else dataset.nodata,
            alpha=next((i for i in dataset.indexes if i not in values), None),
            overviews=_overviews(path, named, dataset),
            turn=around,
            wraps=bool(once and not t.b and not t.d),
        )


def _overviews(path: Path, named: str, dataset: Any) -> tuple[int, ...]:
    """Return how many times coarser each overview is; none if some do not know what the raster knows.

    A mask that is written after the overviews is not one of them: all of their pixels would be known.
    """
    if not has_overviews(path, dataset):
        return ()
    factors = tuple(dataset.overviews(1))
    for number in range(len(factors)):
        with open_raster(path, named, overview=number) as overview:
            check_size(overview, named, MOST_CHANNELS)
            if overview.mask_flag_enums != dataset.mask_flag_enums:
                return ()
    return factors
