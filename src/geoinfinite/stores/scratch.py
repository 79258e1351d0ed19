"""The blocks of tiles that a job keeps on disk between one layer and the next."""

from __future__ import annotations

import hashlib
import io
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.stores.blocks import Place
from geoinfinite.stores.ledger import write_whole

FOLDER = "layers"
_DIGEST = 32


@dataclass(frozen=True, slots=True)
class Scratch:
    """The folder of one stage's blocks, within its store; it is gone when the stage is done.

    A block's file holds its tiles ``(row, column, channel, y, x)`` and ends with a sha256 that binds them to
    the job and the place. A block that nobody reads any more leaves an empty mark behind.
    """

    store: Path
    job: str
    level: int

    @property
    def folder(self) -> Path:
        """Where the blocks are."""
        return self.store / FOLDER / str(self.level)

    def _file(self, place: Place) -> Path:
        return self.folder / str(place[0]) / f"{place[1]}-{place[2]}.npy"

    def _mark(self, place: Place) -> Path:
        return self._file(place).with_suffix(".dropped")

    def save(self, place: Place, tiles: NDArray[Any]) -> None:
        """Keep a block; others see it whole or not at all."""
        stream = io.BytesIO()
        np.save(stream, tiles)
        write_whole(self._file(place), stream.getvalue() + self._digest(place, stream.getvalue()))

    def load(self, place: Place) -> NDArray[Any]:
        """Open a block; only what is read of it comes into memory."""
        loaded: NDArray[Any] = np.load(self._file(place), mmap_mode="r")
        return loaded

    def holds(self, place: Place) -> bool:
        """Say whether a block is there and sound, having read all of it."""
        try:
            data = self._file(place).read_bytes()
        except FileNotFoundError:
            return False
        return data[-_DIGEST:] == self._digest(place, data[:-_DIGEST])

    def dropped(self, place: Place) -> bool:
        """Say whether a block was drawn, read by all its readers and dropped."""
        return self._mark(place).exists()

    def drop(self, place: Place) -> None:
        """Remove a block that nobody reads any more."""
        write_whole(self._mark(place), b"")
        self._file(place).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove the folder; and the one above it, if this was the last stage's."""
        shutil.rmtree(self.folder, ignore_errors=True)
        above = self.store / FOLDER
        if above.is_dir() and not any(above.iterdir()):
            above.rmdir()

    def _digest(self, place: Place, data: bytes) -> bytes:
        return hashlib.sha256(f"{self.job}/{self.level}/{place}\n".encode() + data).digest()
