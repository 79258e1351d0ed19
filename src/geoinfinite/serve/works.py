"""The kinds of work that requests ask for: map tiles, single pixels, pieces of a download."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from geoinfinite.errors import BudgetError
from geoinfinite.plane.window import Window
from geoinfinite.serve.asking import SIZE, TileRequest
from geoinfinite.serve.limits import Limits
from geoinfinite.serve.metrics import Metrics
from geoinfinite.serve.subject import Shown
from geoinfinite.serve.waiting import Client, Work
from geoinfinite.stores.files.content import packet_titled
from geoinfinite.stores.files.png import with_xmp
from geoinfinite.views.map_reading import MapReading, ReadWindow
from geoinfinite.views.map_tiles import evaluations_of, finish, locate


@dataclass(slots=True, eq=False)
class _MapTile:
    """A map tile from its address to the bytes of its file, in two steps on the thread that draws it."""

    shown: Shown
    asked: TileRequest
    limits: Limits
    metrics: Metrics
    reading: MapReading | None = field(default=None)

    def locate(self) -> tuple[int, Window]:
        """Return the level and the window; raise `BudgetError` for a window that takes too long."""
        reading = locate(self.shown.pyramid, self.asked.canvas, level=self.asked.level)
        evaluations = evaluations_of(self.shown.pyramid.arrays[reading.key], reading.window)
        if evaluations > self.limits.evaluations:
            raise BudgetError(
                f"map tile {self.asked.z}/{self.asked.x}/{self.asked.y} would take {evaluations:,} network "
                f"evaluations, more than {self.limits.evaluations:,}: zoom in"
            )
        self.reading = reading
        return reading.key, reading.window

    def encode(self, read: ReadWindow) -> bytes:
        """Return the file."""
        assert self.reading is not None
        picture = finish(self.shown.pyramid, self.reading, read)
        self.metrics.add("map_tiles_drawn_total")
        self.metrics.add("evaluations_total", picture.evaluations)
        said = picture.encode(self.asked.image_format)
        return with_xmp(said, packet_titled(self._title())) if self.asked.image_format == "png" else said

    def _title(self) -> str:
        asked = self.asked
        return f"{self.shown.name}, seed {self.shown.seed}, {asked.tms} {asked.z}/{asked.x}/{asked.y}"


def map_tile(shown: Shown, asked: TileRequest, client: Client, limits: Limits, metrics: Metrics) -> Work:
    """Return the work of a map tile, whose result is the bytes of its file."""
    tile = _MapTile(shown, asked, limits, metrics)
    return Work((shown.version, asked.key), shown, tile.locate, tile.encode, client)


def pixels(shown: Shown, level: int, window: Window, client: Client) -> Work:
    """Return the work of a window, whose result is its pixels ``(band, y, x)``.

    It takes its share of a batch by its size, beside that of a map tile.
    """

    def located() -> tuple[int, Window]:
        return level, window

    def whole(read: ReadWindow) -> NDArray[Any]:
        return read(window)

    share = -(-window.size // SIZE**2)
    return Work((shown.version, level, window), shown, located, whole, client, share)
