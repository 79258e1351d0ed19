"""Rasters without a place are opened without rasterio's warning, in any thread."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from rasterio.errors import NotGeoreferencedWarning

# Filters of warnings belong to the process: two threads that change and restore them undo each other's.
_filters = threading.RLock()
if hasattr(os, "register_at_fork"):
    # A child must not inherit the lock from a thread that it does not have.
    os.register_at_fork(
        before=_filters.acquire, after_in_parent=_filters.release, after_in_child=_filters.release
    )


@contextmanager
def placeless() -> Iterator[None]:
    """Ignore rasterio's `NotGeoreferencedWarning` within a block, one thread at a time.

    Images in memory and overviews have no place of their own; of a file without one our errors tell.
    """
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield
