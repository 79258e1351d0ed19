"""From a network's values to a world's dtype and back, without moving a parent's mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from geoinfinite.errors import WorldError
from geoinfinite.plane.resample import Array

BRIGHT_END, DARK_END = (1 / 20, 2 / 3), (1 / 16, 1 / 2)
"""What a block leaves free there: a share of the range, or of what is left of it beyond the block's mean, if
that is less. A pixel at the end has descendants without detail, and on snow a rectangle shows."""
LEAST_ROOM = 1 / 32
"""Share of the range: a band in which a block has less room than this below or above its mean holds back only
itself, for it would take the contrast of all the others."""
SHIFTS = 4
"""Steps to the mean. After them that of 199 of 200 blocks which a network drew is right to half a count."""
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
        """Return ``x``, float32 ``(band, y, x)`` in ``[-1, 1]``, in the dtype and within its range.

        With a ``parent`` of the dtype and shape ``(band, y / factor, x / factor)`` every block of
        ``factor`` x ``factor`` pixels has exactly its parent's mean (in float32: to rounding), also
        where values clip: of a block that would come too near the end of the range only the pixels that do
        are held back, in all bands alike, and the others make up for it.
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
    """Give every block its parent's mean and hold it within its share of the range."""
    moved: Array = planes - _sum(planes) / np.float32(len(planes))
    moved += parent
    down = parent - np.float32(low)
    down -= _reserve(down, DARK_END, high - low)
    up = np.float32(high) - parent
    up -= _reserve(up, BRIGHT_END, high - low)
    tight = ((moved.min(axis=0) < parent - down) | (moved.max(axis=0) > parent + up)).any(axis=0)
    mean = parent[:, tight]
    room = _Room(down[:, tight], up[:, tight], np.float32(LEAST_ROOM * (high - low)))
    moved[:, :, tight] = _held(moved[:, :, tight] - mean, room) + mean
    np.clip(moved, low, high, out=moved)
    return moved


def _reserve(left: Array, end: tuple[float, float], extent: float) -> Array:
    """Return how much of what is left of the range a block leaves free at an end."""
    of_range, of_left = end
    reserve: Array = np.minimum(np.float32(of_range * extent), left * np.float32(of_left))
    return reserve


@dataclass(frozen=True, slots=True)
class _Room:
    """How far the pixels of blocks may lie below and above their mean, ``(band, block)``."""

    down: Array
    up: Array
    least: np.float32
    """A band with less than this in a direction does not hold the others back."""

    def share(self, deviation: Array) -> Array:
        """Return the share ``(pixel, band, block)``, at most 1, of deviations for which there is room."""
        return _share(deviation, self.down, self.up)

    def held(self, deviation: Array) -> Array:
        """Return deviations drawn towards 0 in all bands alike, then clipped."""
        down, up = (np.where(room < self.least, np.inf, room) for room in (self.down, self.up))
        together = _share(deviation, down, up).min(axis=1, keepdims=True)
        held: Array = (deviation * together).clip(-self.down, self.up)
        return held


def _share(deviation: Array, down: Array, up: Array) -> Array:
    tiny = np.float32(1e-12)
    share = np.minimum(up / np.maximum(deviation, tiny), down / np.maximum(-deviation, tiny))
    return np.minimum(share, np.float32(1))


def _held(deviation: Array, room: _Room) -> Array:
    """Return deviations ``(pixel, band, block)`` with a mean of 0 for which there is room.

    A pixel that goes too far in one band is drawn towards the block's mean in all of them, so that it keeps
    its hue; the pixels that do not are shifted until the mean is 0. In one band this is the nearest block by
    squares, found by Newton's method (Cominetti, Mascarenhas and Silva 2014, doi:10.1007/s12532-014-0066-y).
    What is missing after `SHIFTS` steps, where hardly a pixel is free, a contraction makes up for.
    """
    shift = np.zeros_like(room.down)
    for _ in range(SHIFTS):
        held = room.held(deviation + shift)
        free = (held == deviation + shift).sum(axis=0, dtype=np.float32)
        shift -= _sum(held) / np.maximum(free, 1)
    held = room.held(deviation + shift)
    held -= _sum(held) / np.float32(len(held))
    contracted: Array = held * room.share(held).min(axis=0)
    return contracted


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
