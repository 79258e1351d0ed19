"""Loaded models of a process: one copy of each, up to a number of bytes, and one network call at a time."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from weakref import WeakSet

from geoinfinite.diffusion.model import TileModel

ModelKey = tuple[str, str]
"""``(digest, device)`` of a loaded model."""


@dataclass
class _Entry:
    """One model, the threads that use it, and the lock under which it is loaded."""

    loading: threading.Lock = field(default_factory=threading.Lock)
    model: TileModel | None = None
    users: int = 0


class LoadedModels:
    """A thread-safe set of loaded models; those that were used longest ago are unloaded beyond ``max_bytes``.

    A model that is in use is never unloaded. Loading one model does not hold up those who use another.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._entries: OrderedDict[ModelKey, _Entry] = OrderedDict()
        self._guard = threading.Lock()
        self._device_locks: dict[str, threading.Lock] = {}
        _INSTANCES.add(self)

    @contextmanager
    def lend(self, key: ModelKey, load: Callable[[], TileModel]) -> Iterator[TileModel]:
        """Lend the model of a key; ``load`` makes it where it is not loaded yet."""
        with self._guard:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            entry.users += 1
        try:
            with entry.loading:
                if entry.model is None:
                    entry.model = load()
                    self._unload_down_to(self.max_bytes)
                model = entry.model
            yield model
        finally:
            with self._guard:
                entry.users -= 1

    def device_lock(self, device: str) -> threading.Lock:
        """Return the lock that a network call on a device holds: a device gains nothing from two at once."""
        with self._guard:
            return self._device_locks.setdefault(device, threading.Lock())

    @property
    def bytes(self) -> int:
        """Memory of the loaded models."""
        with self._guard:
            return sum(_bytes_of(entry.model) for entry in self._entries.values())

    def clear(self) -> None:
        """Unload every model that is not in use."""
        self._unload_down_to(-1)

    def _unload_down_to(self, limit: int) -> None:
        with self._guard:
            held = sum(_bytes_of(entry.model) for entry in self._entries.values())
            for key in [key for key, entry in self._entries.items() if entry.users == 0]:
                if held <= limit:
                    return
                held -= _bytes_of(self._entries.pop(key).model)

    def _forget_locks(self) -> None:
        """Begin anew in a forked child, where the threads that held the locks do not exist."""
        self._guard = threading.Lock()
        self._device_locks = {}
        self._entries = OrderedDict((k, _Entry(model=e.model)) for k, e in self._entries.items() if e.model)


_INSTANCES: WeakSet[LoadedModels] = WeakSet()


def _forget_locks() -> None:
    for instance in list(_INSTANCES):
        instance._forget_locks()


os.register_at_fork(after_in_child=_forget_locks)


def _bytes_of(model: TileModel | None) -> int:
    return 0 if model is None else int(getattr(model, "nbytes", 0))
