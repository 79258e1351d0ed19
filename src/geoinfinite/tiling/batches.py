"""Tiles in batches of one fixed size: a network's last bits depend on the size of its batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def fixed_batches(items: Sequence[T], size: int) -> Iterator[tuple[list[T], int]]:
    """Yield ``(batch, real)``: always ``size`` items, of which the first ``real`` are not padding.

    The tail is padded by repeating its last item.

    >>> list(fixed_batches("abcde", 3))
    [(['a', 'b', 'c'], 3), (['d', 'e', 'e'], 2)]
    """
    for start in range(0, len(items), size):
        batch = list(items[start : start + size])
        real = len(batch)
        yield batch + batch[-1:] * (size - real), real
