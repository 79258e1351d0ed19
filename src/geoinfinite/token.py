"""Names for frozen values that are the same in every process, on every machine."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

FileState = tuple[int, int, int]
"""Size in bytes, time of the last change in ns, and inode: another one, another content."""


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


def file_state(path: Path) -> FileState:
    """Return what tells a changed or replaced file from the one that stood there; raises ``OSError``."""
    stat = os.stat(path)
    return stat.st_size, stat.st_mtime_ns, stat.st_ino


_digests: dict[tuple[str, FileState], str] = {}


def file_digest(path: Path, known: MutableMapping[tuple[str, FileState], str] = _digests) -> str:
    """Return the sha256 of a file's bytes; ``known`` keeps it while the file stands unchanged."""
    key = (str(path.resolve()), file_state(path))
    if key not in known:
        with path.open("rb") as stream:
            known[key] = hashlib.file_digest(stream, "sha256").hexdigest()
    return known[key]
