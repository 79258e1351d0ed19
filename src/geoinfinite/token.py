"""Names for frozen values that are the same in every process, on every machine."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def token(value: Any) -> str:
    """Return the 32-character hexadecimal name of a value made of plain data.

    The value is a nesting of mappings, sequences, strings, integers, floats, booleans and
    ``None``. Equal values have equal tokens whatever the order of their mappings' keys;
    floats are told apart to the last bit.

    >>> token({"seed": 7, "grid": [4, 0.25]}) == token({"grid": (4, 0.25), "seed": 7})
    True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it was found: what tells, without reading it, whether it has changed since."""

    path: Path
    size: int
    changed_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> FileState:
        """Return the state of a file now; raise `OSError` if there is none."""
        stat = path.stat()
        return cls(path, stat.st_size, stat.st_mtime_ns, stat.st_ino)

    def is_current(self) -> bool:
        """Say whether the file is still as it was found."""
        try:
            return FileState.of(self.path) == self
        except OSError:
            return False


_digests: dict[FileState, str] = {}


def file_digest(path: Path) -> str:
    """Return the sha256 of a file's bytes, read once per process while the file stands unchanged."""
    state = FileState.of(path.resolve())
    if state not in _digests:
        with path.open("rb") as stream:
            _digests[state] = hashlib.file_digest(stream, "sha256").hexdigest()
    return _digests[state]
