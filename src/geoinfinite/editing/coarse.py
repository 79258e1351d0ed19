"""Coarser pixels of a raster that is known in part: means of the known pixels of every block."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from rasterio.fill import fillnodata

from geoinfinite.editing.kept_files import Strip


@dataclass(frozen=True, slots=True, eq=False)
class Coarse:
    """Pixels of one level, each the mean of what is known under it."""

    means: NDArray[Any]
    """``(band, y, x)`` in the dtype of the raster; 0 where nothing is known."""
    counts: NDArray[np.int64]
    """How many known pixels of the raster lie under each ``(y, x)``."""

    @classmethod
    def of_strips(
        cls, strips: Iterable[Strip], shape: tuple[int, int, int], corner: tuple[int, int], factor: int
    ) -> Self:
        """Return the blocks of ``factor`` x ``factor`` pixels of a level on which a raster lies.

        ``shape`` is ``(band, y, x)`` of the blocks, ``corner`` the raster's first row and column on it.
        """
        sums, counts = np.zeros(shape), np.zeros(shape[1:], np.int64)
        dtype: Any = np.uint8
        for strip in strips:
            dtype = strip.values.dtype
            height, width = strip.known.shape
            top, left = corner[0] + strip.top, corner[1]
            rows = slice(top // factor, -(-(top + height) // factor))
            columns = slice(left // factor, -(-(left + width) // factor))
            around = [
                (top - rows.start * factor, rows.stop * factor - top - height),
                (left - columns.start * factor, columns.stop * factor - left - width),
            ]
            values = np.pad(np.where(strip.known, strip.values, 0), [(0, 0), *around])
            sums[:, rows, columns] += _block_sum(values, factor)
            counts[rows, columns] += _block_sum(np.pad(strip.known, around), factor).astype(np.int64)
        return cls(_means(sums, counts, dtype), counts)

    def coarser(self, factor: int) -> Self:
        """Return the next coarser level; pixels count by what is known under them."""
        around = [(0, -side % factor) for side in self.counts.shape]
        sums = _block_sum(np.pad(self.means * self.counts.astype(np.float64), [(0, 0), *around]), factor)
        counts = _block_sum(np.pad(self.counts, around), factor).astype(np.int64)
        return type(self)(_means(sums, counts, self.means.dtype), counts)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where a pixel is known under a pixel ``(y, x)``."""
        return self.counts > 0

    def strip(self) -> Strip:
        """Return all of it, to be kept as a file."""
        return Strip(0, self.means, self.known)

    def filled(self) -> NDArray[Any]:
        """Return means everywhere: holes are smoothly interpolated, what lies outside is mirrored.

        Holes are filled by GDAL's ``GDALFillNodata`` (inverse distances to the nearest known pixels), and
        rows and columns beyond all known ones by reflection (``numpy.pad``, ``symmetric``).
        """
        rows, columns = (np.flatnonzero(self.known.any(axis=axis)) for axis in (1, 0))
        inner = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        known = self.known[inner]
        image = self.means[:, *inner].astype(np.float32)
        if not known.all():
            reach = float(np.hypot(*known.shape)) + 1
            image = np.stack([fillnodata(band, known.copy(), max_search_distance=reach) for band in image])
        around = [(part.start, side - part.stop) for part, side in zip(inner, self.counts.shape, strict=True)]
        spread = np.pad(image, [(0, 0), *around], mode="symmetric")
        rounded = spread if self.means.dtype.kind == "f" else np.rint(spread)
        return np.where(self.known, self.means, rounded.astype(self.means.dtype))


def _means(sums: NDArray[Any], counts: NDArray[np.int64], dtype: Any) -> NDArray[Any]:
    found = sums / np.maximum(counts, 1)
    return (found if np.dtype(dtype).kind == "f" else np.rint(found)).astype(dtype)


def _block_sum(image: NDArray[Any], factor: int) -> NDArray[np.float64]:
    """Return float64 sums over blocks of the last two axes."""
    *others, rows, columns = image.shape
    blocks = image.reshape(*others, rows // factor, factor, columns // factor, factor)
    return np.asarray(blocks.sum(axis=(-3, -1), dtype=np.float64))
