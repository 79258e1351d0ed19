"""Set operations on positions of an axis: intersection, union, and where one selection lies in another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from geoinfinite.arrays.selection import Positions, as_run
from geoinfinite.errors import WindowError

Run = range | Positions

LONGEST_LIST = 2**26
"""Positions that may be listed one by one (half a gigabyte); evenly spaced ones need no list."""


def listed(run: Run) -> Positions:
    """Return positions as an array; raise `WindowError` where that would be out of proportion."""
    if isinstance(run, np.ndarray):
        return run
    if len(run) > LONGEST_LIST:
        raise WindowError(
            f"{len(run):,} labels would be listed one by one; select a part first with "
            ".sel(x=slice(W, E), y=slice(N, S))"
        )
    return np.arange(run.start, run.stop, run.step, dtype=np.int64)


def span(run: Run) -> tuple[int, int]:
    """Return the lowest position and one past the highest of a selection that is not empty."""
    if isinstance(run, range):
        return min(run[0], run[-1]), max(run[0], run[-1]) + 1
    return int(run.min()), int(run.max()) + 1


def shifted(run: Run, by: int) -> Run:
    """Return every position moved on."""
    return range(run.start + by, run.stop + by, run.step) if isinstance(run, range) else run + by


def common(first: Run, second: Run) -> Run:
    """Return the positions that are in both, in the order of the first.

    >>> common(range(0, 100, 6), range(90, 10, -4))
    range(18, 91, 12)
    >>> common(range(9), np.array([3, 20, 1]))
    range(1, 5, 2)
    """
    if isinstance(first, range) and isinstance(second, range):
        return _common_ranges(first, second)
    if isinstance(first, np.ndarray):
        return as_run(first[places(second, first) >= 0])
    at = places(first, listed(second))
    return as_run(first.start + first.step * np.unique(at[at >= 0]))


def _common_ranges(first: range, second: range) -> range:
    if not first or not second:
        return range(0)
    a, b = (r if r.step > 0 else r[::-1] for r in (first, second))
    divisor = math.gcd(a.step, b.step)
    if (b.start - a.start) % divisor:
        return range(0)
    # The least k with a.start + k * a.step in b's residue class.
    turn = b.step // divisor
    k = (b.start - a.start) // divisor * pow(a.step // divisor, -1, turn) % turn if turn > 1 else 0
    step = a.step * turn
    start, low = a.start + k * a.step, max(a.start, b.start)
    start += max(0, -(-(low - start) // step)) * step
    both = range(start, min(a[-1], b[-1]) + 1, step)
    return both if first.step > 0 else both[::-1]


def united(first: Run, second: Run) -> Run:
    """Return the positions that are in either, from low to high.

    >>> united(range(0, 5), range(3, 9))
    range(0, 9)
    """
    a, b = (r[::-1] if isinstance(r, range) and r.step < 0 else r for r in (first, second))
    if isinstance(a, range) and isinstance(b, range):
        if len(a) == 0 or len(b) == 0:
            return b if len(a) == 0 else a
        if a.step == b.step == 1 and max(a.start, b.start) <= min(a.stop, b.stop):
            return range(min(a.start, b.start), max(a.stop, b.stop))
    return as_run(np.union1d(listed(a), listed(b)))


def places(run: Run, wanted: Positions) -> NDArray[np.intp]:
    """Return where each wanted position is in a selection, -1 where it is not.

    >>> places(range(10, 30, 5), np.array([20, 21, 10])).tolist()
    [2, -1, 0]
    """
    if isinstance(run, range):
        at, off = np.divmod(wanted - run.start, run.step)
        return np.where((off == 0) & (at >= 0) & (at < len(run)), at, -1).astype(np.intp)
    if len(run) == 0:
        return np.full(wanted.shape, -1, dtype=np.intp)
    order = np.argsort(run, kind="stable")
    at = order[np.searchsorted(run, wanted, sorter=order).clip(max=len(run) - 1)]
    return np.where(run[at] == wanted, at, -1).astype(np.intp)


def has_repeats(run: Run) -> bool:
    """Say whether a position was selected more than once."""
    return isinstance(run, np.ndarray) and len(np.unique(run)) < len(run)


def chained(parts: Sequence[Run], period: int | None) -> Run:
    """Return selections one after the other; those that go on after a turn go on counting.

    >>> chained([range(356, 360), range(0, 5)], 360)
    range(356, 365)
    """
    parts = [part for part in parts if len(part)]
    if not parts:
        return range(0)
    moved = [parts[0]]
    for part in parts[1:]:
        last = moved[-1]
        gap = int(last[-1]) + 1 - int(part[0])
        if period is not None and gap and gap % period == 0:
            part = shifted(part, gap)
        moved.append(part)
    start = moved[0]
    if all(isinstance(part, range) and part.step == 1 for part in moved) and all(
        a[-1] + 1 == b[0] for a, b in pairwise(moved)
    ):
        return range(int(start[0]), int(moved[-1][-1]) + 1)
    return as_run(np.concatenate([listed(part) for part in moved]))
