"""Real rasters: arrays with a place on the Earth, as files that a world can name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rioxarray  # noqa: F401  (gives arrays their ``.rio``)
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from rasterio.windows import Window
from rioxarray.exceptions import RioXarrayError

from geoinfinite.editing.kept_files import Header, Strip, keep
from geoinfinite.errors import WorldError
from geoinfinite.plane.grid import ALIKE
from geoinfinite.plane.quantise import Encoding
from geoinfinite.rasters.files import open_raster

_INTEGERS = "uint8", "uint16"
_AT_ONCE = 2**24
"""Values of an array that are held at once."""


@dataclass(frozen=True, slots=True)
class Real:
    """An array of a real raster: ``(band, y, x)`` from north to south and west to east, with its place."""

    array: xr.DataArray
    header: Header
    holes: xr.DataArray | None
    """``(y, x)`` where pixels count as not known, whatever their values."""
    nodata: float | None
    """A value that is not known; NaN is none."""

    def strips(self) -> Iterator[Strip]:
        """Yield all pixels as they are stored, from north to south; reads a lazy array once."""
        bands, rows, columns = self.header.shape
        step = max(1, _AT_ONCE // (bands * columns))
        for top in range(0, rows, step):
            part = slice(top, top + step)
            holes = None if self.holes is None else np.asarray(self.holes[part].values, bool)
            yield self._strip(top, np.asarray(self.array[:, part].values), holes)

    def _strip(self, top: int, values: NDArray[Any], holes: NDArray[np.bool_] | None) -> Strip:
        known = np.ones(values.shape[1:], bool)
        if values.dtype.kind == "f":
            known &= np.isfinite(values).all(axis=0)
        if self.nodata is not None:
            known &= (values != self.nodata).all(axis=0)
        if holes is not None:
            known &= ~holes
        values = np.where(known, values, 0)
        stored = values.astype(self.header.dtype)
        if values.dtype != stored.dtype and (values != stored).any():
            raise WorldError(
                f"the array holds {values.dtype} values that are no {stored.dtype}, as its file has; convert "
                f'it: real.round().clip(0, {np.iinfo(stored.dtype).max}).astype("{stored.dtype}")'
            )
        if stored.dtype.kind == "f":
            _check_range(stored[:, known])
        return Strip(top, stored, known)

    @property
    def is_opened(self) -> bool:
        """Whether the array may be a file that was opened."""
        return self._opened() is not None

    def file(self, folder: Path) -> Path:
        """Return a file with these pixels: the one that was opened, if it has them, or one that is kept."""
        opened = self._opened()
        if opened is not None and self.holes is None and self._is_in(opened):
            return opened
        return keep(self.header, self.strips(), folder)

    def _opened(self) -> Path | None:
        """Return the local GeoTIFF, PNG or JPEG that the array was opened from, if there is one."""
        source = self.array.encoding.get("source")
        path = Path(source) if isinstance(source, str) and "://" not in source else None
        return path.absolute() if path is not None and path.is_file() else None

    def _is_in(self, path: Path) -> bool:
        """Say whether a file has the same pixels at the same place, of those that are known."""
        try:
            raster = open_raster(path, str(path))
        except WorldError:
            return False
        with raster:
            found = Header(raster.crs, raster.transform, (raster.count, *raster.shape), raster.dtypes[0])
            return found == self.header and all(_has(raster, strip) for strip in self.strips())


def _has(raster: Any, strip: Strip) -> bool:
    """Say whether an open file has the known pixels of a strip, and does not know the others."""
    window = Window(0, strip.top, raster.width, strip.values.shape[1])
    values, beyond = raster.read(window=window), (raster.read_masks(window=window) == 0).any(axis=0)
    if values.dtype.kind == "f":
        beyond |= ~np.isfinite(values).all(axis=0)
    return bool((values == strip.values)[:, strip.known].all() and beyond[~strip.known].all())


def real_of(da: xr.DataArray, holes: xr.DataArray | None = None) -> Real:
    """Return an array as a real raster; raise `WorldError` for one that has no place or no plain pixels.

    ``holes`` is true where pixels are to count as not known.
    """
    try:
        y, x, crs = da.rio.y_dim, da.rio.x_dim, da.rio.crs
    except RioXarrayError as error:
        raise WorldError(
            f"the array has dimensions {da.dims} and no y and x among them; name them: "
            'real.rename({"lat": "y", "lon": "x"})'
        ) from error
    others = [dim for dim in da.dims if dim not in (y, x)]
    if len(others) > 1:
        raise WorldError(
            f"the array has dimensions {da.dims}; select one of {others[0]}: real.isel({others[0]}=0)"
        )
    if crs is None:
        raise WorldError(
            'the array has no CRS; give it the one of its coordinates: real.rio.write_crs("EPSG:4326")'
        )
    _check_turn(da)
    _check_labels(da, y, x)
    ordered = da.transpose(*others, y, x) if others else da.transpose(y, x).expand_dims("band")
    ordered = _north_up(ordered, y, x)
    bands, rows, columns = ordered.shape
    header = Header(crs, _transform(ordered), (bands, rows, columns), _stored_dtype(ordered))
    return Real(ordered, header, _aligned(holes, da, y, x), ordered.rio.nodata)


def _stored_dtype(da: xr.DataArray) -> str:
    """Return the dtype of the pixels: that of the array, or of its file where NaN stands for nodata."""
    dtype, of_file = str(da.dtype), str(da.encoding.get("rasterio_dtype", da.dtype))
    found = of_file if da.dtype.kind == "f" and of_file in _INTEGERS else dtype
    if found not in Encoding.RANGES:
        raise WorldError(
            f"the array holds {found}, and worlds {', '.join(Encoding.RANGES)}; convert it: "
            'real.clip(0, 65535).astype("uint16") for integers, real.astype("float32") for values of 0 to 1'
        )
    return found


def _transform(da: xr.DataArray) -> Affine:
    """Return the transform of an array; raise `WorldError` unless its pixels are square and north-up."""
    try:
        t: Affine = da.rio.transform(recalc=True)
    except RioXarrayError as error:
        raise WorldError(
            f"the array has {da.shape[-2]} x {da.shape[-1]} pixels, too few to tell their size; take two "
            "rows and columns at least"
        ) from error
    if abs(t.a + t.e) * max(da.shape[-2:]) > ALIKE * abs(t.a):
        side = min(abs(t.a), abs(t.e))
        raise WorldError(
            f"the array has pixels of {t.a:g} x {-t.e:g}, and a world square ones; resample it: "
            f"real.rio.reproject(real.rio.crs, resolution={side:.15g})"
        )
    return t


def _check_turn(da: xr.DataArray) -> None:
    """Raise `WorldError` for an array whose rows do not run from west to east."""
    t = da.rio.transform()
    if t.b or t.d:
        raise WorldError(
            f"the array is rotated by {np.degrees(np.arctan2(t.d, t.a)):.3g} degrees; warp it north-up: "
            "real.rio.reproject(real.rio.crs)"
        )


def _check_labels(da: xr.DataArray, *dims: Any) -> None:
    """Raise `WorldError` for coordinates that are missing or not evenly spaced: they have no transform."""
    for dim in dims:
        if dim not in da.coords:
            raise WorldError(
                f"the array has no coordinates along {dim}; open it with them: "
                "rioxarray.open_rasterio(PATH), or give them: real.assign_coords(y=..., x=...)"
            )
        steps = np.diff(np.asarray(da[dim].values, np.float64))
        if steps.size and abs(steps - steps[0]).max() > ALIKE * abs(steps[0]):
            raise WorldError(
                f"the array's {dim} is not evenly spaced, from {abs(steps).min():g} to {abs(steps).max():g}; "
                "select rows and columns without gaps"
            )


def _aligned(holes: xr.DataArray | None, da: xr.DataArray, y: Any, x: Any) -> xr.DataArray | None:
    """Return a mask of holes in the order of the pixels; raise `WorldError` for one of another shape."""
    if holes is None:
        return None
    if not isinstance(holes, xr.DataArray) or {*holes.dims} != {y, x} or holes.dtype != bool:
        raise WorldError(
            f"holes={type(holes).__name__} must be a DataArray of booleans with dimensions {y}, {x}; make "
            "one: real.isel(band=0).isin([0])"
        )
    sizes = {dim: holes.sizes[dim] for dim in (y, x)}
    if sizes != {dim: da.sizes[dim] for dim in (y, x)}:
        raise WorldError(f"holes has {sizes} pixels, the array {dict(da.sizes)}; take those of the array")
    for dim in (y, x):
        if dim in holes.coords and dim in da.coords and not (holes[dim].values == da[dim].values).all():
            raise WorldError(f"holes has other {dim} than the array; take it of the same pixels")
    placed = holes.assign_coords({dim: da[dim] for dim in (y, x) if dim in da.coords})
    return _north_up(placed.transpose(y, x), y, x)


def _north_up(data: xr.DataArray, y: Any, x: Any) -> xr.DataArray:
    """Return data with rows from north to south and columns from west to east, without reading it."""
    for dim, ascending in ((y, False), (x, True)):
        labels = data[dim].values
        if len(labels) > 1 and (labels[-1] > labels[0]) != ascending:
            data = data.isel({dim: slice(None, None, -1)})
    return data


def _check_range(values: NDArray[Any]) -> None:
    if values.size and (values.min() < 0 or values.max() > 1):
        raise WorldError(
            f"the array holds float32 values from {values.min():g} to {values.max():g}, and worlds of "
            "float32 0 to 1; bring it there: (real - real.min()) / (real.max() - real.min()), or "
            "real.clip(0, 1)"
        )
