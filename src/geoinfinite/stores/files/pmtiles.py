"""A window as a PMTiles archive: map tiles in one file that a web server hands out in parts."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from geoinfinite.progress import Progress
from geoinfinite.stores.files.assembling import Target, assembled
from geoinfinite.stores.files.map_archive import MapArchive, MapTiles
from geoinfinite.stores.files.web_tiles import WebTile
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.planning import Plan

_HEADER_BYTES = 127
_ROOT_BYTES = 16384 - _HEADER_BYTES
"""What the root directory may take: readers fetch the first 16 KiB at once."""
_LEAF_ENTRIES = 4096
_REMEMBERED = 2**16
"""Map tiles whose content is remembered, to store it once: water is the same in many."""
_GZIP, _UNCOMPRESSED = 2, 1
_TYPES = {"png": 2, "jpeg": 3, "webp": 4}


def write_pmtiles(
    plan: Plan,
    path: str | Path,
    *,
    tiles: MapTiles | None = None,
    overwrite: bool = False,
    store: str | Path | Objects | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a plan's window as web map tiles in one PMTiles file (version 3).

    Every zoom is made from the level whose pixels fit it; map tiles beside the window are absent. The same
    plan and settings give the same bytes, in memory that does not grow with their pixels. A killed run leaves
    no half file; the same call makes the map tiles again, from the pixels that were drawn. ``overwrite`` and
    ``store`` are as in `write_cog`.

    Raises `StoreError` if ``path`` exists, unless ``overwrite``, or if the window lies beyond the latitudes
    of web maps, and `BudgetError` for zooms of too many map tiles.
    """
    archive = MapArchive.of(plan, tiles or MapTiles())
    target = Target.of(path, overwrite=overwrite)
    with (
        assembled(plan, target, store=store, progress=progress) as assembly,
        assembly.published(target) as unfinished,
        assembly.scratch() as contents,
    ):
        directory = Directory()
        with contents.open("wb") as stream:
            for tile, data in archive.drawn(assembly.objects):
                directory.add(tile, data, stream)
        with unfinished.open("wb") as stream, contents.open("rb") as source:
            _write_front(stream, archive, directory)
            shutil.copyfileobj(source, stream, 2**20)
    return target.path


@dataclass(slots=True)
class Directory:
    """Where the content of every map tile lies; equal neighbours share an entry, equal others the content."""

    ids: array[int] = field(default_factory=lambda: array("Q"))
    offsets: array[int] = field(default_factory=lambda: array("Q"))
    lengths: array[int] = field(default_factory=lambda: array("Q"))
    runs: array[int] = field(default_factory=lambda: array("Q"))
    known: dict[bytes, int] = field(default_factory=dict)
    """Offsets of contents by their digest."""
    size: int = 0
    """Bytes of all contents."""
    contents: int = 0
    """Number of contents."""

    def add(self, tile: WebTile, data: bytes, stream: BinaryIO) -> None:
        """Append a map tile, later along the curve than those before; write its content if it is new."""
        digest, number = hashlib.sha256(data).digest(), tile_id(tile)
        offset = self.known.get(digest)
        if offset is None:
            offset = self.size
            stream.write(data)
            self.size += len(data)
            self.contents += 1
            if len(self.known) < _REMEMBERED:
                self.known[digest] = offset
        elif self.offsets[-1] == offset and number == self.ids[-1] + self.runs[-1]:
            self.runs[-1] += 1
            return
        for column, value in zip(
            (self.ids, self.offsets, self.lengths, self.runs), (number, offset, len(data), 1), strict=True
        ):
            column.append(value)

    def serialized(self) -> tuple[bytes, bytes]:
        """Return the root directory and the leaves that it leads to; of a small archive there are none."""
        if len(self.ids) <= _LEAF_ENTRIES:
            root = _packed(self.ids, self.offsets, self.lengths, self.runs)
            if len(root) <= _ROOT_BYTES:
                return root, b""
        entries = _LEAF_ENTRIES
        while True:
            leaves, starts, places, lengths = bytearray(), [], [], []
            for first in range(0, len(self.ids), entries):
                part = slice(first, first + entries)
                leaf = _packed(self.ids[part], self.offsets[part], self.lengths[part], self.runs[part])
                starts.append(self.ids[first])
                places.append(len(leaves))
                lengths.append(len(leaf))
                leaves += leaf
            root = _packed(starts, places, lengths, [0] * len(starts))
            if len(root) <= _ROOT_BYTES:
                return root, bytes(leaves)
            entries *= 2


def tile_id(tile: WebTile) -> int:
    """Return the number of a map tile: all coarser zooms come first, its zoom along the curve.

    >>> tile_id(WebTile(0, 0, 0)), tile_id(WebTile(1, 1, 0)), tile_id(WebTile(2, 0, 0))
    (0, 4, 5)
    """
    coarser: int = (4**tile.zoom - 1) // 3
    return coarser + tile.curve_position


def _packed(ids: Sequence[int], offsets: Sequence[int], lengths: Sequence[int], runs: Sequence[int]) -> bytes:
    """Return entries as a compressed directory, column by column."""
    numbers = [len(ids), *(number - before for before, number in zip((0, *ids), ids, strict=False))]
    numbers += [*runs, *lengths]
    for i, offset in enumerate(offsets):
        follows = i > 0 and offset == offsets[i - 1] + lengths[i - 1]
        numbers.append(0 if follows else offset + 1)
    return gzip.compress(b"".join(map(_varint, numbers)), mtime=0)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _write_front(stream: BinaryIO, archive: MapArchive, directory: Directory) -> None:
    """Write all that comes before the contents."""
    root, leaves = directory.serialized()
    about = gzip.compress(json.dumps(archive.about(), ensure_ascii=False).encode(), mtime=0)
    sections, places = (root, about, leaves), []
    start = _HEADER_BYTES
    for length in (len(root), len(about), len(leaves), directory.size):
        places += [start, length]
        start += length
    addressed = sum(directory.runs)
    west, south, east, north = (round(edge * 1e7) for edge in archive.flat_bounds)
    longitude, latitude = (round(v * 1e7) for v in archive.centre)
    stream.write(b"PMTiles\x03")
    stream.write(struct.pack("<11Q", *places, addressed, len(directory.ids), directory.contents))
    kind = _TYPES[archive.tiles.image_format]
    zooms = archive.min_zoom, archive.max_zoom
    stream.write(struct.pack("<6B", 1, _GZIP, _UNCOMPRESSED, kind, *zooms))
    stream.write(struct.pack("<4iB2i", west, south, east, north, archive.min_zoom, longitude, latitude))
    for section in sections:
        stream.write(section)
