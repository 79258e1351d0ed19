"""What a server has done, counted, in the text format of Prometheus."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from geoinfinite.tiling import MemoryTileCache
from geoinfinite.tiling.tile_cache import Array, DrawTiles

NAMES: Mapping[str, tuple[str, str]] = {
    "requests_total": ("counter", "Requests, by route and status."),
    "map_tiles_drawn_total": ("counter", "Map tiles that were rendered."),
    "map_tiles_cached_total": ("counter", "Map tiles that were found on disk."),
    "not_modified_total": ("counter", "Requests for what the client has already."),
    "tiles_drawn_total": ("counter", "Tiles that a network drew."),
    "tiles_cached_total": ("counter", "Tiles that were found in memory."),
    "evaluations_total": (
        "counter",
        "Network evaluations that were counted before drawing, cached ones too.",
    ),
    "given_up_total": ("counter", "Pieces of work that nobody waited for any more."),
    "refused_total": ("counter", "Requests that were refused because too much work waits."),
    "drawing_seconds_total": ("counter", "Seconds that threads spent on work."),
    "waiting": ("gauge", "Pieces of work that wait."),
    "drawing": ("gauge", "Pieces of work that are being done."),
}


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        self._values: defaultdict[tuple[str, str], float] = defaultdict(float)
        self._lock = threading.Lock()

    def add(self, name: str, amount: float = 1, **labels: object) -> None:
        """Count something; labels tell what is counted apart."""
        said = ",".join(f'{key}="{value}"' for key, value in labels.items())
        with self._lock:
            self._values[name, said] += amount

    def value(self, name: str) -> float:
        """Return a count, over all labels."""
        with self._lock:
            return sum(amount for (found, _), amount in self._values.items() if found == name)

    def text(self, gauges: Mapping[str, float]) -> str:
        """Return all counts, and some values of the moment.

        >>> metrics = Metrics()
        >>> metrics.add("requests_total", route="tile", status=200)
        >>> [line for line in metrics.text({"waiting": 3}).splitlines() if line[0] != "#"][:2]
        ['geoinfinite_requests_total{route="tile",status="200"} 1', 'geoinfinite_map_tiles_drawn_total 0']
        """
        with self._lock:
            values = dict(self._values)
        lines = []
        for name, (kind, told) in NAMES.items():
            lines += [f"# HELP geoinfinite_{name} {told}", f"# TYPE geoinfinite_{name} {kind}"]
            found = {said: amount for (of, said), amount in values.items() if of == name}
            for said, amount in found.items() or {"": gauges.get(name, 0)}.items():
                labels = f"{{{said}}}" if said else ""
                lines.append(f"geoinfinite_{name}{labels} {amount:.12g}")
        return "\n".join(lines) + "\n"


class CountedTiles(MemoryTileCache):
    """Tiles in memory, of which those that are drawn and those that are found are counted."""

    def __init__(self, max_bytes: int, metrics: Metrics) -> None:
        super().__init__(max_bytes)
        self._metrics = metrics

    def get(self, key: Hashable) -> Array | None:
        """Return a tile, or ``None`` if it is not held."""
        tile = super().get(key)
        if tile is not None:
            self._metrics.add("tiles_cached_total")
        return tile

    def obtain(self, keys: Iterable[Hashable], draw: DrawTiles) -> dict[Hashable, Array]:
        """Return the tiles of all keys, drawing those that are neither held nor drawn by another thread."""

        def counted(wanted: list[Any]) -> dict[Any, Array]:
            self._metrics.add("tiles_drawn_total", len(wanted))
            return draw(wanted)

        return super().obtain(keys, counted)
