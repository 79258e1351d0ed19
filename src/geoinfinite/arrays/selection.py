"""Which pixels of an axis are selected, and in which runs they are best read: integers only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]
Axis = int | range | Positions
"""Selected pixels of one axis: one (its dimension is gone), a run with any step, or any others."""
Key = int | slice | NDArray[Any]


def resolve(key: NDArray[Any], length: int) -> Positions:
    """Return positions counted from the start; raise `IndexError` for those outside the axis."""
    index = as_index(key)
    if index.size == 0:
        return index
    low = index.min()
    if low < -length or index.max() >= length:
        raise IndexError(f"index {key!r} is out of bounds for an axis of {length} pixels")
    return index if low >= 0 else np.where(index < 0, index + length, index)


def as_index(key: Any) -> Positions:
    """Return indices as 64-bit integers; a mask gives those of its true elements.

    Narrow and unsigned types would overflow in every subtraction.

    >>> as_index(np.array([250, 3], "uint8")).tolist(), as_index([True, False, True]).tolist()
    ([250, 3], [0, 2])
    """
    index = np.asarray(key)
    if index.dtype.kind == "b":
        return np.flatnonzero(index)
    if index.size and index.dtype.kind not in "iu":
        raise IndexError(f"{key!r} are no positions: they are integers; select labels with .sel")
    return index.astype(np.int64)


def compose(axis: range | Positions, key: Key, period: int | None = None) -> Axis:
    """Return what is selected of a selection; ``period`` is the axis's length if it is a circle.

    A run round the circle, ``[358, 359, 0, 1]``, becomes ``range(358, 362)``: one window.

    >>> compose(range(100, 200), slice(10, 20, 5))
    range(110, 120, 5)
    >>> compose(range(360), np.array([358, 359, 0, 1]), period=360)
    range(358, 362)
    """
    if isinstance(key, slice):
        return axis[key]
    if not isinstance(key, np.ndarray):
        return int(axis[int(key)])
    key = as_index(key)
    index = resolve(key, len(axis))
    if isinstance(axis, np.ndarray):
        return as_run(axis[index])
    whole_turn = period is not None and len(axis) == period and axis.step == 1
    if whole_turn and key.size > 1 and bool((np.diff(key) % period == 1).all()):
        start = axis.start + int(key[0])
        return range(start, start + key.size)
    return as_run(axis.start + axis.step * index)


def as_run(positions: Positions) -> range | Positions:
    """Return evenly spaced positions as a range: it is small wherever it is sent.

    >>> as_run(np.array([7, 5, 3]))
    range(7, 1, -2)
    """
    if positions.size == 0:
        return range(0)
    first = int(positions[0])
    if positions.size == 1:
        return range(first, first + 1)
    step = int(positions[1]) - first
    if step == 0 or (np.diff(positions) != step).any():
        return positions
    return range(first, first + step * positions.size, step)


def points(axis: range | Positions, key: NDArray[Any]) -> Positions:
    """Return the positions that an array of indices of a selection stands for, in the array's shape."""
    index = resolve(key, len(axis))
    return axis[index] if isinstance(axis, np.ndarray) else axis.start + axis.step * index


@dataclass(frozen=True, slots=True)
class Piece:
    """Neighbouring pixels of an axis that are read at once."""

    start: int
    stop: int
    take: slice | Positions
    """Which of the pixels read are wanted."""
    put: slice | Positions
    """Where they belong in the result."""


def ascending(axis: Axis) -> tuple[range | Positions, bool]:
    """Return the selection from low to high where it is a run, and whether that turned it round."""
    if isinstance(axis, int):
        return range(axis, axis + 1), False
    if isinstance(axis, range) and axis.step < 0:
        return axis[::-1], True
    return axis, False


def extent(axis: range | Positions, tile: int) -> int:
    """Return the number of pixels that reading a selection draws; a piece draws a tile at least."""
    if isinstance(axis, range):
        return len(axis) * tile if axis.step > tile else (axis[-1] - axis[0] + 1 if axis else 0)
    return sum(max(piece.stop - piece.start, tile) for piece in pieces(axis, tile))


def pieces(axis: range | Positions, tile: int, side: int | None = None) -> Iterator[Piece]:
    """Yield the runs to read: pixels more than a tile apart share no tile and are read apart.

    With ``side`` no run crosses a multiple of it.

    >>> [(p.start, p.stop) for p in pieces(np.array([7, 900, 5]), tile=64)]
    [(5, 8), (900, 901)]
    >>> [(p.start, p.stop, p.put) for p in pieces(range(90, 130), tile=64, side=100)]
    [(90, 100, slice(0, 10, None)), (100, 130, slice(10, 40, None))]
    """
    if isinstance(axis, range):
        yield from _range_pieces(axis, tile, side)
    else:
        yield from _scattered_pieces(axis, tile, side)


def _range_pieces(axis: range, tile: int, side: int | None) -> Iterator[Piece]:
    first = 0
    while first < len(axis):
        last = first + 1
        if axis.step <= tile:
            last = len(axis)
            if side is not None:
                edge = (axis[first] // side + 1) * side
                last = min(last, -(-(edge - axis.start) // axis.step))
        yield Piece(axis[first], axis[last - 1] + 1, slice(None, None, axis.step), slice(first, last))
        first = last


def _scattered_pieces(axis: Positions, tile: int, side: int | None) -> Iterator[Piece]:
    order = np.argsort(axis, kind="stable")
    values = axis[order]
    apart = np.diff(values) > tile
    if side is not None:
        apart |= np.diff(values // side) != 0
    for put in np.split(order, np.flatnonzero(apart) + 1):
        if put.size:
            start, stop = int(axis[put[0]]), int(axis[put[-1]]) + 1
            yield Piece(start, stop, axis[put] - start, put)
