"""Shares of chips for training, validation and test, apart from each other on the ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geoinfinite.chips.chance import key_of, uniforms
from geoinfinite.conditions.vectors import shapely_module
from geoinfinite.errors import WorldError
from geoinfinite.plane.window import Window

NAMES = "train", "val", "test"
_INSET = 0.25
"""Pixels by which windows are drawn in, so that those that touch share nothing."""


@dataclass(frozen=True, slots=True)
class Split:
    """Shares of the chips for training, validation and test.

    >>> Split.parse("0.8/0.1/0.1").shares
    (0.8, 0.1, 0.1)
    """

    shares: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        shares = tuple(float(share) for share in self.shares)
        object.__setattr__(self, "shares", shares)
        if not 1 <= len(shares) <= len(NAMES) or min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
            raise WorldError(
                f"split={'/'.join(f'{share:g}' for share in shares)} must be one to three shares that sum to "
                "1, for train, val and test; write 0.8/0.1/0.1"
            )

    @classmethod
    def parse(cls, text: str) -> Split:
        """Return shares written as ``"0.8/0.1/0.1"``; raise `WorldError` for anything else."""
        try:
            shares = tuple(float(part) for part in text.split("/"))
        except ValueError as error:
            raise WorldError(
                f"split={text!r} is not shares with / between them; write 0.8/0.1/0.1"
            ) from error
        return cls(shares)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the shares that are not 0."""
        return tuple(name for name, share in zip(NAMES, self.shares, strict=False) if share > 0)

    def of(self, windows: Sequence[Window], seed: int, period: int | None = None) -> tuple[str, ...]:
        """Return which share each window belongs to; windows that have pixels in common are of one share.

        Groups of such windows go, in an order that a seed decides, to the share that lacks most. Shares are
        therefore met as nearly as groups allow.
        """
        groups = _groups(windows, period)
        key = key_of("split", seed)
        chance = {
            group: float(uniforms(key, _corner(windows[members[0]], period), 1)[0])
            for group, members in groups.items()
        }
        wanted = [share * len(windows) for share in self.shares]
        found = [""] * len(windows)
        # Large groups go first, while every share has room for them.
        for group in sorted(groups, key=lambda g: (-len(groups[g]), chance[g], g)):
            share = int(np.argmax(wanted))
            wanted[share] -= len(groups[group])
            for member in groups[group]:
                found[member] = NAMES[share]
        return tuple(found)


def _groups(windows: Sequence[Window], period: int | None) -> dict[int, list[int]]:
    """Return the numbers of windows that hang together, by the least of them."""
    leader = list(range(len(windows)))

    def find(i: int) -> int:
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    for one, other in _pairs(windows, period):
        low, high = sorted((find(one), find(other)))
        leader[high] = low
    groups: dict[int, list[int]] = {}
    for i in range(len(windows)):
        groups.setdefault(find(i), []).append(i)
    return groups


def _pairs(windows: Sequence[Window], period: int | None) -> list[tuple[int, int]]:
    """Return the numbers of windows that have pixels in common, also across the antimeridian."""
    shapely = shapely_module()
    corners = np.array([_corner(window, period) for window in windows], float).reshape(-1, 2)
    height, width = windows[0].shape if windows else (0, 0)
    y, x = corners.T
    boxes = shapely.box(x + _INSET, y + _INSET, x + width - _INSET, y + height - _INSET)
    tree = shapely.STRtree(boxes)
    found = [tree.query(boxes, "intersects")]
    if period is not None:
        moved = shapely.box(x + period + _INSET, y + _INSET, x + period + width - _INSET, y + height - _INSET)
        found.append(tree.query(moved, "intersects"))
    return [(int(a), int(b)) for pairs in found for a, b in pairs.T if a != b]


def _corner(window: Window, period: int | None) -> tuple[int, int]:
    return window.y0, window.x0 if period is None else window.x0 % period
