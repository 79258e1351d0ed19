"""Windows about objects: every object lies wholly in a chip, as far as it fits into one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import NDArray

from geoinfinite.chips.boxes import Outline
from geoinfinite.chips.chance import key_of, shuffled, uniforms
from geoinfinite.conditions.vectors import shapely_module
from geoinfinite.plane.window import Window

_MOST_ROUNDS = 10_000
"""Times that objects are gone through for more chips than one round gives."""


@dataclass(frozen=True, slots=True)
class Room:
    """Where windows may lie, and how large they are."""

    within: Window
    size: int
    step: int = 1
    """Rows and columns of their corners are multiples of it."""
    wraps: bool = False
    """Whether columns go on round the Earth."""

    def held(self, y: int, x: int) -> Window:
        """Return the window nearest to a corner that lies where windows may."""
        top, left = (self._least(edge) for edge in (self.within.y0, self.within.x0))
        y = min(max(y - y % self.step, top), self._last(self.within.y1))
        x -= x % self.step
        if not self.wraps:
            x = min(max(x, left), self._last(self.within.x1))
        return Window(y, y + self.size, x, x + self.size)

    def _least(self, edge: int) -> int:
        return -(-edge // self.step) * self.step

    def _last(self, edge: int) -> int:
        return (edge - self.size) // self.step * self.step


def around(outlines: Sequence[Outline], room: Room, seed: int, count: int | None = None) -> list[Window]:
    """Return windows about objects, whose order and offsets a seed decides.

    Objects are gone through in a shuffled order; each that no earlier window holds gets one, at an offset
    that keeps it within. Without ``count`` the windows hold every object once; with it, as many windows are
    returned, in further rounds if one does not give so many, as far as there are different ones.
    """
    boxes = _bounds(outlines, room.within)
    found: dict[Window, None] = {}
    for number in range(_MOST_ROUNDS if count is not None else 1):
        before = len(found)
        for window in _one_round(boxes, room, seed, number):
            if count is not None and len(found) == count:
                return list(found)
            found[window] = None
        if count is None or len(found) == before:
            break
    return list(found)


def _one_round(boxes: NDArray[np.float64], room: Room, seed: int, number: int) -> Iterator[Window]:
    """Yield windows that hold all boxes ``(box, (x0, y0, x1, y1))`` between them."""
    shapely = shapely_module()
    key = key_of(f"around:{number}", seed)
    tree = shapely.STRtree(shapely.box(*boxes.T))
    is_held = np.zeros(len(boxes), bool)
    for index in range(len(boxes)):
        i = shuffled(index, len(boxes), key)
        if is_held[i]:
            continue
        window = _about(boxes[i], room, key)
        is_held[i] = True
        is_held[tree.query(shapely.box(window.x0, window.y0, window.x1, window.y1), "contains")] = True
        yield window


def _about(box: NDArray[np.float64], room: Room, key: int) -> Window:
    """Return a window that holds a box, if it can, at an offset that the box's own place decides."""
    x0, y0, x1, y1 = (float(edge) for edge in box)
    offset = uniforms(key, (floor(y0), floor(x0)), 2)
    corner = [
        floor(high) - room.size + 1 + int(part * max(room.size - (high - low), 1.0))
        if high - low <= room.size
        else round((low + high - room.size) / 2)
        for (low, high), part in zip(((y0, y1), (x0, x1)), offset, strict=True)
    ]
    return room.held(*corner)


def _bounds(outlines: Sequence[Outline], within: Window) -> NDArray[np.float64]:
    """Return the upright bounds of objects whose middle lies within a window, each feature once."""
    found: dict[str, tuple[float, ...]] = {}
    for outline in outlines:
        low, high = outline.corners.min(axis=0), outline.corners.max(axis=0)
        x, y = (low + high) / 2
        # A box at the antimeridian is met once on either side of a level; its middle lies on one of them.
        if within.y0 <= y < within.y1 and within.x0 <= x < within.x1:
            found.setdefault(outline.feature, (*map(float, low), *map(float, high)))
    return np.array(list(found.values())).reshape(-1, 4)
