"""The global pixel lattice of every level; the only file that knows coordinate reference systems."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from geoinfinite.errors import WindowError, WorldError
from geoinfinite.plane.window import Window

Bounds = tuple[float, float, float, float]
"""``(left, bottom, right, top)`` in units of a CRS."""

_SNAP = 1e-6
"""Edges within this part of a pixel from the lattice lie on it: decimal degrees are not exact."""


@lru_cache(maxsize=64)
def _crs(text: str) -> CRS:
    return CRS.from_user_input(text)


@lru_cache(maxsize=64)
def _transformer(source: str, target: str) -> Transformer:
    return Transformer.from_crs(_crs(source), _crs(target), always_xy=True)


@dataclass(frozen=True, slots=True)
class Grid:
    """Square north-up pixels over a CRS: level 0 is the coarsest, each next one ``factor`` times finer.

    Row 0, column 0 of every level has its outer corner at ``origin``, so the pixel ``(y, x)`` of a
    level covers exactly the pixels ``(factor*y ... , factor*x ...)`` of the next one.

    >>> grid = Grid("EPSG:32632", (400_000.0, 5_200_000.0), 30.0, (100, 200), factor=4, levels=3)
    >>> grid.shape_at(2), grid.resolution_at(2)
    ((1600, 3200), 1.875)
    >>> grid.bounds(1, Window(0, 4, 4, 12))
    (400030.0, 5199970.0, 400090.0, 5200000.0)
    """

    crs: str
    """Anything PROJ reads: ``"EPSG:4326"``, WKT."""
    origin: tuple[float, float]
    """Outer corner of pixel (0, 0): left, top, in CRS units."""
    resolution: float
    """CRS units per pixel at level 0."""
    shape: tuple[int, int]
    """``(rows, columns)`` at level 0."""
    factor: int = 4
    """Pixels of a level along each side of one pixel of its parent."""
    levels: int = 1
    """How many levels there are; the deepest is ``levels - 1``."""
    periodic: bool = False
    """Whether the last column neighbours the first: a grid once round the Earth."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "origin", tuple(float(v) for v in self.origin))
        object.__setattr__(self, "resolution", float(self.resolution))
        object.__setattr__(self, "shape", tuple(int(v) for v in self.shape))
        try:
            crs = _crs(self.crs)
        except CRSError as error:
            raise WorldError(
                f"grid.crs={self.crs!r} is not a coordinate reference system that PROJ knows; "
                'write one such as "EPSG:4326"'
            ) from error
        for name, value, least in (("factor", self.factor, 2), ("levels", self.levels, 1)):
            if value < least:
                raise WorldError(f"grid.{name}={value} must be at least {least}")
        if not (math.isfinite(self.resolution) and self.resolution > 0):
            raise WorldError(f"grid.resolution={self.resolution} must be a positive finite number")
        if len(self.shape) != 2 or min(self.shape) < 1:
            raise WorldError(f"grid.shape={list(self.shape)} must be [rows, columns], both positive")
        if self.periodic:
            turn = 360.0 if crs.is_geographic else None
            width = self.shape[1] * self.resolution
            if turn is not None and abs(width - turn) > 1e-6:
                raise WorldError(
                    f"grid.periodic=true needs columns * resolution = 360 degrees, not {width!r}; "
                    f"set resolution = {turn / self.shape[1]!r} or periodic = false"
                )

    def _check(self, level: int) -> int:
        if not 0 <= level < self.levels:
            raise WindowError(f"level={level} does not exist: this grid has levels 0 to {self.levels - 1}")
        return level

    def same_crs(self, other: Grid) -> bool:
        """Say whether another grid has the same CRS, however it is written."""
        return bool(_crs(self.crs) == _crs(other.crs))

    def shape_at(self, level: int) -> tuple[int, int]:
        """Return ``(rows, columns)`` of a level."""
        scale = self.factor ** self._check(level)
        return self.shape[0] * scale, self.shape[1] * scale

    def resolution_at(self, level: int) -> float:
        """Return CRS units per pixel of a level."""
        return float(self.resolution / self.factor ** self._check(level))

    def gsd_m(self, level: int) -> float:
        """Return the ground sample distance along y in metres (on a geographic CRS: at the equator)."""
        crs = _crs(self.crs)
        unit = crs.axis_info[0].unit_conversion_factor if crs.axis_info else 1.0
        radius = 6_378_137.0 if crs.is_geographic else 1.0
        return self.resolution_at(level) * unit * radius

    def period(self, level: int) -> int | None:
        """Return the number of columns after which a level repeats, if it does."""
        return self.shape_at(level)[1] if self.periodic else None

    def full(self, level: int) -> Window:
        """Return the window of every pixel of a level."""
        rows, columns = self.shape_at(level)
        return Window(0, rows, 0, columns)

    def transform(self, level: int, window: Window | None = None) -> Affine:
        """Return the affine map from ``(column, row)`` pixel edges of a window to CRS units."""
        step = self.resolution_at(level)
        row, column = (0, 0) if window is None else (window.y0, window.x0)
        return Affine(step, 0.0, self.origin[0] + column * step, 0.0, -step, self.origin[1] - row * step)

    def geobox(self, level: int, window: Window) -> GeoBox:
        """Return the window of a level as an odc-geo ``GeoBox``."""
        return GeoBox(window.shape, self.transform(level, window), self.crs)

    def bounds(self, level: int, window: Window, crs: str | None = None) -> Bounds:
        """Return ``(left, bottom, right, top)`` of a window in the grid's or another CRS."""
        step = self.resolution_at(level)
        left, top = self.origin[0] + window.x0 * step, self.origin[1] - window.y0 * step
        box = (left, top - window.height * step, left + window.width * step, top)
        return box if crs is None else _reproject(box, self.crs, crs)

    def window(self, level: int, bounds: Sequence[float], crs: str | None = None) -> Window:
        """Return the smallest window of a level that covers ``bounds``, given in the grid's or another CRS.

        On a periodic grid ``left > right`` crosses the antimeridian and the window runs past the
        last column. Raises `WindowError` for bounds that are inverted, empty or outside the grid.

        >>> earth = Grid("EPSG:4326", (-180, 90), 1.0, (180, 360), factor=4, levels=2, periodic=True)
        >>> earth.window(0, (7.2, 45.8, 8.0, 46.2))
        Window(y0=43, y1=45, x0=187, x1=188)
        >>> earth.window(0, (178, -1, -178, 1))
        Window(y0=89, y1=91, x0=358, x1=362)
        """
        left, bottom, right, top = (float(v) for v in bounds)
        shown = f"bbox=({left:g}, {bottom:g}, {right:g}, {top:g})"
        if not all(math.isfinite(v) for v in (left, bottom, right, top)):
            raise WindowError(f"{shown} is not finite; give west south east north as numbers")
        if crs is not None and _given_crs(crs) != _crs(self.crs):
            left, bottom, right, top = _reproject((left, bottom, right, top), crs, self.crs)
        if bottom >= top:
            raise WindowError(f"{shown} is inverted or empty: need south < north; the order is W S E N")
        turn = self.shape[1] * self.resolution if self.periodic else None
        if turn is not None and right < left:
            right += turn
            if right - left > turn / 2:
                raise WindowError(
                    f"{shown} is inverted: need west < east (west > east crosses the antimeridian, "
                    "for at most half a turn); the order is W S E N"
                )
        if left >= right:
            raise WindowError(f"{shown} is inverted or empty: need west < east; the order is W S E N")
        step = self.resolution_at(level)
        window = Window(
            math.floor((self.origin[1] - top) / step + _SNAP),
            math.ceil((self.origin[1] - bottom) / step - _SNAP),
            math.floor((left - self.origin[0]) / step + _SNAP),
            math.ceil((right - self.origin[0]) / step - _SNAP),
        )
        self.check_window(level, window, shown)
        return window

    def check_window(self, level: int, window: Window, shown: str | None = None) -> None:
        """Raise `WindowError` unless every pixel of ``window`` is one of the level's."""
        rows, columns = self.shape_at(level)
        inside_x = window.width <= columns if self.periodic else 0 <= window.x0 <= window.x1 <= columns
        if not (0 <= window.y0 <= window.y1 <= rows and inside_x):
            raise WindowError(
                f"{shown or window} reaches outside the grid, whose bounds are "
                f"{tuple(round(v, 6) for v in self.bounds(0, self.full(0)))} (W, S, E, N) in {self.crs}; "
                "ask for a part of it"
            )


def _given_crs(text: str) -> CRS:
    try:
        return _crs(text)
    except CRSError as error:
        raise WindowError(
            f"crs={text!r} is not a coordinate reference system that PROJ knows; "
            'write one such as "EPSG:4326"'
        ) from error


def _reproject(bounds: Bounds, source: str, target: str) -> Bounds:
    try:
        out = _transformer(source, target).transform_bounds(*bounds, densify_pts=21, errcheck=True)
    except (ProjError, CRSError) as error:
        raise WindowError(
            f"bounds {bounds} cannot be carried from {source} to {target}: {error}; "
            "give them in the grid's own CRS"
        ) from error
    return (float(out[0]), float(out[1]), float(out[2]), float(out[3]))
