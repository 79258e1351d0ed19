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
from geoinfinite.stores.jobs.sheets import TaskId
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.planning import SHEET_SIDE

FOLDER = "layers"
_DIGEST = 32
_HEAD = 128
"""Bytes of a NumPy file before its values: NumPy pads its header to a multiple of 64."""
_NAME = re.compile(r"(\d+)/(\d+)-(\d+)\.npy")


@dataclass(frozen=True, slots=True)
class SheetFiles:
    """The objects of one stage's sheets, within its store; they are gone when the stage is done.

    An object holds the tiles of a sheet, ``(row, column, channel, y, x)``, as a NumPy file, and ends with a
    sha256 that binds them to the job, the place and how tiles are cut into sheets.
    """

    objects: Objects
    job: str
    level: int
    side: int = SHEET_SIDE
    """Side of a sheet in pixels: sheets that were cut otherwise are not used."""
    part: str = ""
    """Name of the part of a job that they belong to: parts drop sheets that others may still read."""

    @property
    def prefix(self) -> str:
        """The beginning of the names of the stage's sheets."""
        return f"{FOLDER}/{self.part}{'/' if self.part else ''}{self.level}/"

    def name(self, task: TaskId) -> str:
        """Return the name of a sheet's object."""
        return f"{self.prefix}{task[0]}/{task[1]}-{task[2]}.npy"

    def tasks(self) -> Iterator[TaskId]:
        """Yield the sheets that are stored, sound or not."""
        for name in self.objects.names(self.prefix):
            named = _NAME.fullmatch(name.removeprefix(self.prefix))
            if named:
                layer, row, column = map(int, named.groups())
                yield layer, row, column

    def save(self, task: TaskId, tiles: NDArray[Any]) -> None:
        """Keep a sheet; others see it whole or not at all."""
        stream = io.BytesIO()
        np.save(stream, tiles)
        with stream.getbuffer() as saved:
            digest = self._digest(task, saved)
        stream.write(digest)
        self.objects.put(self.name(task), stream.getvalue())

    def load(self, task: TaskId) -> StoredTiles:
        """Open a sheet; only the tiles that are asked for are read."""
        name = self.name(task)
        head = io.BytesIO(self.objects.get_range(name, 0, _HEAD))
        try:
            np.lib.format.read_magic(head)
            shape, _, dtype = np.lib.format.read_array_header_1_0(head)
        except ValueError as error:
            raise StoreError(
                f"{self.objects.url}/{name} is no sheet of tiles ({error}); delete it, and resume the store"
            ) from error
        return StoredTiles(self.objects, name, head.tell(), shape, dtype)

    def holds(self, task: TaskId) -> bool:
        """Say whether a sheet is there and sound, having read all of it."""
        data = self.objects.get(self.name(task))
        return data is not None and data[-_DIGEST:] == self._digest(task, memoryview(data)[:-_DIGEST])

    def drop(self, task: TaskId) -> None:
        """Remove a sheet that nobody reads any more, if it is there."""
        self.objects.delete(self.name(task))

    def clear(self) -> None:
        """Remove every sheet of the stage."""
        for task in list(self.tasks()):
            self.drop(task)

    def _digest(self, task: TaskId, data: memoryview) -> bytes:
        hashed = hashlib.sha256(f"{self.job}/{self.side}/{self.level}/{task}\n".encode())
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
