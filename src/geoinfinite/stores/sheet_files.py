"""The sheets of tiles that a job keeps in its store between one layer and the next."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.errors import StoreError
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.planning import SHEET_SIDE
from geoinfinite.stores.sheets import Place

FOLDER = "layers"
_DIGEST = 32
_HEAD = 128
"""Bytes of a NumPy file before its values: NumPy pads its header to a multiple of 64."""
_NAME = re.compile(r"layers/(\d+)/(\d+)/(\d+)-(\d+)\.npy")


@dataclass(frozen=True, slots=True)
class SheetFiles:
    """The objects of one stage's sheets, within its store; they are gone when the stage is done.

    An object holds the tiles of a sheet, ``(row, column, channel, y, x)``, as a NumPy file, and ends with a
    sha256 that binds them to the job, the place and how tiles are cut into sheets.
    """

    objects: Objects
    job: str
    level: int

    @property
    def prefix(self) -> str:
        """The beginning of the names of the stage's sheets."""
        return f"{FOLDER}/{self.level}/"

    def name(self, place: Place) -> str:
        """Return the name of a sheet's object."""
        return f"{self.prefix}{place[0]}/{place[1]}-{place[2]}.npy"

    def places(self) -> Iterator[Place]:
        """Yield the sheets that are stored, sound or not."""
        for name in self.objects.names(self.prefix):
            named = _NAME.fullmatch(name)
            if named:
                _, layer, row, column = map(int, named.groups())
                yield layer, row, column

    def save(self, place: Place, tiles: NDArray[Any]) -> None:
        """Keep a sheet; others see it whole or not at all."""
        stream = io.BytesIO()
        np.save(stream, tiles)
        with stream.getbuffer() as saved:
            digest = self._digest(place, saved)
        stream.write(digest)
        self.objects.put(self.name(place), stream.getvalue())

    def load(self, place: Place) -> StoredTiles:
        """Open a sheet; only the tiles that are asked for are read."""
        name = self.name(place)
        head = io.BytesIO(self.objects.get_range(name, 0, _HEAD))
        try:
            np.lib.format.read_magic(head)
            shape, _, dtype = np.lib.format.read_array_header_1_0(head)
        except ValueError as error:
            raise StoreError(
                f"{self.objects.url}/{name} is no sheet of tiles ({error}); delete it, and resume the store"
            ) from error
        return StoredTiles(self.objects, name, head.tell(), shape, dtype)

    def holds(self, place: Place) -> bool:
        """Say whether a sheet is there and sound, having read all of it."""
        data = self.objects.get(self.name(place))
        return data is not None and data[-_DIGEST:] == self._digest(place, memoryview(data)[:-_DIGEST])

    def drop(self, place: Place) -> None:
        """Remove a sheet that nobody reads any more, if it is there."""
        self.objects.delete(self.name(place))

    def clear(self) -> None:
        """Remove every sheet of the stage."""
        for place in list(self.places()):
            self.drop(place)

    def _digest(self, place: Place, data: memoryview) -> bytes:
        hashed = hashlib.sha256(f"{self.job}/{SHEET_SIDE}/{self.level}/{place}\n".encode())
        hashed.update(data)
        return hashed.digest()


@dataclass(frozen=True, slots=True)
class StoredTiles:
    """The tiles of a stored sheet, ``(row, column, channel, y, x)``, each read when it is asked for."""

    objects: Objects
    name: str
    start: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, index: tuple[int, int]) -> NDArray[Any]:
        """Return the tile ``(channel, y, x)`` of a row and a column."""
        tile = self.shape[2:]
        length = int(np.prod(tile)) * self.dtype.itemsize
        start = self.start + (index[0] * self.shape[1] + index[1]) * length
        return np.frombuffer(self.objects.get_range(self.name, start, length), self.dtype).reshape(tile)
