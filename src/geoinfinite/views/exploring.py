"""A world as a map in a notebook: its map tiles are drawn in the kernel as the map asks for them."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

from geoinfinite.engine import Resources, process_resources, resolve
from geoinfinite.engine import read as read_level
from geoinfinite.errors import WorldError
from geoinfinite.plane.crs import Bounds
from geoinfinite.plane.web_map import HALF_M, HIGHEST_LATITUDE, LARGEST_ZOOM, map_tile_bounds
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.views.canvas import Canvas
from geoinfinite.views.looking import Part
from geoinfinite.views.map_tiles import MapPyramid, finish, locate

TILE_PX = 512
"""Side of a map tile: what lonboard shows at its own zoom."""
THREADS = 2
"""Map tiles that are drawn at once; a network uses all processors for one."""


def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="geoinfinite-map")


@dataclass(frozen=True, slots=True, eq=False)
class KernelTiles:
    """The web map tiles of a world, drawn in threads of this process."""

    recipe: Recipe
    pyramid: MapPyramid
    resources: Resources = field(default_factory=process_resources)
    threads: ThreadPoolExecutor = field(default_factory=_threads)

    async def fetch(self, x: int, y: int, z: int) -> bytes | None:
        """Return a map tile as PNG, ``None`` beside the world; drawing ends when the caller is cancelled."""
        unwanted = threading.Event()
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self.threads, self.draw, web_tile(x, y, z), unwanted
            )
        except asyncio.CancelledError:
            unwanted.set()
            raise

    def draw(self, canvas: Canvas, unwanted: threading.Event) -> bytes | None:
        """Return a picture as PNG, ``None`` beside the world; raise `Cancelled` once it is unwanted."""
        resources = replace(self.resources, is_cancelled=unwanted.is_set)
        resources.check_cancelled()
        reading = locate(self.pyramid, canvas)
        if not reading.mask.any():
            return None
        level = resolve(self.recipe, reading.key)
        tile = finish(self.pyramid, reading, lambda window: read_level(level, window, resources))
        return tile.encode()


def web_tile(x: int, y: int, z: int) -> Canvas:
    """Return the canvas of a tile of the web map, counted from the north-west.

    >>> web_tile(1, 0, 1).bounds
    (0.0, 0.0, 20037508.342789244, 20037508.342789244)
    """
    return Canvas("EPSG:3857", map_tile_bounds(z, x, y), (TILE_PX, TILE_PX))


def explore(recipe: Recipe, bounds: Sequence[float] | None, height: int) -> Any:
    """Return a lonboard ``Map`` of a world, without a server and without a basemap.

    It begins at ``bounds`` in the grid's CRS, by default at the world's.
    """
    lonboard = _lonboard()
    whole = Part.of(recipe, None, None)
    start = whole if bounds is None else Part.of(recipe, None, bounds)
    tiles = KernelTiles(recipe, whole.pyramid())
    west, south, east, north = _on_the_web(start)
    reach = _on_the_web(whole)
    layer = lonboard.RasterLayer(
        # Without a tile matrix set it asks for the tiles of the web map.
        _tile_matrix_set=None,
        _crs="EPSG:3857",
        _fetch_tile=tiles.fetch,
        _render_tile=_image,
        _bounds=import_module("lonboard._geoarrow.ops").Bbox(west, south, east, north),
        _center=(((west + east) / 2 + 180) % 360 - 180, (south + north) / 2),
        # Across the antimeridian it reaches both ends of the web map.
        extent=[-180.0, reach[1], 180.0, reach[3]] if reach[2] > 180 else list(reach),
        max_zoom=finest_zoom(recipe),
    )
    return lonboard.Map(layer, basemap=None, height=height)


def finest_zoom(recipe: Recipe) -> int:
    """Return the first zoom whose pixels are as fine as those of the finest level."""
    finest = recipe.grid.gsd_m(recipe.grid.levels - 1)
    return min(max(math.ceil(math.log2(2 * HALF_M / TILE_PX / finest)), 0), LARGEST_ZOOM)


def _on_the_web(part: Part) -> Bounds:
    """Return bounds in degrees, as far as the web map reaches; east is beyond 180 across the antimeridian."""
    west, south, east, north = part.recipe.grid.bounds(part.finest, part.window, "EPSG:4326")
    south, north = max(south, -HIGHEST_LATITUDE), min(north, HIGHEST_LATITUDE)
    return west, south, east + 360 if east < west else east, north


def _image(data: bytes | None) -> Any:
    return None if data is None else import_module("lonboard.raster").EncodedImage(data, "image/png")


def _lonboard() -> Any:
    try:
        return import_module("lonboard")
    except ImportError as error:
        raise WorldError(
            "explore() needs lonboard, which is not installed: pip install 'geoinfinite[notebook]'"
        ) from error
