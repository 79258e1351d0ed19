"""A raster file as level 0: its pixels, and which of them are known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.windows
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioIOError

from geoinfinite.errors import WorldError, in_full, shorten
from geoinfinite.plane.window import Window
from geoinfinite.rasters.checks import Colour
from geoinfinite.rasters.files import OPTIONS, States, content_digest, open_raster

_LARGEST_SCAN = 2**30
"""Values that are looked through for their range, for the remedy of an error."""
_ROUNDING = 1e-6
"""By how much scaled values may leave 0..1: the ends of a stated range are met to rounding."""


INSTEAD = ', or "bundled:blue-marble"'
"""What else than a file a root may name."""


@dataclass(frozen=True, slots=True)
class Raster:
    """A raster file that can be level 0: its header, and the state of its files when that was read."""

    source: str
    """The root's source, as the world names it."""
    path: Path
    crs: str
    """Horizontal CRS: an authority's code where that is exactly the raster's, WKT otherwise."""
    origin: tuple[float, float]
    resolution: float
    shape: tuple[int, int]
    indexes: tuple[int, ...]
    """The file's bands that are pixels, counted from 1; an alpha band is a mask."""
    palette: tuple[Colour, ...]
    """Colours of a file that holds indices; empty for one that holds values."""
    stored_dtype: str
    scaling: tuple[float, float] | None
    """Factor and summand that bring stored values to 0..1."""
    masked: bool
    """Whether the file marks some pixels as not known."""
    nodata: float | None
    """A value that is not known either, where a mask stands in its place as what GDAL goes by."""
    periodic: bool
    """Whether its columns go once round the Earth."""
    files: States
    """The files that it was read from, as they stood."""

    @property
    def bands(self) -> int:
        """Number of bands of pixels."""
        return 3 if self.palette else len(self.indexes)

    @property
    def dtype(self) -> str:
        """Type of the values that `read` returns."""
        return self.stored_dtype if self.scaling is None else "float32"

    def digest(self) -> str:
        """Return the name of the raster's content, wherever it lies."""
        return content_digest(self.path)

    def check_unchanged(self) -> None:
        """Raise `WorldError` if a file of the raster is another one than when the header was read."""
        if not all(file.is_current() for file in self.files):
            raise WorldError(
                f"root.source={in_full(self.source)!r} was changed while in use; load the world again"
            )

    def open(self) -> Any:
        """Return a rasterio dataset of the file, which is still the one whose header was read."""
        self.check_unchanged()
        return open_raster(self.path, f"root.source={in_full(self.source)!r}", instead=INSTEAD)

    def read(self, dataset: Any, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return ``(band, y, x)`` values and ``(y, x)`` whether they are known, rows inside the raster.

        Columns wrap round its width. ``dataset`` is one that `open` returned. Raises `WorldError` for a
        damaged file and for known values outside 0..1 of a float32 world.
        """
        parts: list[tuple[NDArray[Any], NDArray[np.bool_]]] = []
        x = window.x0
        while x < window.x1 or not parts:
            column = x % self.shape[1]
            width = min(window.x1 - x, self.shape[1] - column)
            part = rasterio.windows.Window(column, window.y0, width, window.height)
            parts.append(self._part(dataset, part))
            x += width
        values = np.concatenate([v for v, _ in parts], axis=2)
        known = np.concatenate([k for _, k in parts], axis=1)
        self._check_range(dataset, values, known)
        return values, known

    def read_known(self, dataset: Any, window: Window) -> NDArray[Any]:
        """Return ``(band, y, x)`` values as `read` does, and raise `WorldError` unless all are known."""
        values, known = self.read(dataset, window)
        if not known.all():
            raise WorldError(
                f"root.source={in_full(self.source)!r} has {int((~known).sum())} masked pixels (nodata, NaN, "
                f"mask or alpha) within rows {window.y0}..{window.y1}, columns {window.x0}..{window.x1}; "
                f'draw them: root.fill = "draw", or '
                f"fill them: {self._fill(bool(np.isinf(values).any()))}{_unless_alpha(dataset)}"
            )
        return values

    def _fill(self, infinite: bool) -> str:
        """Return the command that fills masked pixels of every band, and infinite ones, from neighbours."""
        said = [f"(fillnodata {self._filling(band, infinite)})" for band in self.indexes]
        bands = " ".join(said if len(said) < 6 else [*said[:2], "...", said[-1]])
        return f'rio calc "(asarray {bands})" SRC DST'

    def _filling(self, band: int, infinite: bool) -> str:
        """Return what Rasterio is to fill, and where: by itself it fills what the file masks, and no more."""
        pixels = f"(read 1 {band})"
        if np.dtype(self.stored_dtype).kind != "f" or (self.masked and not infinite):
            return pixels
        if self.masked:
            pixels = f"(fillnodata {pixels})"
        return f"{pixels} (isfinite {pixels})"

    def _part(self, dataset: Any, part: Any) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        stored, masks = self._stored(dataset, part)
        known = np.ones(stored.shape[1:], bool) if masks is None else (masks != 0).all(axis=0)
        if self.nodata is not None:
            known &= (stored != self.nodata).all(axis=0)
        if stored.dtype.kind == "f":
            known &= np.isfinite(stored).all(axis=0)
        if self.palette:
            colours = np.array(self.palette, np.uint8)[stored[0]]
            return np.moveaxis(colours[..., :3], -1, 0), known & (colours[..., 3] > 0)
        return self._scaled(stored), known

    def _stored(self, dataset: Any, part: Any) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Return stored values and masks of a part, both ``(band, y, x)``; a file without masks has none."""
        try:
            with rasterio.Env(**OPTIONS):
                stored = dataset.read(self.indexes, window=part)
                return stored, dataset.read_masks(self.indexes, window=part) if self.masked else None
        except RasterioIOError as error:
            raise WorldError(
                f"root.source={in_full(self.source)!r} cannot be read at {part} ({shorten(str(error))}): the "
                "file is truncated or damaged, or these pixels were never written; copy it again, or write "
                "it again in full"
            ) from error

    def _scaled(self, stored: NDArray[Any]) -> NDArray[Any]:
        if self.scaling is None:
            return stored
        factor, summand = self.scaling
        values = (stored.astype(np.float64) * factor + summand).astype(np.float32)
        near = (values > -_ROUNDING) & (values < 1 + _ROUNDING)
        return np.where(near, values.clip(0, 1), values)

    def _check_range(self, dataset: Any, values: NDArray[Any], known: NDArray[np.bool_]) -> None:
        if values.dtype != np.float32 or not known.any():
            return
        low, high = float(values[:, known].min()), float(values[:, known].max())
        if low < 0 or high > 1:
            raise WorldError(
                f"root.source={in_full(self.source)!r} holds values from {low:g} to {high:g}, and those of a "
                f"float32 world lie in 0 to 1; {self.scaling_remedy(dataset)}"
            )

    def scaling_remedy(self, dataset: Any) -> str:
        """Return what to write under ``[root]`` so that all values of the file come to lie in 0 to 1."""
        low, high = self._stored_range(dataset)
        span = high - low or 1.0
        return f"set root.scale = {1 / span!r} and root.offset = {-low / span + 0.0!r}"

    def _stored_range(self, dataset: Any) -> tuple[float, float]:
        """Return the least and the greatest known value, of the first `_LARGEST_SCAN` ones."""
        rows = max(1, min(self.shape[0], 2**24 // (self.shape[1] * len(self.indexes))))
        low, high, seen = math.inf, -math.inf, 0
        for y in range(0, self.shape[0], rows):
            height = min(rows, self.shape[0] - y)
            stored, masks = self._stored(dataset, rasterio.windows.Window(0, y, self.shape[1], height))
            good = stored[np.isfinite(stored) & (True if masks is None else masks != 0)]
            if good.size:
                low, high = min(low, float(good.min())), max(high, float(good.max()))
            seen += stored.size
            if seen > _LARGEST_SCAN:
                break
        return (low, high) if low <= high else (0.0, 1.0)


def _unless_alpha(dataset: Any) -> str:
    """Return what to do if the band that the file calls alpha is none; nothing if it has no such band."""
    if ColorInterp.alpha not in dataset.colorinterp:
        return ""
    return f"; if its alpha band is near infrared and no mask, say so: {as_near_infrared(dataset)} SRC"


def as_near_infrared(dataset: Any) -> str:
    """Return the command, but for the file, by which the band that a file calls alpha becomes another."""
    kinds = [kind.name for kind in dataset.colorinterp]
    named = ",".join("nir" if kind == "alpha" else kind for kind in kinds)
    return f"rio edit-info --colorinterp {named}"
