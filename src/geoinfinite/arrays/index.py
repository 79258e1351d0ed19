"""The indexes of a level's rows, columns and bands: labels to positions by arithmetic."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import rioxarray  # noqa: F401  it registers .rio
import xarray as xr
from pyproj import CRS
from xarray.indexes import PandasIndex

from geoinfinite.arrays.axis import GridAxis, shifts
from geoinfinite.arrays.hooks import IndexSelResult
from geoinfinite.arrays.labelling import Labelled
from geoinfinite.arrays.runs import (
    Run,
    chained,
    common,
    has_repeats,
    listed,
    places,
    shifted,
    span,
    united,
)
from geoinfinite.arrays.selection import as_run, compose
from geoinfinite.arrays.variables import label_variable
from geoinfinite.errors import WindowError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window

_REMEDY = (
    "it aligns with an index of another kind only where all labels are equal: select the same pixels of "
    'both, open stores and files of geoinfinite with engine="geoinfinite", or, for the same pixels, take '
    "its labels for the other: other.assign_coords({name}=this.{name})"
)
"""Part of the representation, because xarray prints that when it refuses to align two indexes."""


class GridIndex(xr.Index):
    """The index of one axis: selected positions on the pixel lattice of a level.

    It composes integers through any chain of selections, joins and concatenations; labels are computed
    from positions when they are looked at, and a pixel's label has the same bits in all of them. A slice
    selects the pixels that cover the interval, exactly those of `Grid.window`. Single labels are pixel
    centres, or ``method="nearest"``. On a periodic grid slices may cross the antimeridian, as
    ``slice(179, 181)`` or ``slice(179, -179)``. `CRS`-aware libraries find ``crs``.
    """

    def __init__(self, axis: GridAxis, run: Run, name: Hashable, dim: Hashable) -> None:
        self.axis, self.run, self.name, self.dim = axis, run, name, dim

    @classmethod
    def of(cls, grid: Grid, level: int, window: Window) -> dict[Hashable, GridIndex]:
        """Return the indexes ``y`` and ``x`` of a window of a level."""
        y, x = range(window.y0, window.y1), range(window.x0, window.x1)
        return {
            "y": cls(GridAxis(grid, level, "y"), y, "y", "y"),
            "x": cls(GridAxis(grid, level, "x"), x, "x", "x"),
        }

    @property
    def crs(self) -> CRS:
        """The grid's coordinate reference system."""
        return self.axis.crs

    def _with(self, run: Run) -> Self:
        return type(self)(self.axis, run, self.name, self.dim)

    def create_variables(
        self, variables: Mapping[Any, xr.Variable] | None = None
    ) -> dict[Hashable, xr.Variable]:
        """Return the lazy coordinate."""
        old = None if variables is None else variables.get(self.name)
        attrs = self.axis.attributes() if old is None else old.attrs
        return {self.name: label_variable(self.dim, self.axis, self.run, attrs)}

    def to_pandas_index(self) -> Any:
        """Return every label; raise `WindowError` where a list of them would be out of proportion."""
        plain = PandasIndex(self.axis.labels(listed(self.run)), self.dim)
        return plain.to_pandas_index().rename(self.name)

    def isel(self, indexers: Mapping[Any, Any]) -> Self | None:
        """Return the index of a selection by position; ``None`` where the dimension is gone."""
        key = indexers[self.dim]
        if isinstance(key, xr.Variable):
            if key.dims != (self.dim,):
                return None
            key = key.data
        if not isinstance(key, slice):
            key = np.asarray(key)
            if key.ndim != 1:
                return None
        run = compose(self.run, key, self.axis.period)
        return None if isinstance(run, int) else self._with(run)

    def sel(self, labels: dict[Any, Any], method: str | None = None, tolerance: Any = None) -> IndexSelResult:
        """Return the positions of labels; raise `WindowError` for labels that the selection does not have."""
        (label,) = labels.values()
        labelled = Labelled(self.axis, self.run, self.name)
        if isinstance(label, slice):
            if method is not None:
                raise WindowError(f"method={method!r} is for single labels; leave it out for a slice")
            return IndexSelResult({self.dim: labelled.interval(label)})
        values = getattr(label, "values", label)
        if np.asarray(values).dtype.kind == "b":
            return IndexSelResult({self.dim: np.asarray(values)})
        if method not in (None, "nearest"):
            raise WindowError(f'method={method!r} is not offered on {self.name}; write method="nearest"')
        found: Any = labelled.exactly(values) if method is None else labelled.nearest(values, tolerance)
        if isinstance(label, xr.Variable | xr.DataArray):
            found = label.copy(data=found.reshape(label.shape))
        return IndexSelResult({self.dim: found})

    def equals(self, other: xr.Index, *, exclude: frozenset[Hashable] | None = None) -> bool:
        """Say whether another index has the same positions on the same lattice."""
        if not isinstance(other, GridIndex) or len(self.run) != len(other.run) or self.dim != other.dim:
            return False
        if isinstance(self.run, range) != isinstance(other.run, range):
            return False
        return bool(np.all(self.run == other.run)) and self.axis.same_as(other.axis)

    def join(self, other: Self, how: Any = "inner") -> Self:
        """Return the positions in both, in the order of the first, or those in either, from low to high."""
        self._check_alike(other)
        self._check_turns(other)
        return self._with(common(self.run, other.run) if how == "inner" else united(self.run, other.run))

    def reindex_like(
        self, other: Self, method: str | None = None, tolerance: Any = None
    ) -> dict[Hashable, Any]:
        """Return where the positions of another index are in this one, -1 where they are not."""
        if has_repeats(self.run):
            raise WindowError(
                f"{self.name} has a pixel more than once and cannot be aligned; drop the copies first: "
                f"da.drop_duplicates({self.name!r})"
            )
        if method is None:
            self._check_alike(other)
            return {self.dim: places(self.run, listed(other.run))}
        if method != "nearest":
            raise WindowError(f'method={method!r} is not offered on {self.name}; write method="nearest"')
        labels = other.axis.labels(listed(other.run))
        return {self.dim: Labelled(self.axis, self.run, self.name).filled(labels, tolerance)}

    def _check_alike(self, other: Self) -> None:
        if self.axis.same_as(other.axis):
            return
        mine, theirs = (
            (i.axis.level, abs(i.axis.step), i.axis.origin, i.axis.grid.crs) for i in (self, other)
        )
        raise WindowError(
            f"{self.name} of two arrays lies on different lattices (level, step, origin, CRS): {mine} "
            f"and {theirs}; no label is common. Average the finer one first, .coarsen(x=4, y=4).mean(), or "
            "take the nearest pixels: coarse.reindex_like(fine, method='nearest')"
        )

    def _check_turns(self, other: Self) -> None:
        """Refuse selections that share pixels only a turn apart: aligning labels would drop these."""
        period = self.axis.period
        if period is None or len(self.run) == 0 or len(other.run) == 0:
            return
        (low, high), (other_low, other_high) = span(self.run), span(other.run)
        for turn in shifts(low, high, other_low, other_high, period):
            if turn and len(common(self.run, shifted(other.run, turn * period))):
                raise WindowError(
                    f"{self.name} of two arrays has the same pixels under labels a whole turn apart, "
                    "which alignment would drop; select both with the same slice first, as in "
                    f".sel({self.name}=slice(170, 190))"
                )

    @classmethod
    def concat(
        cls, indexes: Sequence[Self], dim: Hashable, positions: Iterable[Iterable[int]] | None = None
    ) -> Self:
        """Return the index of arrays side by side; they need not be neighbours."""
        first = indexes[0]
        for other in indexes[1:]:
            first._check_alike(other)
        run = chained([index.run for index in indexes], None if positions else first.axis.period)
        if positions is not None:
            order = np.concatenate([np.asarray(list(p), dtype=np.intp) for p in positions])
            run = as_run(listed(run)[np.argsort(order)])
        return first._with(run)

    def roll(self, shifts: Mapping[Any, int]) -> Self:
        """Return the index of an array whose pixels moved on, the last ones to the front."""
        return self._with(as_run(np.roll(listed(self.run), shifts[self.dim])))

    def rename(self, name_dict: Mapping[Any, Hashable], dims_dict: Mapping[Any, Hashable]) -> Self:
        """Return the index of the same coordinate under other names."""
        name, dim = name_dict.get(self.name, self.name), dims_dict.get(self.dim, self.dim)
        return self if (name, dim) == (self.name, self.dim) else type(self)(self.axis, self.run, name, dim)

    def _repr_inline_(self, max_width: int) -> str:
        return f"{type(self).__name__} ({len(self.run)} of level {self.axis.level})"[:max_width]

    def __repr__(self) -> str:
        ends = [self.run[0], self.run[-1]] if len(self.run) else []
        centres = " to ".join(repr(v) for v in self.axis.labels(ends).tolist())
        return (
            f"GridIndex({self.name}: {len(self.run)} pixels of level {self.axis.level}, centres {centres}; "
            f"{_REMEDY.format(name=self.name)})"
        )


class BandIndex(PandasIndex):
    """The index of bands by name, of a type of its own.

    Other programs number bands: the index of a file has 1, 2, 3 where an array of a world has red, green,
    blue. Indexes of one type would be joined to nothing, and every comparison would hold vacuously; of two
    types they are compared, and xarray refuses those that differ.
    """

    def __repr__(self) -> str:
        return (
            f"BandIndex({self.index.tolist()}; it aligns with an index of another kind only where all names "
            "are equal: for the same bands under other names write other.assign_coords(band=this.band))"
        )
