"""Level 0 of a world: the raster that everything finer is drawn from."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.windows
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning, RasterioIOError

from geoinfinite.errors import WorldError
from geoinfinite.plane.window import Window
from geoinfinite.token import file_digest

GENERATED = "generated"
"""The source of a level 0 that is drawn."""


@dataclass(frozen=True, slots=True)
class RasterFacts:
    """What a raster's header says."""

    crs: str
    origin: tuple[float, float]
    resolution: float
    shape: tuple[int, int]
    bands: int
    dtype: str
    geographic_turn: bool
    """Whether its columns go once round the Earth."""


@dataclass(frozen=True, slots=True)
class Root:
    """A georeferenced raster file: ``bundled:blue-marble`` or a path that rasterio opens; or ``generated``.

    >>> Root("bundled:blue-marble").facts().shape
    (2700, 5400)
    """

    source: str

    @property
    def generated(self) -> bool:
        """Whether level 0 is drawn like every other level, told nothing; there is no raster to read."""
        return self.source == GENERATED

    @property
    def path(self) -> Path:
        """The raster's file."""
        scheme, _, name = self.source.partition(":")
        if scheme == "bundled":
            return Path(str(files("geoinfinite") / "data" / f"{name}.tif"))
        return Path(self.source).expanduser()

    def _open(self) -> Any:
        if not self.path.is_file():
            raise WorldError(
                f"root.source={self.source!r} does not exist (looked for {self.path}); "
                'name a raster file, or "bundled:blue-marble"'
            )
        try:
            with warnings.catch_warnings():
                # What the warning says is said by `facts`, as an error.
                warnings.simplefilter("ignore", NotGeoreferencedWarning)
                return rasterio.open(self.path)
        except RasterioIOError as error:
            raise WorldError(
                f"root.source={self.source!r} is not a raster that can be read: {error}; "
                "convert it to GeoTIFF"
            ) from error

    def facts(self) -> RasterFacts:
        """Read the header; raise `WorldError` for a raster that cannot be level 0 of a grid."""
        try:
            stat = self.path.stat()
        except OSError:
            return self._read_facts()
        return _facts_of(self, stat.st_size, stat.st_mtime_ns)

    def _read_facts(self) -> RasterFacts:
        with self._open() as raster:
            transform = raster.transform
            if raster.crs is None:
                raise WorldError(
                    f"root.source={self.source!r} has no CRS, so its pixels have no place on Earth; "
                    "write one into it: rio edit-info --crs EPSG:4326 FILE"
                )
            if transform.b or transform.d or transform.e >= 0 or abs(transform.a + transform.e) > 1e-9:
                raise WorldError(
                    f"root.source={self.source!r} is rotated, not north-up or has oblong pixels; "
                    "warp it to square north-up pixels: rio warp SRC DST --dst-crs EPSG:4326"
                )
            authority = raster.crs.to_authority()
            crs = ":".join(authority) if authority else raster.crs.to_wkt()
            width = raster.width * transform.a
            return RasterFacts(
                crs=crs,
                origin=(transform.c, transform.f),
                resolution=transform.a,
                shape=(raster.height, raster.width),
                bands=raster.count,
                dtype=raster.dtypes[0],
                geographic_turn=raster.crs.is_geographic and abs(width - 360) < 1e-6,
            )

    def digest(self) -> str:
        """Return the name of the raster's content, wherever it lies."""
        if self.generated:
            return self.source
        return file_digest(self.path)

    def read(self, window: Window) -> NDArray[Any]:
        """Return ``(band, y, x)`` of rows inside the raster; columns wrap round its width.

        Raises `WorldError` where the raster has nodata or non-finite values: a level drawn from
        them would be invented without saying so.
        """
        with self._open() as raster:
            parts, x = [], window.x0
            while x < window.x1:
                column = x % raster.width
                width = min(window.x1 - x, raster.width - column)
                parts.append(
                    raster.read(window=rasterio.windows.Window(column, window.y0, width, window.height))
                )
                x += width
            values = np.concatenate(parts, axis=2)
            empty = ~np.isfinite(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
            if raster.nodata is not None:
                empty |= values == raster.nodata
        if empty.any():
            raise WorldError(
                f"root.source={self.source!r} has {int(empty.any(axis=0).sum())} nodata pixels within rows "
                f"{window.y0}..{window.y1}, columns {window.x0}..{window.x1}; fill them first: "
                "rio fillnodata SRC DST"
            )
        return values


@lru_cache(maxsize=64)
def _facts_of(root: Root, size: int, changed_ns: int) -> RasterFacts:
    """Read the header of a file once while it stands unchanged: every task asks for it several times."""
    return root._read_facts()
