"""What a request asks for, checked: no number, name or text goes further unless it is one of ours."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import morecantile

from geoinfinite.errors import shorten
from geoinfinite.serve.limits import Limits
from geoinfinite.serve.refusals import Refused
from geoinfinite.views.canvas import Canvas
from geoinfinite.views.eight_bits import DRIVERS

FORMATS = {"png": "png", "webp": "webp", "jpg": "jpeg", "jpeg": "jpeg"}
"""Image formats by the ending of a URL."""
SIZE = 256
"""Pixels of a map tile along each side; of @2x twice as many."""
_LAST = re.compile(r"(?P<y>\d{1,9})(?P<retina>@2x)?(?:\.(?P<ending>[a-z]{1,8}))?")
_NUMBER = re.compile(r"[+-]?\d{1,20}")
_NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d{1,18}\.?\d{0,20}|\.\d{1,20})([eE][+-]?\d{1,2})?")


@dataclass(frozen=True, slots=True)
class TileRequest:
    """One map tile that is asked for."""

    tms: str
    x: int
    y: int
    z: int
    scale: int
    image_format: str
    seed: int | None
    level: int | None

    @property
    def canvas(self) -> Canvas:
        """The pixels of the map tile."""
        return Canvas.of_tile(matrices(self.tms), self, SIZE * self.scale)

    @property
    def key(self) -> str:
        """Name of what is asked for, among all map tiles of one image."""
        level = "" if self.level is None else self.level
        return f"{self.tms}/{self.z}/{self.x}/{self.y}@{self.scale}.{self.image_format}?level={level}"


def matrices(name: str) -> morecantile.TileMatrixSet:
    """Return a tile matrix set; refuse a name that is none's."""
    if name not in morecantile.tms.list():
        raise Refused(
            404, f"tms={shorten(name)!r} is not one of {', '.join(morecantile.tms.list())}; take one of them"
        )
    return morecantile.tms.get(name)


def tile_request(
    path: tuple[str, str, str, str], seed: str | None, level: str | None, limits: Limits
) -> TileRequest:
    """Return what the path ``(tms, z, x, y[@2x][.png])`` of a map tile asks for.

    >>> tile_request(("WebMercatorQuad", "3", "4", "2@2x.jpg"), None, "1", Limits()).key
    'WebMercatorQuad/3/4/2@2.jpeg?level=1'
    """
    name, zoom, column, last = path
    found = _LAST.fullmatch(last)
    if found is None:
        raise Refused(404, f"{shorten(last)!r} is not the row of a map tile, such as 12.png or 12@2x.webp")
    ending = found["ending"] or "png"
    if ending not in FORMATS:
        raise Refused(404, f".{ending} is not one of .{', .'.join(FORMATS)}; take one of them")
    tms = matrices(name)
    z, x, y = whole("z", zoom), whole("x", column), int(found["y"])
    last_zoom = min(limits.zoom, tms.maxzoom)
    if not tms.minzoom <= z <= last_zoom:
        raise Refused(404, f"z={z} is not a zoom of {name} here; take {tms.minzoom} to {last_zoom}")
    matrix = tms.matrix(z)
    if not (0 <= x < matrix.matrixWidth and 0 <= y < matrix.matrixHeight):
        raise Refused(
            404,
            f"x={x}, y={y} is no map tile of zoom {z}: {name} has {matrix.matrixWidth} columns and "
            f"{matrix.matrixHeight} rows there",
        )
    image_format = FORMATS[ending]
    if image_format not in DRIVERS:
        raise Refused(404, f".{ending} cannot be written here; take .png")
    return TileRequest(
        name,
        x,
        y,
        z,
        2 if found["retina"] else 1,
        image_format,
        optional("seed", seed),
        optional("level", level),
    )


def whole(name: str, text: str) -> int:
    """Return an integer of a URL; refuse what is none, or has more than 20 digits."""
    if not _NUMBER.fullmatch(text):
        raise Refused(400, f"{name}={shorten(text)!r} is not an integer of at most 20 digits; write one")
    return int(text)


def optional(name: str, text: str | None) -> int | None:
    """Return an integer that may be left out."""
    return None if text in (None, "") else whole(name, str(text))


def decimal(name: str, text: str | None) -> float:
    """Return a number of a URL; refuse infinities, NaN and what is no number."""
    if text is None or not _DECIMAL.fullmatch(text) or not math.isfinite(float(text)):
        raise Refused(400, f"{name}={shorten(str(text))!r} is not a finite number; write one such as 46.2")
    return float(text)


def degrees(longitude: str | None, latitude: str | None) -> tuple[float, float]:
    """Return a place in degrees, the longitude from -180 up to 180; refuse what is none on the Earth."""
    lon, lat = decimal("lon", longitude), decimal("lat", latitude)
    if not (-540 <= lon <= 540 and -90 <= lat <= 90):
        raise Refused(400, f"lon={lon:g}, lat={lat:g} is not on the Earth; write degrees east and north")
    return (lon + 180) % 360 - 180, lat


def bounds(text: str | None) -> tuple[float, float, float, float]:
    """Return ``west,south,east,north`` of a URL in degrees."""
    parts = (text or "").split(",")
    if len(parts) != 4:
        raise Refused(
            400, f"bounds={shorten(text or '')!r} is not WEST,SOUTH,EAST,NORTH in degrees; write it"
        )
    west, south, east, north = (decimal("bounds", part.strip()) for part in parts)
    return west, south, east, north


def client_name(text: str | None) -> str:
    """Return the name that a client gives itself, or an empty one for what is no name."""
    return text if text and _NAME.fullmatch(text) else ""
