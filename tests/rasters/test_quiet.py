"""Warnings that say nothing are ignored in every thread, and only those."""

from __future__ import annotations

import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from rasterio.errors import NotGeoreferencedWarning

from geoinfinite.rasters.quiet import placeless


def warned(turn: int) -> int:
    """Warn within the block while other threads enter and leave theirs."""
    with placeless():
        time.sleep(0)
        warnings.warn("no place", NotGeoreferencedWarning, stacklevel=1)
    return turn


def test_threads_do_not_undo_one_another_s_filters() -> None:
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(warned, range(400))) == list(range(400))
    assert warnings.filters == before


def test_other_warnings_are_heard() -> None:
    with pytest.warns(UserWarning, match="something else"), placeless():
        warnings.warn("something else", UserWarning, stacklevel=1)
