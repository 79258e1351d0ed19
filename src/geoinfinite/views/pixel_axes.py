"""Where the pixels of an array lie on the Earth: read from its labels, lazy or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import rioxarray  # noqa: F401  it registers .rio
import xarray as xr
from numpy.typing import NDArray

from geoinfinite.arrays.index import GridIndex
from geoinfinite.errors import WindowError
from geoinfinite.plane.crs import turn
from geoinfinite.plane.window import Window

Places = NDArray[np.float64]
_WHOLE = 1e-2
"""Part of a pixel by which the columns of an array may miss a whole turn and still be one."""


@dataclass(frozen=True, slots=True)
class PixelAxes:
    """The rows and columns of an array on a CRS, counted from the array's own first pixel.

    >>> axes = PixelAxes("EPSG:32632", (400_000.0, 5_200_000.0), (30.0, -30.0), (100, 200))
    >>> rows, columns = axes.rows_and_columns(np.array([400_045.0]), np.array([5_199_700.0]))
    >>> rows.tolist(), columns.tolist(), axes.size_of_pixel
    ([10.0], [1.5], 30.0)
    """

    crs: str
    """Anything PROJ reads."""
    origin: tuple[float, float]
    """Outer corner of pixel (0, 0): x, y, in CRS units."""
    step: tuple[float, float]
    """CRS units from a column and from a row to the next; the second is negative where north is up."""
    shape: tuple[int, int]
    """``(rows, columns)``."""
    turn: float | None = None
    """Columns once round the Earth; ``None`` if x does not go round."""
    period: int | None = None
    """Columns after which the array repeats, if it has all of them."""

    @classmethod
    def of(cls, da: xr.DataArray) -> PixelAxes:
        """Return the axes of an array with dimensions ``y`` and ``x``; nothing of it is read.

        Raises `WindowError` for an array without a CRS, without these dimensions, or with uneven labels.
        """
        if not {"y", "x"} <= {*da.dims}:
            raise WindowError(
                f"an array with dimensions {', '.join(map(str, da.dims))} has no place on a map; rename "
                'those of its rows and columns: da.rename(lat="y", lon="x")'
            )
        indexes = da.xindexes.get("x"), da.xindexes.get("y")
        if all(_is_window(index) for index in indexes):
            return cls._of_grid(*indexes)
        return cls._of_labels(da)

    @classmethod
    def _of_grid(cls, x: Any, y: Any) -> PixelAxes:
        origin = x.axis.origin + x.run.start * x.axis.step, y.axis.origin + y.run.start * y.axis.step
        step, shape = (x.axis.step, y.axis.step), (len(y.run), len(x.run))
        period, crs = x.axis.period, x.axis.grid.crs
        around = turn(crs) if period is None else period * step[0]
        return cls(
            crs,
            origin,
            step,
            shape,
            turn=None if around is None else around / step[0],
            period=period if shape[1] == period else None,
        )

    @classmethod
    def _of_labels(cls, da: xr.DataArray) -> PixelAxes:
        crs = da.rio.crs
        if crs is None:
            raise WindowError('the array has no CRS; say it: da.rio.write_crs("EPSG:4326")')
        (left, across), (top, down) = (_evenly(da[name], name) for name in ("x", "y"))
        text, shape = crs.to_wkt(), (da.sizes["y"], da.sizes["x"])
        around = turn(text)
        columns = None if around is None else around / abs(across)
        whole = columns is not None and abs(shape[1] - columns) < _WHOLE
        return cls(text, (left, top), (across, down), shape, columns, shape[1] if whole else None)

    @property
    def size_of_pixel(self) -> float:
        """CRS units along the side of a square of a pixel's area."""
        return float(abs(self.step[0] * self.step[1]) ** 0.5)

    def rows_and_columns(self, x: Places, y: Places) -> tuple[Places, Places]:
        """Return coordinates as fractional rows and columns; whole numbers are the edges of pixels."""
        return (y - self.origin[1]) / self.step[1], (x - self.origin[0]) / self.step[0]

    def runs(self, window: Window) -> list[slice]:
        """Return the columns of a window as runs within the array: several where it passes its last column.

        >>> axes = PixelAxes("EPSG:4326", (-180.0, 90.0), (1.0, -1.0), (180, 360), 360, 360)
        >>> axes.runs(Window(0, 9, 358, 361))
        [slice(358, 360, None), slice(0, 1, None)]
        """
        if self.period is None:
            return [slice(window.x0, window.x1)]
        runs, start = [], window.x0
        while start < window.x1:
            first = start % self.period
            stop = min(first + window.x1 - start, self.period)
            runs.append(slice(first, stop))
            start += stop - first
        return runs


def _is_window(index: Any) -> bool:
    """Say whether an index of a grid selects neighbouring pixels, west to east and north to south."""
    return isinstance(index, GridIndex) and isinstance(index.run, range) and index.run.step == 1


def _evenly(labels: xr.DataArray, name: str) -> tuple[float, float]:
    """Return the outer edge of the first pixel of labels and the step between them."""
    values = np.asarray(labels.values, dtype=np.float64)
    if values.size < 2:
        raise WindowError(f"{name} has {values.size} labels, from which no pixel size follows; take more")
    step = float(values[-1] - values[0]) / (values.size - 1)
    if step == 0 or np.abs(np.diff(values) - step).max() > _WHOLE * abs(step):
        raise WindowError(
            f"the labels of {name} are not evenly spaced; interpolate them: da.interp({name}=...)"
        )
    return float(values[0]) - step / 2, step
