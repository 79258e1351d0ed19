"""How far beyond a raster an edit goes, on each side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self, TypedDict

from geoinfinite.errors import WindowError
from geoinfinite.plane.crs import turn
from geoinfinite.plane.given import four
from geoinfinite.recipe.raster import Raster

_SNAP = 1e-6
"""Edges within this part of a pixel from the raster's pixels lie on them."""


class SidesOptions(TypedDict, total=False):
    """The keywords that are the fields of `Sides`."""

    north: int
    south: int
    east: int
    west: int


@dataclass(frozen=True, slots=True)
class Sides:
    """Pixels that are added on each side of a raster."""

    north: int = 0
    south: int = 0
    east: int = 0
    west: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) is not int or value < 0:
                raise WindowError(
                    f"extend({field.name}={value!r}) must be a number of pixels, 0 or more; to take pixels "
                    "away select what is left: real.isel(y=slice(10, None))"
                )

    @classmethod
    def around(cls, raster: Raster, bounds: Sequence[float]) -> Self:
        """Return the sides that make a raster cover ``bounds`` = (left, bottom, right, top) in its CRS.

        On a geographic CRS left > right crosses the antimeridian. Raises `WindowError` for bounds that leave
        a part of the raster out.
        """
        left, bottom, right, top = four("bounds", bounds)
        shown = f"bounds=({left:g}, {bottom:g}, {right:g}, {top:g})"
        around = turn(raster.crs)
        west, north = raster.origin
        east, south = west + raster.shape[1] * raster.resolution, north - raster.shape[0] * raster.resolution
        if around is not None and left > right:
            right, left = (right + around, left) if right + around >= east else (right, left - around)
        beyond = (top - north, south - bottom, right - east, west - left)
        if min(beyond) < -_SNAP * raster.resolution:
            raise WindowError(
                f"{shown} leaves out a part of the raster, whose bounds are ({west:g}, {south:g}, {east:g}, "
                f"{north:g}); the order is W S E N: extend beyond them, or select a part first: "
                "real.rio.clip_box(W, S, E, N)"
            )
        return cls(*(max(0, math.ceil(side / raster.resolution - _SNAP)) for side in beyond))

    def check(self, raster: Raster) -> None:
        """Raise `WindowError` for sides that go past a pole, or once round the Earth."""
        around, step = turn(raster.crs), raster.resolution
        if around is None:
            return
        top, bottom = raster.origin[1], raster.origin[1] - raster.shape[0] * step
        across = around / step - raster.shape[1]
        room = {
            "north": (around / 4 - top) / step,
            "south": (around / 4 + bottom) / step,
            "east": across - self.west,
            "west": across - self.east,
        }
        for side, pixels in room.items():
            most = max(0, math.floor(pixels + _SNAP))
            if getattr(self, side) > most:
                end = "the pole" if side in ("north", "south") else "a turn round the Earth"
                raise WindowError(
                    f"extend({side}={getattr(self, side)}) goes beyond {end}; take {side}={most} at most"
                )
