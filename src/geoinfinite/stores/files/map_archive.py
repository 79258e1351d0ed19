"""What archives of map tiles have in common: the zooms, and the map tiles one after the other."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, TypedDict

from geoinfinite.arrays.attributes import provenance
from geoinfinite.errors import BudgetError, StoreError
from geoinfinite.plane.crs import Bounds
from geoinfinite.plane.web_map import HALF_M, HIGHEST_LATITUDE, LARGEST_ZOOM
from geoinfinite.provenance import DIGITAL_SOURCE_TYPE, SYNTHETIC
from geoinfinite.stores.files.content import picked_bands
from geoinfinite.stores.files.footprint import footprint
from geoinfinite.stores.files.stored_pyramid import StoredPyramid
from geoinfinite.stores.files.web_tiles import (
    WebTile,
    mercator,
    tile_range,
    walk,
)
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.planning import Plan
from geoinfinite.views.canvas import Canvas

ATTRIBUTION = "Synthetic imagery drawn by geoinfinite, not an observation"
_MOST_THREADS = 4
"""Threads that make map tiles: as many as cores, and no more than this."""
MOST_TILES = 2**22
"""Map tiles of an archive: beyond, a zoom too many was asked for, or the window is far too large for one."""


class MapTileOptions(TypedDict, total=False):
    """The fields of `MapTiles` but the bands, as keywords of functions that write an archive."""

    min_zoom: int | None
    max_zoom: int | None
    size: int
    image_format: Literal["png", "webp", "jpeg"]


@dataclass(frozen=True, slots=True)
class MapTiles:
    """Which map tiles an archive holds, and how they are encoded.

    Raises `StoreError` for values that no archive can have.
    """

    min_zoom: int | None = None
    """The coarsest zoom; ``None``: the one in which the window fits about one map tile."""
    max_zoom: int | None = None
    """The finest zoom; ``None``: the one whose pixels are nearest to the window's own in size."""
    size: int = 256
    """Pixels along each side of a map tile: 256 or 512."""
    image_format: Literal["png", "webp", "jpeg"] = "png"
    """PNG has the pixels themselves; the others are smaller. JPEG is black beside the window."""
    bands: tuple[int, ...] | None = None
    """The bands that are shown, counted from 0; ``None`` for all. Three or more are red, green and blue."""

    def __post_init__(self) -> None:
        if self.size not in (256, 512):
            raise StoreError(f"size={self.size!r} is not a side that map tiles have; take 256 or 512")
        if self.image_format not in ("png", "webp", "jpeg"):
            raise StoreError(f"image_format={self.image_format!r} is not one of png, webp, jpeg; take one")
        for name in ("min_zoom", "max_zoom"):
            zoom = getattr(self, name)
            if zoom is not None and not (isinstance(zoom, int) and 0 <= zoom <= LARGEST_ZOOM):
                raise StoreError(f"{name}={zoom!r} must be an integer from 0 to {LARGEST_ZOOM}; take another")
        if self.min_zoom is not None and self.max_zoom is not None and self.min_zoom > self.max_zoom:
            raise StoreError(f"min_zoom={self.min_zoom} is above max_zoom={self.max_zoom}; swap them")


