"""Layers of the Blue Marble: the whole globe at 7.4 km, and windows of it down to 0.4 km.

The two come from different packages but are one product: over open water their colours differ by at
most two counts, over land by the season. They are therefore used as they are. The windows are in web
mercator, where a pixel of zoom 8 spans 611 m times the cosine of the latitude; the native pixels are
1/240 degree (463 m), so zoom 8 itself is used up to 45 degrees only, and its area means everywhere.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from training import sources
from training.layer import Bytes, Picture, all_of, area_mean, pull_in_ends
from training.scene import Scene
from training.shores import Shores

BLUE_MARBLE_GSD = 40_075_017 / 5400
TILE, ZOOM, WINDOW_TILES = 256, 8, 6
MERCATOR_GSD = 40_075_017 / (TILE * 2**ZOOM)
SHARP_LATITUDE = 45.0
HELD_OUT_BOXES = ((110.0, -50.0, 180.0, 0.0), (-82.0, -56.0, -34.0, 13.0))
"""Australia with Oceania, and South America: (west, south, east, north), never trained on."""
WINDOWS = (
    *((9, 46.5), (6, 28), (17.5, 21), (19, 1), (36, -3), (15.5, -23), (46.5, -19), (87, 29), (80, 41)),
    *((90, 23.5), (107, 14.5), (112, 23), (137, 36), (7.5, 61), (-19, 64.8), (-48, 68), (-95, 56)),
    *((-116, 50.5), (-113, 38.5), (-93, 42), (-78, 24.5), (-102, 20), (-62.5, 15.8), (-4, 40), (25, 38)),
    *((43, 42.5), (54, 27), (50, 20), (126, 72), (75, 60), (103, 46), (123, 11.5), (-156.5, 20.3)),
    *((-4, 15), (22.5, -19.5), (-2.5, 53)),
    *((-68, -21), (-60, -3), (-73, -48), (-43, -21.5), (126, -16), (149.5, -33), (170, -43.5)),
    *((143, -5.5), (148, -20)),
)
"""(longitude, latitude) of the centres of the windows of 1536 px at zoom 8; the last nine lie in the
held-out boxes. Chosen for variety: ice, fjords, taiga, fields, cities, deserts, deltas, reefs, islands."""


MORE_WINDOWS = Path(__file__).with_name("marble_windows.csv")


def more_windows() -> list[tuple[int, int, int]]:
    """Return tiles (x, y) and sides in tiles of more windows: 45 % coasts, 20 % deserts and ice, other land.

    They were drawn at random, even by area; what lies in a held-out box is masked.
    """
    with MORE_WINDOWS.open(encoding="utf-8", newline="") as file:
        return [(int(row["x"]), int(row["y"]), int(row["tiles"])) for row in csv.DictReader(file)]


def colour_at(globe: Bytes, lon: float, lat: float) -> Picture:
    """Return the colour (3,) of the globe at a place in degrees."""
    colour: Picture = globe[int((90 - lat) * 15), int((lon + 180) * 15)].astype(np.float64)
    return colour


def globe_scene(globe: Bytes, shores: Shores, held_out: bool) -> Scene:
    """Return the globe at 7.4 km, 14.8 km beside it; the split is in `usable`."""
    pixels = torch.from_numpy(globe).permute(2, 0, 1).contiguous()
    inside = torch.zeros(pixels.shape[1:], dtype=torch.bool)
    for west, south, east, north in HELD_OUT_BOXES:
        rows = slice(int((90 - north) * 15), int((90 - south) * 15))
        inside[rows, int((west + 180) * 15) : int((east + 180) * 15)] = True
    usable = inside if held_out else ~inside
    weights = {0: 45.0, 1: 15.0}
    name, octaves = "globe", (-1.3, 0.3)
    water = shores.globe(*pixels.shape[1:])
    return Scene(
        name, "blue-marble", pixels, usable, water, BLUE_MARBLE_GSD, octaves, weights, plate_carree=True
    )


def window_scenes(cache: Path, shores: Shores, held_out: bool) -> list[Scene]:
    """Return the windows that have pixels in the split, at zoom 8.

    Raises SourceUnavailable when the tiles cannot be fetched.
    """
    corners = [(*_corner(lon, lat), WINDOW_TILES) for lon, lat in WINDOWS]
    corners += [] if held_out else more_windows()
    paths = iter(sources.marble_tiles(cache, [(ZOOM, *at) for corner in corners for at in _tiles(*corner)]))
    found: list[Scene] = []
    for corner in corners:
        tiles = [next(paths) for _ in _tiles(*corner)]
        inside = _held_out(*corner)
        usable = torch.from_numpy(inside if held_out else ~inside)
        if bool(usable.any()):
            found.append(_one_window(corner, _stitched(tiles, corner[2]), usable, shores))
    return found


def _one_window(
    corner: tuple[int, int, int], pixels: torch.Tensor, usable: torch.Tensor, shores: Shores
) -> Scene:
    lon, lat = _places(*corner)
    water = shores.at(lon, lat)
    latitude = float(lat[len(lat) // 2])
    weights, halved = {0: 3.0, 1: 3.0, 2: 5.0}, 1
    if abs(latitude) > SHARP_LATITUDE:
        weights, halved = {0: 4.0, 1: 4.0}, 2
        pixels, usable, water = area_mean(pixels, 2), all_of(usable, 2), area_mean(water[None], 2)[0]
    wet = float(water.float().mean()) / 255
    shore = float(((water > 0) & (water < 255)).float().mean())
    weights = {power: w * (0.2 + 0.8 * (1 - wet) + 20 * shore) for power, w in weights.items()}
    gsd = MERCATOR_GSD * math.cos(math.radians(latitude)) * halved
    name = "marble-{}-{}".format(*corner)
    return Scene(name, "blue-marble-fine", pixels, usable, water, gsd, (-0.4, 0.6), weights)


def _places(x: int, y: int, count: int) -> tuple[Picture, Picture]:
    """Return the longitudes and latitudes, in degrees, of the pixels of `count` x `count` tiles."""
    steps = (np.arange(count * TILE) + 0.5) / TILE
    lon = (x + steps) / 2**ZOOM * 360 - 180
    lat = np.degrees(np.arctan(np.sinh(math.pi * (1 - 2 * (y + steps) / 2**ZOOM))))
    return lon, lat


def _corner(lon: float, lat: float) -> tuple[int, int]:
    """Return the tile (x, y) of the north-west corner of the window around a place.

    >>> _corner(0.0, 0.0)
    (125, 125)
    """
    count = 2**ZOOM
    x = (lon + 180) / 360 * count
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * count
    return round(x - WINDOW_TILES / 2), round(y - WINDOW_TILES / 2)


def _tiles(x: int, y: int, count: int) -> list[tuple[int, int]]:
    return [(x + i, y + j) for j in range(count) for i in range(count)]


def _stitched(tiles: list[Path], count: int) -> torch.Tensor:
    """Join tiles, row by row, to one picture (3, H, W)."""
    opened = [np.array(Image.open(path).convert("RGB")) for path in tiles]
    rows = [np.concatenate(opened[i : i + count], 1) for i in range(0, len(opened), count)]
    return torch.from_numpy(pull_in_ends(np.concatenate(rows))).permute(2, 0, 1).contiguous()


def _held_out(x: int, y: int, count: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Return which pixels (H, W) of the window at tile (x, y) lie in a held-out box."""
    lon, lat = _places(x, y, count)
    inside = np.zeros((len(lat), len(lon)), dtype=np.bool_)
    for west, south, east, north in HELD_OUT_BOXES:
        inside |= np.outer((lat > south) & (lat < north), (lon > west) & (lon < east))
    return inside
