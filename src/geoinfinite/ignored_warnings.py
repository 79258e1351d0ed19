"""Warnings of other libraries ignored within a block, in any thread."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# Filters of warnings belong to the process: two threads that change and restore them undo each other.
_filters = threading.RLock()
if hasattr(os, "register_at_fork"):
    # A child must not inherit the lock from a thread that it does not have.
    os.register_at_fork(
        before=_filters.acquire, after_in_parent=_filters.release, after_in_child=_filters.release
    )


@contextmanager
def ignored(category: type[Warning], message: str = "") -> Iterator[None]:
    """Ignore a category of warnings, those that begin with `message`, within a block, one thread at a time.

    >>> with ignored(FutureWarning):
    ...     warnings.warn("not shown", FutureWarning)
    """
    with _filters, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message, category)
        yield
