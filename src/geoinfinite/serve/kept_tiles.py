"""Encoded map tiles on disk, bounded in size, which several servers may share."""

from __future__ import annotations

import hashlib
import os
import threading
import uuid
from contextlib import suppress
from pathlib import Path

_DIGEST = 32
"""Bytes of the digest that a file begins with."""
_AFTER_EVICTION = 0.8
"""Part of the limit that is left when the oldest files have gone."""
_RECOUNT = 256
"""Files written by this server after which those of others are counted too."""


class KeptTiles:
    """Files of a folder of its own, by key, up to a number of bytes; the longest unused go first.

    A file appears whole or not at all, and begins with the digest of what follows: one that was damaged
    counts as not there. What cannot be written is not kept, and nothing else happens.

    >>> import tempfile
    >>> kept = KeptTiles(Path(tempfile.mkdtemp()), max_bytes=1000)
    >>> kept.put("a", b"pixels")
    >>> kept.get("a"), kept.get("b")
    (b'pixels', None)
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder, self.max_bytes = folder, max_bytes
        self._lock = threading.Lock()
        self._written, self._bytes = 0, self._count()

    def get(self, key: str) -> bytes | None:
        """Return what is kept under a key, or ``None``."""
        file = self._file(key)
        try:
            data = file.read_bytes()
            os.utime(file)
        except OSError:
            return None
        digest, content = data[:_DIGEST], data[_DIGEST:]
        return content if hashlib.sha256(content).digest() == digest else None

    def put(self, key: str, content: bytes) -> None:
        """Keep something, and let go of what was unused for longest."""
        file = self._file(key)
        unfinished = file.with_name(f"{file.name}.{uuid.uuid4().hex}.partial")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(hashlib.sha256(content).digest() + content)
            unfinished.replace(file)
        except OSError:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            return
        with self._lock:
            self._bytes += _DIGEST + len(content)
            self._written += 1
            if self._written % _RECOUNT == 0:
                self._bytes = self._count()
            if self._bytes > self.max_bytes:
                self._make_room()

    def _file(self, key: str) -> Path:
        name = hashlib.sha256(key.encode()).hexdigest()
        return self.folder / name[:2] / name[2:]

    def _held(self) -> list[tuple[int, int, Path]]:
        """Return when each file was last used, its size, and where it is."""
        held = []
        for file in self.folder.glob("??/*"):
            with suppress(OSError):
                stat = file.stat()
                held.append((stat.st_mtime_ns, stat.st_size, file))
        return held

    def _count(self) -> int:
        return sum(size for _, size, _ in self._held())

    def _make_room(self) -> None:
        held = sorted(self._held())
        self._bytes = sum(size for _, size, _ in held)
        for _, size, file in held:
            if self._bytes <= self.max_bytes * _AFTER_EVICTION:
                return
            # Another server may have been faster.
            with suppress(OSError):
                file.unlink(missing_ok=True)
            self._bytes -= size
