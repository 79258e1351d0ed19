"""From a network's values to a world's dtype and back, without moving a parent's mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from geoinfinite.errors import WorldError
from geoinfinite.plane.resample import Array

HEADROOM, FOOTROOM = 1 / 20, 1 / 16
"""Shares of the range that a block leaves free at its bright and at its dark end."""
LEFT_FREE = 2 / 3
"""Share that it leaves free of what is left of the range beyond its mean, where that is less: a pixel at the
end has descendants without detail, and on snow a rectangle shows."""
NEWTON_STEPS = 6
"""After them the mean of a block that a network drew is its parent's to less than a thousandth of a count."""
STRIP_ROWS = 32
"""Rows of blocks that are settled at once: their temporary arrays fit a processor's cache."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the values of a dtype map to the ``[-1, 1]`` in which networks work.

    >>> Encoding("uint8").to_unit(np.array([0, 255], np.uint8))
    array([-1.,  1.], dtype=float32)
    >>> Encoding("uint8").settle(np.array([[[-1.0, 0.0, 3.0]]], np.float32))
    array([[[  0, 128, 255]]], dtype=uint8)
    """

    dtype: str

    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "uint8": (0.0, 255.0),
        "uint16": (0.0, 65535.0),
        "float32": (0.0, 1.0),
    }

    def __post_init__(self) -> None:
        if self.dtype not in self.RANGES:
            raise WorldError(f"dtype={self.dtype!r} is not one of {', '.join(self.RANGES)}")

    @property
    def range(self) -> tuple[float, float]:
        """The least and the greatest value."""
        return self.RANGES[self.dtype]

    def to_unit(self, values: NDArray[Any]) -> Array:
        """Return values of the dtype as float32 in ``[-1, 1]``."""
        low, high = self.range
        return (values.astype(np.float32) - np.float32(low)) * np.float32(2 / (high - low)) - np.float32(1)

    def settle(self, x: Array, parent: NDArray[Any] | None = None, factor: int = 1) -> NDArray[Any]:
        """Return ``x``, float32 ``(..., y, x)`` in ``[-1, 1]``, in the dtype and within its range.

        With a ``parent`` of the dtype and shape ``(..., y / factor, x / factor)`` every block of
        ``factor`` x ``factor`` pixels has exactly its parent's mean (in float32: to rounding), also
        where values clip: of a block that would come too near the end of the range only the pixels that do
        are held back, and the others make up for it.
        """
        if parent is None:
            values = self._from_unit(x).clip(*self.range)
            return values if self.dtype == "float32" else np.rint(values).astype(self.dtype)
        out = np.empty(x.shape, self.dtype)
        for first in range(0, parent.shape[-2], STRIP_ROWS):
            blocks = slice(first, first + STRIP_ROWS)
            rows = slice(first * factor, (first + STRIP_ROWS) * factor)
            out[..., rows, :] = self._settle_blocks(x[..., rows, :], parent[..., blocks, :], factor)
        return out

    def _from_unit(self, x: Array) -> Array:
        low, high = self.range
        return (x + np.float32(1)) * np.float32((high - low) / 2) + np.float32(low)

    def _settle_blocks(self, x: Array, parent: NDArray[Any], factor: int) -> Array:
        """Return blocks that have their parents' means, within the range, rounded for integer dtypes."""
        wanted = parent.astype(np.float32)
        planes = _contain(_to_planes(self._from_unit(x), factor), wanted, *self.range)
        if self.dtype != "float32":
            planes = _round_keeping_sums(planes, wanted)
        return _from_planes(planes, factor)


