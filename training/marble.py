"""Layers of the Blue Marble: the whole globe at 7.4 km, and windows of it down to 0.4 km.

The two come from different packages but are one product: over open water their colours differ by at
most two counts, over land by the season. They are therefore used as they are. The windows are in web
mercator, where a pixel of zoom 8 spans 611 m times the cosine of the latitude; the native pixels are
1/240 degree (463 m), so zoom 8 itself is used up to 45 degrees only, and its area means everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from training import sources
from training.layer import Bytes, Layer, Picture, all_of, area_mean

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


def open_globe(cache: Path) -> Bytes:
    """Return the Blue Marble, (2700, 5400, 3), plate carree."""
    return np.array(Image.open(sources.blue_marble(cache)).convert("RGB"))


def colour_at(globe: Bytes, lon: float, lat: float) -> Picture:
    """Return the colour (3,) of the globe at a place in degrees."""
    colour: Picture = globe[int((90 - lat) * 15), int((lon + 180) * 15)].astype(np.float64)
    return colour


def globe_layers(globe: Bytes, held_out: bool) -> Iterator[Layer]:
    """Yield the globe at 7.4 and 14.8 km; the split is in `usable`."""
    pixels = torch.from_numpy(globe).permute(2, 0, 1).contiguous()
    inside = torch.zeros(pixels.shape[1:], dtype=torch.bool)
    for west, south, east, north in HELD_OUT_BOXES:
        rows = slice(int((90 - north) * 15), int((90 - south) * 15))
        inside[rows, int((west + 180) * 15) : int((east + 180) * 15)] = True
    usable = inside if held_out else ~inside
    for power, weight in ((0, 45.0), (1, 15.0)):
        coarse = area_mean(pixels, 2**power)
        land = coarse[0].int() + 8 > coarse[2].int()
        gsd = BLUE_MARBLE_GSD * 2**power
        yield Layer("blue-marble", coarse, all_of(usable, 2**power), land, gsd, (-1.3, 0.3), weight)


def window_layers(cache: Path, held_out: bool) -> list[Layer]:
    """Return the windows that have pixels in the split, at zoom 8 and its area means x2 and x4.

    Raises SourceUnavailable when the tiles cannot be fetched.
    """
    corners = [_corner(lon, lat) for lon, lat in WINDOWS]
    paths = iter(sources.marble_tiles(cache, [(ZOOM, *at) for corner in corners for at in _tiles(*corner)]))
    found: list[Layer] = []
    for corner, (_, latitude) in zip(corners, WINDOWS, strict=True):
        tiles = [next(paths) for _ in _tiles(*corner)]
        inside = _held_out(*corner)
        usable = torch.from_numpy(inside if held_out else ~inside)
        if bool(usable.any()):
            found += _one_window(_stitched(tiles), usable, latitude)
    return found


def _one_window(pixels: torch.Tensor, usable: torch.Tensor, latitude: float) -> Iterator[Layer]:
    for power, weight in ((0, 3.0), (1, 4.0), (2, 2.0)):
        if power == 0 and abs(latitude) > SHARP_LATITUDE:
            continue
        coarse = area_mean(pixels, 2**power)
        land = coarse[0].int() + 8 > coarse[2].int()
        weight *= 0.2 + 0.8 * float(land.float().mean())
        gsd = MERCATOR_GSD * math.cos(math.radians(latitude)) * 2**power
        yield Layer("blue-marble-fine", coarse, all_of(usable, 2**power), land, gsd, (-0.4, 0.6), weight)


def _corner(lon: float, lat: float) -> tuple[int, int]:
    """Return the tile (x, y) of the north-west corner of the window around a place.

    >>> _corner(0.0, 0.0)
    (125, 125)
    """
    count = 2**ZOOM
    x = (lon + 180) / 360 * count
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * count
    return round(x - WINDOW_TILES / 2), round(y - WINDOW_TILES / 2)


def _tiles(x: int, y: int) -> list[tuple[int, int]]:
    return [(x + i, y + j) for j in range(WINDOW_TILES) for i in range(WINDOW_TILES)]


def _stitched(tiles: list[Path]) -> torch.Tensor:
    """Join tiles, row by row, to one picture (3, H, W)."""
    opened = [np.array(Image.open(path).convert("RGB")) for path in tiles]
    rows = [np.concatenate(opened[i : i + WINDOW_TILES], 1) for i in range(0, len(opened), WINDOW_TILES)]
    return torch.from_numpy(np.concatenate(rows)).permute(2, 0, 1).contiguous()


def _held_out(x: int, y: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Return which pixels (H, W) of the window at tile (x, y) lie in a held-out box."""
    steps = (np.arange(WINDOW_TILES * TILE) + 0.5) / TILE
    lon = (x + steps) / 2**ZOOM * 360 - 180
    lat = np.degrees(np.arctan(np.sinh(math.pi * (1 - 2 * (y + steps) / 2**ZOOM))))
    inside = np.zeros((len(steps), len(steps)), dtype=np.bool_)
    for west, south, east, north in HELD_OUT_BOXES:
        inside |= np.outer((lat > south) & (lat < north), (lon > west) & (lon < east))
    return inside
