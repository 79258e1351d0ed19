"""Rasters without a place are opened without rasterio's warning, in any thread."""

from __future__ import annotations

from contextlib import AbstractContextManager

from rasterio.errors import NotGeoreferencedWarning

from geoinfinite.ignored_warnings import ignored


def placeless() -> AbstractContextManager[None]:
    """Ignore rasterio's `NotGeoreferencedWarning` within a block, one thread at a time.

    Images in memory and overviews have no place of their own; of a file without one our errors tell.
    """
    return ignored(NotGeoreferencedWarning)
