"""What lies beyond a raster in large shapes, as a coarser raster shows it, in the raster's own colours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.place import Place
from geoinfinite.conditions.raster import Raster
from geoinfinite.editing.coarse import Coarse
from geoinfinite.errors import CostWarning, WorldError
from geoinfinite.ignored_warnings import ignored
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.quantise import Encoding
from geoinfinite.told import Slot


@dataclass(frozen=True, slots=True)
class Guide:
    """A raster of the ground beyond another one: in any CRS and resolution, with as many bands."""

    path: Path

    def fill(self, coarse: Coarse, grid: Grid) -> NDArray[Any]:
        """Return the pixels of a root: means where they are known, elsewhere the guide's.

        Band by band the guide is shifted and scaled so that it has the mean and the standard deviation of the
        known pixels on those. Raises `WorldError` where it does not cover the root.
        """
        bands, dtype = len(coarse.means), coarse.means.dtype
        seen = self._read(grid, bands)
        known, low_high = coarse.known, Encoding.RANGES[str(dtype)]
        out = np.empty_like(coarse.means)
        for band, (guide, means) in enumerate(zip(seen, coarse.means, strict=True)):
            here, there = guide[known].astype(np.float64), means[known].astype(np.float64)
            gain = there.std() / here.std() if here.std() > 0 else 0.0
            matched = ((guide - here.mean()) * gain + there.mean()).clip(*low_high)
            settled = matched if dtype.kind == "f" else np.rint(matched)
            out[band] = np.where(known, means, settled.astype(dtype))
        return out

    def _read(self, grid: Grid, bands: int) -> NDArray[np.float32]:
        slot = Slot("guide", "raster", channels=bands)
        raster = Raster("guide", str(self.path), resampling="average", scale=1.0)
        try:
            raster.check(slot, grid, 0)
            # It is read once, for few pixels: overviews would not pay.
            with ignored(CostWarning):
                return raster.told(Place(grid, 0, grid.full(0)), slot)
        except WorldError as error:
            raise WorldError(f"guide={str(self.path)!r} cannot be used: {error}") from error
