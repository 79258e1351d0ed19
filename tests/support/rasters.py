"""Raster files of every kind that people have, and the commands that messages advise, run."""

from __future__ import annotations

import re
import shlex
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from click.testing import CliRunner
from rasterio.errors import NotGeoreferencedWarning
from rasterio.rio.main import main_group

HOLE = np.s_[4:6, 3:7]
"""Rows and columns of the pixels that are masked in files that have masked ones."""
NORTH_UP = Affine(30.0, 0, 412_300.0, 0, -30.0, 5_207_700.0)


def values(bands: int = 3, dtype: str = "uint8") -> np.ndarray:
    """Return ``(band, 12, 24)`` values of 1 to 250 that tell band, row and column."""
    band, y, x = np.mgrid[:bands, :12, :24]
    return ((band * 83 + y * 24 + x) % 250 + 1).astype(dtype)


def holed(dtype: str = "uint8", hole: float = 0) -> np.ndarray:
    """Return values whose second band has a hole."""
    out = values(dtype=dtype)
    out[1][HOLE] = hole
    return out


def write(
    path: Path, pixels: np.ndarray, after: Callable[[Any], object] | None = None, **profile: Any
) -> Path:
    """Write a raster; ``after`` changes what is open still."""
    count, height, width = pixels.shape
    settings = {"driver": "GTiff", "crs": "EPSG:32633", "transform": NORTH_UP, **profile}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(
            path, "w", count=count, height=height, width=width, dtype=pixels.dtype, **settings
        ) as raster:
            raster.write(pixels)
            if after:
                after(raster)
    return path


def masked(raster: Any) -> None:
    """Write a mask of the hole."""
    mask = np.full(raster.shape, 255, np.uint8)
    mask[HOLE] = 0
    raster.write_mask(mask)


def advised(message: str, source: Path) -> Path:
    """Run the commands of ``rio`` that a message names on a file; return what they make or change."""
    done = source.with_name(f"advised-{source.stem}.tif")
    for command in re.findall(r"\brio (.+?)(?=, then |; |$)", message):
        words = shlex.split(command)
        names = {"SRC": source, "FILE": source, "DST": done, "DST.tif": done}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcome = CliRunner().invoke(main_group, [str(names.get(word, word)) for word in words])
        assert outcome.exit_code == 0, outcome.output
    return done if done.exists() else source
