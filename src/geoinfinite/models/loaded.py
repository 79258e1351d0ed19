"""One loaded copy of every model per process, lent to one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from geoinfinite.diffusion.model import TileModel
from geoinfinite.models.reference import ModelReference

_loaded: dict[tuple[str, str], TileModel] = {}
_locks: dict[str, threading.RLock] = {}
_guard = threading.Lock()


@contextmanager
def borrow(reference: ModelReference, device: str) -> Iterator[TileModel]:
    """Lend a model, loading it on first use; other threads that want the device wait.

    A device gains nothing from two networks at once, and other threads go on blending and
    compressing meanwhile. The lock is re-entrant.
    """
    with _guard:
        lock = _locks.setdefault(device, threading.RLock())
    with lock:
        key = (reference.digest(), device)
        if key not in _loaded:
            _loaded[key] = reference.load(device)
        yield _loaded[key]
