"""The levels over a raster that is completed: where its pixels lie on them, and how far they reach."""

from __future__ import annotations

from dataclasses import dataclass

from affine import Affine

from geoinfinite.editing.sides import Sides
from geoinfinite.errors import WorldError
from geoinfinite.plane.crs import turn
from geoinfinite.plane.window import Window
from geoinfinite.recipe.raster import Raster

DEEPEST = 2
"""Levels from the root to the raster at most. With one, what is drawn is as smooth as what fills the root;
with three its shapes no longer fit the raster."""
LEAST_SIDE = 6
"""Rows and columns of the smallest root two levels above a raster: fewer say nothing of the ground."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """The level on which a raster lies: wider than it by some sides, to whole blocks of the root."""

    raster: Raster
    sides: Sides
    factor: int
    depth: int
    """The raster's level; 0 is the root."""

    @property
    def block(self) -> int:
        """Pixels of the raster along each side of one of the root."""
        return int(self.factor**self.depth)

    @property
    def asked(self) -> tuple[int, int]:
        """``(rows, columns)`` of the raster with its sides."""
        rows, columns = self.raster.shape
        return self.sides.north + rows + self.sides.south, self.sides.west + columns + self.sides.east

    def shape_at(self, level: int) -> tuple[int, int]:
        """Return ``(rows, columns)`` of a level."""
        pixels = self.factor**level
        rows, columns = (-(-side // self.block) for side in self.asked)
        return rows * pixels, columns * pixels

    @property
    def above(self) -> int:
        """Rows above those that were asked for: the rest of a block that would lie beyond a pole below."""
        around, rows = turn(self.raster.crs), self.shape_at(self.depth)[0]
        bottom = self.raster.origin[1] + (self.sides.north - rows) * self.raster.resolution
        beyond = around is not None and bottom < -around / 4 - self.raster.resolution / 2
        return rows - self.asked[0] if beyond else 0

    @property
    def corner(self) -> tuple[int, int]:
        """Row and column of the raster's first pixel on its level."""
        return self.above + self.sides.north, self.sides.west

    @property
    def window(self) -> Window:
        """The pixels that were asked for, on the raster's level."""
        rows, columns = self.asked
        return Window(self.above, self.above + rows, 0, columns)

    def transform(self, level: int) -> Affine:
        """Return the transform of a level."""
        step, (left, top), (y, x) = self.raster.resolution, self.raster.origin, self.corner
        pixels = step * self.factor ** (self.depth - level)
        return Affine(pixels, 0.0, left - x * step, 0.0, -pixels, top + y * step)

    @property
    def fits(self) -> bool:
        """Whether whole blocks of the root lie on the Earth, and go round it as the raster does."""
        around, rows = turn(self.raster.crs), self.shape_at(self.depth)[0]
        top, step = self.transform(0).f, self.raster.resolution
        furthest = max(top, rows * step - top)
        on_earth = around is None or furthest <= around / 4 + step / 2
        return on_earth and not (self.raster.periodic and self.asked[1] % self.block)


def canvas_of(raster: Raster, sides: Sides, factor: int) -> Canvas:
    """Return the canvas of a raster, with as many levels as suit it.

    Raises `WorldError` for one once round the Earth, or from pole to pole, that is no whole number of blocks.
    """
    found = [Canvas(raster, sides, factor, depth) for depth in range(1, DEEPEST + 1)]
    fitting = [canvas for canvas in found if canvas.fits]
    if not fitting:
        raise WorldError(
            f"the raster has {raster.shape[0]} x {raster.shape[1]} pixels from pole to pole or once round "
            f"the Earth, which are no whole blocks of {factor} x {factor}; take a part of it: "
            f"real.isel(y=slice({raster.shape[0] // factor * factor}), x=slice({raster.shape[1] - factor}))"
        )
    large = [canvas for canvas in fitting if min(canvas.shape_at(0)) >= LEAST_SIDE]
    return large[-1] if large else fitting[0]