@dataclass(frozen=True, slots=True)
class MapArchive:
    """The map tiles of a plan's window, known before any of them is made."""

    plan: Plan
    tiles: MapTiles
    bounds: Bounds
    """West, south, east and north in degrees; east may be beyond 180."""
    min_zoom: int
    max_zoom: int

    @classmethod
    def of(cls, plan: Plan, tiles: MapTiles) -> MapArchive:
        """Return the archive of a plan.

        Raises `StoreError` for a window beyond the latitudes of web maps, and `BudgetError` for one of more
        than `MOST_TILES` map tiles.
        """
        _, (west, south, east, north) = footprint(plan.recipe.grid, plan.level, plan.window)
        if south >= HIGHEST_LATITUDE or north <= -HIGHEST_LATITUDE:
            raise StoreError(
                f"the window lies beyond {HIGHEST_LATITUDE:.2f} degrees, where web maps end; write "
                ".tif or .zarr"
            )
        bounds = (west, south, east + (360 if east < west else 0), north)
        finest = _finest_zoom(plan, bounds, tiles.size)
        max_zoom = tiles.max_zoom if tiles.max_zoom is not None else max(finest, tiles.min_zoom or 0)
        coarsest = _coarsest_zoom(bounds)
        min_zoom = tiles.min_zoom if tiles.min_zoom is not None else min(coarsest, max_zoom)
        archive = cls(plan, tiles, bounds, min_zoom, max_zoom)
        archive._check_size()
        return archive

    @property
    def most(self) -> int:
        """Map tiles at most: those that meet the bounds of the window."""
        return sum(_count(self.bounds, zoom) for zoom in range(self.min_zoom, self.max_zoom + 1))

    def _check_size(self) -> None:
        if self.most > MOST_TILES:
            counts = accumulate(_count(self.bounds, zoom) for zoom in range(self.min_zoom, self.max_zoom))
            fitting = sum(1 for count in counts if count <= MOST_TILES)
            fewer = f"take max_zoom={self.min_zoom + fitting - 1} or less, or" if fitting else "take"
            raise BudgetError(
                f"zooms {self.min_zoom} to {self.max_zoom} of the window are more than {MOST_TILES:,} map "
                f"tiles; {fewer} a smaller window{'' if fitting else ' or a lower min_zoom'}"
            )

    def drawn(self, objects: Objects) -> Iterator[tuple[WebTile, bytes]]:
        """Yield every map tile that has a pixel of the window, encoded, from a finished store of the plan.

        They come zoom by zoom along a Hilbert curve. Each is made from the level whose pixels fit it. Raises
        `StoreError` if there is none, because the window is smaller than a pixel of its finest zoom.
        """
        pyramid = StoredPyramid.of(objects, self.plan, picked_bands(self.plan, self.tiles.bands))
        side, image_format = self.tiles.size, self.tiles.image_format

        def encoded(tile: WebTile) -> bytes | None:
            drawn = pyramid.render(Canvas("EPSG:3857", tile.bounds, (side, side)))
            return drawn.encode(image_format) if drawn.mask.any() else None

        zooms = range(self.min_zoom, self.max_zoom + 1)
        tiles = (tile for zoom in zooms for tile in walk(zoom, tile_range(self.bounds, zoom)))
        found = False
        for tile, data in _in_order(encoded, tiles):
            if data is not None:
                found = True
                yield tile, data
        if not found:
            raise StoreError(
                f"the window is smaller than a pixel of zoom {self.max_zoom} and has no map tile; take "
                f"max_zoom={min(self.max_zoom + 2, LARGEST_ZOOM)}, or a larger window"
            )

    @property
    def centre(self) -> tuple[float, float]:
        """Longitude and latitude of the middle of the window."""
        west, south, east, north = self.bounds
        return ((west + east) / 2 + 180) % 360 - 180, (south + north) / 2

    @property
    def flat_bounds(self) -> Bounds:
        """Bounds within -180 to 180: of a window across the antimeridian all longitudes."""
        west, south, east, north = self.bounds
        south, north = max(south, -HIGHEST_LATITUDE), min(north, HIGHEST_LATITUDE)
        return (west, south, east, north) if east <= 180 else (-180.0, south, 180.0, north)

    def about(self) -> Mapping[str, str]:
        """Return what an archive says of itself: name, attribution, provenance."""
        recipe, window = self.plan.recipe, self.plan.window
        return {
            "name": f"{recipe.name}, level {self.plan.level}",
            "description": SYNTHETIC,
            "attribution": ATTRIBUTION,
            "type": "baselayer",
            "version": "1",
            "digital_source_type": DIGITAL_SOURCE_TYPE,
            "geoinfinite_level": str(self.plan.level),
            "geoinfinite_window": f"{window.y0} {window.y1} {window.x0} {window.x1}",
            **{key: str(value) for key, value in provenance(recipe).items()},
        }


def _in_order(
    encoded: Callable[[WebTile], bytes | None], tiles: Iterable[WebTile]
) -> Iterator[tuple[WebTile, bytes | None]]:
    """Yield map tiles as they come with what they become, some of them made at once."""
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool:
        begun: deque[tuple[WebTile, Future[bytes | None]]] = deque()
        try:
            for tile in tiles:
                begun.append((tile, pool.submit(encoded, tile)))
                if len(begun) > 2 * threads:
                    first, made = begun.popleft()
                    yield first, made.result()
            while begun:
                first, made = begun.popleft()
                yield first, made.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _count(bounds: Bounds, zoom: int) -> int:
    return sum(columns * rows for _, _, columns, rows in tile_range(bounds, zoom))


def _finest_zoom(plan: Plan, bounds: Bounds, size: int) -> int:
    """Return the zoom whose pixels are nearest to the window's own in size, on the mean over the window."""
    width, height = _extent(bounds)
    pixel = math.sqrt(width * height / plan.window.size)
    return max(0, min(LARGEST_ZOOM, round(math.log2(2 * HALF_M / (size * pixel)))))


def _coarsest_zoom(bounds: Bounds) -> int:
    """Return the finest zoom in which a window is not larger than a map tile."""
    return max(0, min(LARGEST_ZOOM, math.floor(math.log2(2 * HALF_M / max(_extent(bounds))))))


def _extent(bounds: Bounds) -> tuple[float, float]:
    """Return the width and height of bounds in EPSG:3857."""
    (left, bottom), (right, top) = mercator(*bounds[:2]), mercator(*bounds[2:])
    return right - left, top - bottom
