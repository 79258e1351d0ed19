"""The global pixel lattice of every level: where each pixel lies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from affine import Affine
from odc.geo.geobox import GeoBox

from geoinfinite.errors import WindowError, WorldError, shorten
from geoinfinite.plane.crs import (
    Bounds,
    carry_bounds,
    carry_over_seams,
    check_grid_crs,
    given_crs,
    parse_crs,
    turn,
)
from geoinfinite.plane.given import finite, four, integer, pair
from geoinfinite.plane.window import Window

_SNAP = 1e-6
"""Edges within this part of a pixel from the lattice lie on it: decimal degrees are not exact."""
ALIKE = 1e-2
"""Part of a level-0 pixel by which two descriptions of one lattice may differ: headers round resolutions."""
MOST_PIXELS = 3 * 2**30 - 2**17, 3 * 2**32 - 2**17
"""Rows and columns that a level may have: the plane of noise, less what tiles reach beyond an edge."""
_DISTINCT = 2.0**-44
"""Least size of a pixel beside its coordinates, so that neighbours have different ones."""


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
        object.__setattr__(self, "origin", pair("origin", self.origin, finite))
        object.__setattr__(self, "resolution", finite("resolution", self.resolution))
        object.__setattr__(self, "shape", pair("shape", self.shape, integer))
        check_grid_crs(self.crs)
        for name, least, most in (("factor", 2, 256), ("levels", 1, 64)):
            value = integer(name, getattr(self, name))
            object.__setattr__(self, name, value)
            if not least <= value <= most:
                raise WorldError(
                    f"grid.{name}={shorten(str(value))} must be at least {least} and at most {most}"
                )
        if self.resolution <= 0:
            raise WorldError(f"grid.resolution={self.resolution} must be a positive finite number")
        if min(self.shape) < 1 or not _fits(self.shape, 1):
            raise WorldError(
                f"grid.shape={shorten(str(list(self.shape)))} must be [rows, columns], both positive and at "
                f"most {list(MOST_PIXELS)}"
            )
        self._check_depth()
        around = turn(self.crs) if self.periodic else None
        width = self.shape[1] * self.resolution
        if around is not None and abs(width - around) > ALIKE * self.resolution:
            raise WorldError(
                f"grid.periodic=true needs columns * resolution = {around:g} {self._unit}, not {width!r}; "
                f"set grid.periodic = false (or, where no raster gives it, grid.resolution = "
                f"{around / self.shape[1]!r})"
            )

    def _check_depth(self) -> None:
        """Raise `WorldError` if the deepest levels have no exact coordinates."""
        edges = (self.origin[0], self.origin[0] + self.shape[1] * self.resolution, self.origin[1])
        furthest = max(abs(edge) for edge in (*edges, self.origin[1] - self.shape[0] * self.resolution))
        for level in range(self.levels):
            scale = self.factor**level
            if _fits(self.shape, scale) and self.resolution / scale >= furthest * _DISTINCT:
                continue
            if level == 0:
                raise WorldError(
                    f"grid.resolution={self.resolution} is too small beside the coordinates of the grid, up "
                    f"to {furthest:g}: neighbouring pixels would have the same ones; take a larger resolution"
                )
            raise WorldError(
                f"grid.levels={self.levels} is too deep: level {level} would have more than "
                f"{list(MOST_PIXELS)} rows and columns, or pixels too small for their coordinates; set "
                f"grid.levels = {level}"
            )

    @property
    def _unit(self) -> str:
        axes = parse_crs(self.crs).axis_info
        return f"{axes[0].unit_name}s" if axes else "units"

    def _check(self, level: int) -> int:
        if not 0 <= level < self.levels:
            raise WindowError(f"level={level} does not exist: this grid has levels 0 to {self.levels - 1}")
        return level

    def same_crs(self, other: Grid) -> bool:
        """Say whether another grid has the same CRS, however it is written."""
        return bool(parse_crs(self.crs) == parse_crs(other.crs))

    def shape_at(self, level: int) -> tuple[int, int]:
        """Return ``(rows, columns)`` of a level."""
        scale = self.factor ** self._check(level)
        return self.shape[0] * scale, self.shape[1] * scale

    def resolution_at(self, level: int) -> float:
        """Return CRS units per pixel of a level."""
        return float(self.resolution / self.factor ** self._check(level))

    def gsd_m(self, level: int) -> float:
        """Return the ground sample distance along y in metres (on a geographic CRS: at the equator)."""
        crs = parse_crs(self.crs)
        unit = crs.axis_info[0].unit_conversion_factor if crs.axis_info else 1.0
        radius = 6_378_137.0 if crs.is_geographic else 1.0
        return self.resolution_at(level) * unit * radius

    def level_for(self, *, gsd_m: float | None = None, resolution: float | None = None) -> int:
        """Return the coarsest level that is at least so fine: in metres, or in CRS units per pixel.

        Raises `WindowError` if even the finest level is coarser.

        >>> Grid("EPSG:32632", (0, 0), 30.0, (100, 200), factor=4, levels=3).level_for(gsd_m=10)
        1
        """
        if (gsd_m is None) == (resolution is None):
            raise WindowError(
                f"level_for(gsd_m={gsd_m}, resolution={resolution}): give one of the two, in metres or in "
                "CRS units per pixel"
            )
        name, wanted = ("gsd_m", gsd_m) if resolution is None else ("resolution", resolution)
        if not (isinstance(wanted, int | float) and math.isfinite(wanted) and wanted > 0):
            raise WindowError(f"level_for({name}={wanted!r}): pixels have a positive finite size; give one")
        size = self.gsd_m if resolution is None else self.resolution_at
        for level in range(self.levels):
            if size(level) <= wanted * (1 + 1e-9):
                return level
        raise WindowError(
            f"{name}={wanted!r} is finer than the finest level, {self.levels - 1}, which has "
            f"{size(self.levels - 1):g}; ask for that or more, or raise grid.levels"
        )

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
        return box if crs is None else carry_bounds(box, self.crs, crs)

    def window(
        self, level: int, bounds: Sequence[float], crs: str | None = None, *, name: str = "bounds"
    ) -> Window:
        """Return the smallest window of a level that covers ``bounds``, given in the grid's or another CRS.

        On a periodic grid ``left > right`` crosses the antimeridian and the window runs past the
        last column. Raises `WindowError` for bounds that are inverted, empty or outside the grid; ``name`` is
        what the error calls them.

        >>> earth = Grid("EPSG:4326", (-180, 90), 1.0, (180, 360), factor=4, levels=2, periodic=True)
        >>> earth.window(0, (7.2, 45.8, 8.0, 46.2))
        Window(y0=43, y1=45, x0=187, x1=188)
        >>> earth.window(0, (178, -1, -178, 1))
        Window(y0=89, y1=91, x0=358, x1=362)
        """
        left, bottom, right, top = four(name, bounds)
        shown = f"{name}=({left:g}, {bottom:g}, {right:g}, {top:g})"
        if not all(math.isfinite(v) for v in (left, bottom, right, top)):
            raise WindowError(f"{shown} is not finite; give west south east north as numbers")
        if bottom >= top:
            raise WindowError(f"{shown} is inverted or empty: need south < north; the order is W S E N")
        other = crs is not None and given_crs(crs) != parse_crs(self.crs)
        around = turn(crs) if other and crs else self._turn
        box = (left, bottom, _eastwards(left, right, around, shown), top)
        if other and crs:
            box = carry_over_seams(box, crs, self.crs, self._turn, shown)
        window = self._covering(level, box)
        if self._turn is not None and not self.periodic:
            # A grid that ends at the antimeridian, or lies beyond it, has a box under one of its names only.
            turned = [self._covering(level, (box[0] + t, box[1], box[2] + t, box[3])) for t in self._turns]
            window = next((w for w in (window, *turned) if self._holds(level, w)), window)
            if box[2] > max(self._turn / 2, self._edge) and not self._holds(level, window):
                raise WindowError(
                    f"{shown} lies over the antimeridian, where this grid ends (grid.periodic=false); ask "
                    "for the two sides one by one"
                )
        self.check_window(level, window, shown)
        return window

    @property
    def _turn(self) -> float | None:
        """Growth of x once round the Earth; ``None`` if it is not known."""
        return self.shape[1] * self.resolution if self.periodic else turn(self.crs)

    @property
    def _turns(self) -> tuple[float, ...]:
        around = self._turn
        return () if around is None else (around, -around)

    @property
    def _edge(self) -> float:
        return self.origin[0] + self.shape[1] * self.resolution

    def _covering(self, level: int, box: Bounds) -> Window:
        """Return the smallest window that covers bounds in the grid's CRS."""
        step = self.resolution_at(level)
        return Window(
            math.floor((self.origin[1] - box[3]) / step + _SNAP),
            math.ceil((self.origin[1] - box[1]) / step - _SNAP),
            math.floor((box[0] - self.origin[0]) / step + _SNAP),
            math.ceil((box[2] - self.origin[0]) / step - _SNAP),
        )

    def _holds(self, level: int, window: Window) -> bool:
        rows, columns = self.shape_at(level)
        inside_x = window.width <= columns if self.periodic else 0 <= window.x0 <= window.x1 <= columns
        return 0 <= window.y0 <= window.y1 <= rows and inside_x

    def check_window(self, level: int, window: Window, shown: str | None = None) -> None:
        """Raise `WindowError` unless every pixel of ``window`` is one of the level's."""
        if not self._holds(level, window):
            raise WindowError(
                f"{shown or window} reaches outside the grid, whose bounds are "
                f"{tuple(round(v, 6) for v in self.bounds(0, self.full(0)))} (W, S, E, N) in "
                f"{shorten(self.crs)}; ask for a part of it"
            )


def _eastwards(left: float, right: float, around: float | None, shown: str) -> float:
    """Return the right edge of a box, past the antimeridian where the box crosses it."""
    if left < right:
        return right
    if around is None or left == right:
        raise WindowError(f"{shown} is inverted or empty: need west < east; the order is W S E N")
    if not 0 < right + around - left <= around / 2:
        raise WindowError(
            f"{shown} is inverted: need west < east (west > east crosses the antimeridian, "
            "for at most half a turn); the order is W S E N"
        )
    return right + around


def _fits(shape: tuple[int, int], scale: int) -> bool:
    return all(side * scale <= most for side, most in zip(shape, MOST_PIXELS, strict=True))
