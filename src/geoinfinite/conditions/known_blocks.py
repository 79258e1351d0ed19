"""Which blocks of a raster are known, so that tiles are told apart without reading a pixel of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from math import ceil, floor, log10

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.source_raster import SourceRaster
from geoinfinite.errors import WorldError
from geoinfinite.plane.window import Window
from geoinfinite.tiling import TileBlock

BLOCK = 64
"""Side of a block in pixels of the raster."""

Sums = NDArray[np.int64]
Edges = NDArray[np.int64]


class TileKind(Enum):
    """How much of a tile is known, as its blocks say."""

    NONE = "none"
    SOME = "some"
    ALL = "all"


@dataclass(frozen=True, slots=True, eq=False)
class KnownBlocks:
    """Blocks of a raster on a level, counted from its first pixel.

    A tile is wholly known if every block under it is; it has something known if one block under it has. Near
    the rim of a hole a tile of known pixels may count as known in part.
    """

    whole: Sums
    """Number of wholly known blocks above and left of every corner of the blocks."""
    touched: Sums
    """The same of blocks with a known pixel."""
    extent: Window
    """The raster's pixels on its level."""
    level: Window
    """All pixels of the level."""
    period: int | None

    def kind(self, window: Window) -> TileKind:
        """Return the kind of one tile, in pixels of the raster's level."""
        block = TileBlock(window.height, window.height, (window.y0, window.x0), range(1), range(1))
        for kind in (TileKind.ALL, TileKind.SOME):
            if self._is(block, kind).any():
                return kind
        return TileKind.NONE

    def count(self, tiles: TileBlock, kind: TileKind) -> int:
        """Return how many tiles are of a kind, in a time that grows with the raster and not the level."""
        return sum(int(found.sum()) for _, found in self._found(tiles, kind))

    def indices(self, tiles: TileBlock, kind: TileKind) -> list[tuple[int, int]]:
        """Return the indices of the tiles of a kind."""
        return [
            (rows[int(y)], columns[int(x)])
            for (rows, columns), found in self._found(tiles, kind)
            for y, x in zip(*np.nonzero(found), strict=True)
        ]

    def _found(
        self, tiles: TileBlock, kind: TileKind
    ) -> Iterator[tuple[tuple[range, range], NDArray[np.bool_]]]:
        rows = _under(self.extent.y0, self.extent.y1, tiles, 0, self.level.y1)
        for columns in self._columns(tiles):
            block = replace(tiles, rows=rows, columns=columns)
            if block.count:
                yield (rows, columns), self._is(block, kind)

    def _columns(self, tiles: TileBlock) -> list[range]:
        """Return the columns of tiles that may meet the raster, each once."""
        x0, x1, origin, stride = self.extent.x0, self.extent.x1, tiles.origin[1], tiles.strides[1]
        if self.period is None:
            return [_under(x0, x1, tiles, 1, self.level.x1)]
        if not tiles.columns:
            return []
        first = origin + tiles.columns.start * stride
        last = origin + tiles.columns.stop * stride + tiles.size
        turns = range((first - x1) // self.period, (last - x0) // self.period + 1)
        moved = (n * self.period for n in turns)
        found = [_under(x0 + m, x1 + m, tiles, 1, None) for m in moved]
        seen, parts = tiles.columns.start, []
        for part in found:
            start = max(part.start, seen)
            if start < part.stop:
                parts.append(range(start, part.stop))
                seen = part.stop
        return parts

    def _is(self, tiles: TileBlock, kind: TileKind) -> NDArray[np.bool_]:
        """Say of every tile ``(row, column)`` whether it is of a kind."""
        y0, y1 = _edges(tiles, 0, self.level.y1)
        wide = None if self.period is not None else self.level.x1
        x0, x1 = _edges(tiles, 1, wide)
        whole = np.zeros((len(y0), len(x0)), bool)
        touched = np.zeros_like(whole)
        for turn in self._turns(x0, x1):
            one, other = self._sums(y0, y1, x0 - turn, x1 - turn)
            whole |= one
            touched |= other
        return whole if kind is TileKind.ALL else touched & ~whole

    def _turns(self, x0: Edges, x1: Edges) -> list[int]:
        if self.period is None or not len(x0):
            return [0]
        first = (int(x0.min()) - self.extent.x1) // self.period
        last = (int(x1.max()) - self.extent.x0) // self.period + 1
        return [turn * self.period for turn in range(first, last + 1)]

    def _sums(
        self, y0: Edges, y1: Edges, x0: Edges, x1: Edges
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which tiles are wholly known, and which have something known, given their edges."""
        extent, (rows, columns) = self.extent, (n - 1 for n in self.whole.shape)
        # A raster once round the Earth is kept twice side by side, so that tiles may run over its seam.
        width = self._width()
        inside_y = (y0 >= extent.y0) & (y1 <= extent.y1)
        inside_x = (x0 >= extent.x0) & (x1 <= extent.x0 + width)
        top, bottom = ((e - extent.y0).clip(0, extent.height) for e in (y0, y1))
        left, right = ((e - extent.x0).clip(0, width) for e in (x0, x1))
        r0, r1 = (top // BLOCK).clip(0, rows), (-(-bottom // BLOCK)).clip(0, rows)
        c0, c1 = (left // BLOCK).clip(0, columns), (-(-right // BLOCK)).clip(0, columns)
        r1, c1 = np.maximum(r0, r1), np.maximum(c0, c1)
        there = ((bottom > top)[:, None]) & ((right > left)[None, :])
        blocks = (r1 - r0)[:, None] * (c1 - c0)[None, :]
        whole = (_within(self.whole, r0, r1, c0, c1) == blocks) & inside_y[:, None] & inside_x[None, :]
        return whole & there, (_within(self.touched, r0, r1, c0, c1) > 0) & there

    def _width(self) -> int:
        return self.extent.width * (2 if self.extent.width == self.period else 1)


def _within(sums: Sums, r0: Edges, r1: Edges, c0: Edges, c1: Edges) -> Sums:
    return np.asarray(sums[r1][:, c1] - sums[r0][:, c1] - sums[r1][:, c0] + sums[r0][:, c0], np.int64)


def _edges(tiles: TileBlock, axis: int, side: int | None) -> tuple[Edges, Edges]:
    """Return the first pixel of tiles along an axis and the one past their last, within the level."""
    numbers = (tiles.rows, tiles.columns)[axis]
    numbered = np.arange(numbers.start, numbers.stop, dtype=np.int64)
    start = tiles.origin[axis] + numbered * tiles.strides[axis]
    stop = start + tiles.size
    return (start, stop) if side is None else (start.clip(0, side - 1), stop.clip(1, side))


def _under(start: int, stop: int, tiles: TileBlock, axis: int, side: int | None) -> range:
    """Return the numbers of tiles along an axis that may meet pixels ``start`` to ``stop``."""
    known, origin, stride = (tiles.rows, tiles.columns)[axis], tiles.origin[axis], tiles.strides[axis]
    first = (start - origin - tiles.size) // stride + 1
    last = -(-(stop - origin) // stride)
    # What lies beyond an edge of the level is told by the pixels at the edge.
    if side is not None and start <= 0:
        first = known.start
    if side is not None and stop >= side:
        last = known.stop
    return range(max(first, known.start), max(min(last, known.stop), max(first, known.start)))


@lru_cache(maxsize=16)
def known_blocks(header: SourceRaster, extent: Window, level: Window, period: int | None) -> KnownBlocks:
    """Return the blocks of a raster, which is read once, strip by strip.

    Raises `WorldError` for known pixels that are no values of a world.
    """
    whole, touched = [], []
    ranges: list[tuple[float, float]] = []
    with header.opened() as opened:
        for y in range(0, extent.height, BLOCK):
            rows = y, min(y + BLOCK, extent.height)
            pixels, known = opened.picture(rows, (0, extent.width))
            if pixels.dtype.kind == "f" and known.any():
                ranges.append((float(pixels[:, known].min()), float(pixels[:, known].max())))
            if extent.width == period:
                known = np.concatenate([known, known], axis=1)
            edges = np.arange(0, known.shape[1], BLOCK)
            whole.append(np.logical_and.reduceat(known.all(axis=0), edges))
            touched.append(np.logical_or.reduceat(known.any(axis=0), edges))
    if ranges:
        _check_range(header, ranges)
    return KnownBlocks(_summed(whole), _summed(touched), extent, level, period)


def _check_range(header: SourceRaster, ranges: list[tuple[float, float]]) -> None:
    """Raise `WorldError` for floats that are no pixels of a world: those lie in 0 to 1."""
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    if low >= 0 and high <= 1:
        return
    less = _rounded_up(max(-low, 0.0))
    values = f"(+ (read 1) {less})" if less else "(read 1)"
    raise WorldError(
        f"{header.named} has known pixels from {low:g} to {high:g}, and those of a float32 world lie in 0 to "
        f"1; scale them: rio calc '(/ {values} {_rounded_up(high + less)})' SRC DST --dtype float32 --masked "
        "--profile nodata=nan"
    )


def _rounded_up(value: float) -> float:
    """Return a number of three digits that is at least as large as one that is not negative."""
    if value == 0:
        return 0.0
    unit = 10.0 ** (floor(log10(value)) - 2)
    return float(f"{ceil(value / unit) * unit:.6g}")


def _summed(rows: list[NDArray[np.bool_]]) -> Sums:
    table = np.pad(np.stack(rows).astype(np.int64), ((1, 0), (1, 0)))
    return np.asarray(table.cumsum(axis=0).cumsum(axis=1), np.int64)
