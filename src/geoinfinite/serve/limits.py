"""What a server does at most: every queue, cache and request has a bound."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a server; a request beyond them is refused in one line."""

    workers: int = 2
    """Threads that draw."""
    batch: int = 4
    """Map tiles that one thread draws together."""
    waiting: int = 512
    """Pieces of work that wait."""
    waiting_each: int = 64
    """Pieces of work of one client that wait."""
    connections: int = 512
    """Connections at once."""
    zoom: int = 24
    """The largest zoom."""
    evaluations: int = 4_000
    """Network evaluations that one map tile may take."""
    download_px: int = 2**24
    """Pixels of a view that is downloaded."""
    seeds: int = 16
    """Seeds whose worlds are held at once."""
    tile_bytes: int = 256 * 2**20
    """Memory for tiles that map tiles share."""
    cache_bytes: int = 2**30
    """Disk for map tiles that were drawn."""
    stretch: float = 2.0
    """Pixels of a map that one of a level may cover along a side before a finer level is drawn.

    With levels four times finer than their parents, 2 takes the level whose pixels are nearest in size. Less
    is sharper, and takes up to sixteen times the evaluations.
    """
