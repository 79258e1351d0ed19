"""A window as an MBTiles archive: map tiles in one SQLite file."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from geoinfinite.progress import Progress
from geoinfinite.stores.files.assembling import Target, assembled
from geoinfinite.stores.files.map_archive import MapArchive, MapTiles
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.planning import Plan

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA application_id = 0x4d504258;
CREATE TABLE metadata (name TEXT, value TEXT);
CREATE TABLE tiles (zoom_level INTEGER, tile_column INTEGER, tile_row INTEGER, tile_data BLOB);
CREATE UNIQUE INDEX tile_index ON tiles (zoom_level, tile_column, tile_row);
"""
_FORMATS = {"png": "png", "jpeg": "jpg", "webp": "webp"}
"""Formats by the names that MBTiles has for them."""


def write_mbtiles(
    plan: Plan,
    path: str | Path,
    *,
    tiles: MapTiles | None = None,
    overwrite: bool = False,
    store: str | Path | Objects | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a plan's window as web map tiles in one MBTiles file (version 1.3); see `write_pmtiles`."""
    archive = MapArchive.of(plan, tiles or MapTiles())
    target = Target.of(path, overwrite=overwrite)
    with (
        assembled(plan, target, store=store, progress=progress) as assembly,
        assembly.published(target) as unfinished,
        contextlib.closing(sqlite3.connect(unfinished)) as database,
    ):
        database.executescript(_SCHEMA)
        with database:
            database.executemany("INSERT INTO metadata VALUES (?, ?)", _metadata(archive).items())
            database.executemany("INSERT INTO tiles VALUES (?, ?, ?, ?)", _rows(archive, assembly.objects))
    return target.path


def _rows(archive: MapArchive, objects: Objects) -> Iterator[tuple[int, int, int, bytes]]:
    for tile, data in archive.drawn(objects):
        # Rows are counted from the south.
        yield tile.zoom, tile.x, 2**tile.zoom - 1 - tile.y, data


def _metadata(archive: MapArchive) -> dict[str, str]:
    longitude, latitude = archive.centre
    return {
        **archive.about(),
        "format": _FORMATS[archive.tiles.image_format],
        "bounds": ",".join(f"{edge:.9g}" for edge in archive.flat_bounds),
        "center": f"{longitude:.9g},{latitude:.9g},{archive.min_zoom}",
        "minzoom": str(archive.min_zoom),
        "maxzoom": str(archive.max_zoom),
    }