def _to_planes(x: Array, factor: int) -> Array:
    """Return ``(..., y, x)`` as ``(factor**2, ..., y / factor, x / factor)``: blocks along the first axis."""
    *lead, height, width = x.shape
    blocks = x.reshape(*lead, height // factor, factor, width // factor, factor)
    shape = (factor * factor, *lead, height // factor, width // factor)
    return np.moveaxis(blocks, (-3, -1), (0, 1)).reshape(shape)


def _from_planes(planes: Array, factor: int) -> Array:
    """Undo `_to_planes`."""
    _, *lead, height, width = planes.shape
    blocks = planes.reshape(factor, factor, *lead, height, width)
    return np.moveaxis(blocks, (0, 1), (-3, -1)).reshape(*lead, height * factor, width * factor)


def _sum(planes: Array) -> Array:
    """Add planes one after the other, so a block's sum has the same bits in any array."""
    total: Array = planes[0].copy()
    for plane in planes[1:]:
        total += plane
    return total


def _contain(planes: Array, parent: Array, low: float, high: float) -> Array:
    """Give every block its parent's mean and its share of the range, and change it as little as can be."""
    moved: Array = planes - _sum(planes) / np.float32(len(planes))
    moved += parent
    least = np.float32(low) + _reserve(parent - np.float32(low), FOOTROOM * (high - low))
    most = np.float32(high) - _reserve(np.float32(high) - parent, HEADROOM * (high - low))
    tight = (moved.min(axis=0) < least) | (moved.max(axis=0) > most)
    moved[:, tight] = _nearest(moved[:, tight], parent[tight], least[tight], most[tight])
    np.clip(moved, low, high, out=moved)
    return moved


def _reserve(left: Array, most: float) -> Array:
    """Return how much of what is left of the range a block leaves free."""
    reserve: Array = np.minimum(np.float32(most), left * np.float32(LEFT_FREE))
    return reserve


def _nearest(blocks: Array, mean: Array, least: Array, most: Array) -> Array:
    """Return the nearest blocks ``(pixel, block)``, by squares, with their means and between two limits.

    They are the given ones shifted, then clipped; Newton's method finds the shift of every block. What it
    has not reached after `NEWTON_STEPS`, where most pixels are clipped, a contraction makes up for.
    Source: Cominetti, Mascarenhas and Silva 2014 (doi:10.1007/s12532-014-0066-y).
    """
    count, shift = np.float32(len(blocks)), np.zeros_like(mean)
    for _ in range(NEWTON_STEPS):
        shifted = blocks + shift
        free = ((shifted > least) & (shifted < most)).sum(axis=0, dtype=np.float32)
        shift += (mean * count - _sum(shifted.clip(least, most))) / np.maximum(free, 1)
    clipped = (blocks + shift).clip(least, most)
    deviation: Array = clipped - _sum(clipped) / count
    tiny = np.float32(1e-12)
    upwards = (most - mean) / np.maximum(deviation.max(axis=0), tiny)
    downwards = (mean - least) / np.maximum(-deviation.min(axis=0), tiny)
    deviation *= np.minimum(np.minimum(upwards, downwards), np.float32(1))
    deviation += mean
    return deviation


def _round_keeping_sums(planes: Array, parent: Array) -> Array:
    """Round to integers so that every block's mean is its parent, which is an integer.

    Rounds to nearest, then moves by one the few pixels that were rounded furthest the other way
    (the largest-remainder rule; of equal ones the first). It cannot leave the range: with a surplus of d
    counts at least d pixels of the block were rounded down, each below the maximum; likewise for a deficit.
    """
    rounded = np.rint(planes)
    missing = parent * np.float32(len(planes)) - _sum(rounded)
    towards = np.sign(missing)
    lost = (planes - rounded) * towards
    rank = _rank(lost)
    rounded += towards * (rank < np.abs(missing).astype(rank.dtype))
    return rounded


def _rank(planes: Array) -> NDArray[Any]:
    """Return how many pixels of its block precede each pixel: those that are larger, or equal and earlier."""
    small = np.int8 if len(planes) <= np.iinfo(np.int8).max else np.int16
    rank = np.empty(planes.shape, small)
    for first in range(len(planes)):
        rank[first] = first
    for first in range(len(planes) - 1):
        larger = (planes[first + 1 :] > planes[first]).view(np.int8)
        rank[first] += larger.sum(axis=0, dtype=small)
        rank[first + 1 :] -= larger
    return rank
