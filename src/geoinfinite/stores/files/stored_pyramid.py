"""The levels of a finished store as a pyramid for map tiles, each cut to what the finest one covers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from geoinfinite.arrays.dataarray import coordinates, level_array
from geoinfinite.plane.window import Window
from geoinfinite.stores import layout
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.planning import Plan
from geoinfinite.stores.stages import Stage
from geoinfinite.views.canvas import Canvas
from geoinfinite.views.map_tiles import MapPyramid, MapTile, finish, locate


@dataclass(frozen=True, slots=True, eq=False)
class StoredPyramid:
    """The levels of a plan, in a finished store of it; level 0 is read from the root if it is a raster."""

    plan: Plan
    images: dict[int, Any]
    """Stored pixels ``(band, y, x)`` of every stage, by its level."""
    places: MapPyramid
    """Where the pixels of every level lie; it holds no pixels."""
    bands: tuple[int, ...]
    """Bands that are shown, counted from 0."""

    @classmethod
    def of(cls, objects: Objects, plan: Plan, bands: Sequence[int]) -> Self:
        """Return the pyramid of a finished store; no pixel is read."""
        images = {stage.level: layout.open_image(objects, stage.group) for stage in plan.stages}
        levels = sorted({0, *images})
        return cls(
            plan, images, MapPyramid({n: _labelled(plan, n, len(bands)) for n in levels}), tuple(bands)
        )

    def render(self, canvas: Canvas) -> MapTile:
        """Return the picture of a canvas, from the level whose pixels fit it."""
        reading = locate(self.places, canvas)
        return finish(self.places, reading, partial(self._read, reading.key))

    def _read(self, level: int, window: Window) -> NDArray[Any]:
        """Return pixels of a level; rows and columns are counted from those that cover the plan's window."""
        corner = covering(self.plan, level)
        there, bands = window.shift(corner.y0, corner.x0), list(self.bands)
        if level not in self.images:
            root: NDArray[Any] = level_array(self.plan.recipe, level, window=there).values
            return root[bands]
        (stage,) = (stage for stage in self.plan.stages if stage.level == level)
        rows = slice(there.y0 - stage.window.y0, there.y1 - stage.window.y0)
        parts = [self.images[level][:, rows, run][bands] for run in _runs(stage, there)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)


def covering(plan: Plan, level: int) -> Window:
    """Return the pixels of a level that cover a plan's window."""
    window = plan.window.coarsen(plan.recipe.grid.factor ** (plan.level - level))
    period = plan.recipe.grid.period(level)
    # Once round the Earth, beginning between two pixels of the level, one would lie at both ends.
    return window if period is None or window.width <= period else Window(window.y0, window.y1, 0, period)


def _labelled(plan: Plan, level: int, bands: int) -> xr.DataArray:
    """Return an array that says where the pixels of a level lie, and takes no memory for them."""
    recipe, window = plan.recipe, covering(plan, level)
    nothing = np.broadcast_to(np.zeros((), recipe.dtype), (bands, *window.shape))
    labels = coordinates(recipe.grid, level, window, bands)
    return xr.DataArray(nothing, coords=labels, dims=("band", "y", "x"))


def _runs(stage: Stage, window: Window) -> Iterator[slice]:
    """Yield the columns of a stage that hold those of a window: two runs where the stage goes once round."""
    period = stage.source.period
    start = window.x0 - stage.window.x0
    if period is None or stage.window.width < period:
        # The same columns may have been named on another turn.
        start = start if period is None else start % period
        yield slice(start, start + window.width)
        return
    while window.width > 0:
        first = (window.x0 - stage.window.x0) % period
        taken = min(period - first, window.width)
        yield slice(first, first + taken)
        window = Window(window.y0, window.y1, window.x0 + taken, window.x1)
