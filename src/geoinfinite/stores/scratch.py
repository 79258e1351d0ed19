"""The sheets of tiles that a job keeps on disk between one layer and the next."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.stores.ledger import write_whole
from geoinfinite.stores.planning import SHEET_SIDE
from geoinfinite.stores.sheets import TaskId

FOLDER = "layers"
_DIGEST = 32
_NAME = re.compile(r"(\d+)/(\d+)-(\d+)\.npy")


@dataclass(frozen=True, slots=True)
class Scratch:
    """The folder of one stage's sheets, within its store; it is gone when the stage is done.

    A sheet's file holds its tiles ``(row, column, channel, y, x)`` and ends with a sha256 that binds them to
    the job, the place and how tiles are cut into sheets.
    """

    store: Path
    job: str
    level: int

    @property
    def folder(self) -> Path:
        """Where the sheets are."""
        return self.store / FOLDER / str(self.level)

    def _file(self, place: TaskId) -> Path:
        return self.folder / str(place[0]) / f"{place[1]}-{place[2]}.npy"

    def places(self) -> Iterator[TaskId]:
        """Yield the sheets that are on disk, sound or not."""
        for file in self.folder.glob("*/*.npy"):
            named = _NAME.fullmatch(f"{file.parent.name}/{file.name}")
            if named:
                layer, row, column = map(int, named.groups())
                yield layer, row, column

    def save(self, place: TaskId, tiles: NDArray[Any]) -> None:
        """Keep a sheet; others see it whole or not at all."""
        stream = io.BytesIO()
        np.save(stream, tiles)
        with stream.getbuffer() as saved:
            digest = self._digest(place, saved)
        stream.write(digest)
        write_whole(self._file(place), stream.getvalue())

    def load(self, place: TaskId) -> NDArray[Any]:
        """Open a sheet; only what is read of it comes into memory."""
        loaded: NDArray[Any] = np.load(self._file(place), mmap_mode="r")
        return loaded

    def holds(self, place: TaskId) -> bool:
        """Say whether a sheet is there and sound, having read all of it."""
        try:
            data = self._file(place).read_bytes()
        except FileNotFoundError:
            return False
        return data[-_DIGEST:] == self._digest(place, memoryview(data)[:-_DIGEST])

    def drop(self, place: TaskId) -> None:
        """Remove a sheet that nobody reads any more, if it is there."""
        self._file(place).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove the folder; and the one above it, if this was the last stage's."""
        shutil.rmtree(self.folder, ignore_errors=True)
        above = self.store / FOLDER
        if above.is_dir() and not any(above.iterdir()):
            above.rmdir()

    def _digest(self, place: TaskId, data: memoryview) -> bytes:
        hashed = hashlib.sha256(f"{self.job}/{SHEET_SIDE}/{self.level}/{place}\n".encode())
        hashed.update(data)
        return hashed.digest()
