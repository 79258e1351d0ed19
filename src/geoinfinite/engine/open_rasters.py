"""Raster files that stay open between reads, each lent to one thread at a time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any


class OpenRasters:
    """A thread-safe pool of open datasets; at most ``limit`` stay open while nobody uses them.

    A dataset belongs to one thread while it is lent: GDAL's handles are not thread-safe. Datasets do not
    survive a fork: two processes would share one position in the file.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        # Appending to a deque and taking from it are atomic: there is no lock that a fork could copy held.
        self._idle: deque[tuple[Hashable, Any]] = deque()
        self._process = os.getpid()

    @contextmanager
    def lend(self, key: Hashable, open_dataset: Callable[[], Any]) -> Iterator[Any]:
        """Lend a dataset of a key, which names a file in one state; ``open_dataset`` opens another one."""
        dataset = self._take(key)
        if dataset is None:
            dataset = open_dataset()
        try:
            yield dataset
        except BaseException:
            dataset.close()
            raise
        self._idle.append((key, dataset))
        while len(self._idle) > self.limit:
            self._idle.popleft()[1].close()

    def _take(self, key: Hashable) -> Any:
        if self._process != os.getpid():
            self._idle.clear()
            self._process = os.getpid()
        for entry in reversed(tuple(self._idle)):
            if entry[0] == key:
                try:
                    self._idle.remove(entry)
                except (ValueError, IndexError):
                    # Another thread has taken it, or changed the deque while this one compared keys.
                    continue
                return entry[1]
        return None

    def clear(self) -> None:
        """Close every dataset that nobody uses."""
        while self._idle:
            self._idle.pop()[1].close()
