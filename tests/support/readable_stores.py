"""Stores of both presets, of a metric and of a geographic grid, off the origin and not square."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
import numpy as np
import small_worlds

from geoinfinite.engine import generate
from geoinfinite.plane.window import Window
from geoinfinite.stores.planning import Plan, plan_window
from geoinfinite.stores.writing import write_zarr

WINDOWS = {"patch": Window(400, 544, 640, 880), "ring": Window(336, 464, 704, 944)}
"""Of level 3: whole pixels of the two levels above."""


@dataclass(frozen=True, slots=True)
class Written:
    """A store, and what must be read from it."""

    path: Path
    plan: Plan
    preset: str

    def pixels(self, level: int) -> np.ndarray:
        """Pixels of a level, drawn again."""
        stage = next(stage for stage in self.plan.listed if stage.level == level)
        return generate(self.plan.recipe, level, stage.window)

    def transform(self, level: int) -> Any:
        """Where the pixels of a level lie."""
        stage = next(stage for stage in self.plan.listed if stage.level == level)
        return self.plan.recipe.grid.transform(level, stage.window)

    @property
    def bounds(self) -> Any:
        """What every level covers."""
        return self.plan.recipe.grid.bounds(self.plan.level, self.plan.window)

    @property
    def epsg(self) -> int:
        """Code of the CRS."""
        return int(self.plan.recipe.grid.crs.removeprefix("EPSG:"))

    @property
    def levels(self) -> list[int]:
        """The levels that it lists, finest first."""
        return [stage.level for stage in self.plan.listed]


def written(name: str, preset: str, folder: Path) -> Written:
    """Write a store of a window; in every preset it has several objects of pixels."""
    world = {"patch": small_worlds.patch_world, "ring": small_worlds.ring_world}[name](folder)
    plan = plan_window(world, 3, WINDOWS[name], preset=preset)
    with dask.config.set(scheduler="synchronous"):
        write_zarr(plan, folder / f"{name}-{preset}.zarr")
    return Written(folder / f"{name}-{preset}.zarr", plan, preset)
