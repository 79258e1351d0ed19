"""Rasters that come with the package, by name."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

SCHEME = "bundled"


def is_bundled(source: str) -> bool:
    """Return whether a source names a raster of the package: ``bundled:NAME``.

    >>> is_bundled("bundled:water"), is_bundled("water.tif")
    (True, False)
    """
    return source.partition(":")[0] == SCHEME


def raster_path(source: str) -> Path:
    """Return where a raster is, whatever the folder in which the process runs later."""
    if is_bundled(source):
        return Path(str(files("geoinfinite") / "data" / f"{source.partition(':')[2]}.tif"))
    return Path(os.path.abspath(os.path.expanduser(source)))
