"""Where chips lie: scattered windows that share no pixel within an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from geoinfinite.chips.chance import key_of, shuffled, uniforms
from geoinfinite.chips.source import PixelSource
from geoinfinite.errors import WindowError, WorldError
from geoinfinite.plane.window import Window


@dataclass(frozen=True, slots=True)
class Places:
    """How many chips there are, and where they may lie.

    >>> Places(count=100, bounds=(6, 45, 8, 47)).seed
    0
    """

    count: int = 1000
    """Chips of an epoch, over all workers and ranks."""
    seed: int = 0
    """Of the places alone: worlds of other seeds are drawn at the same ones."""
    bounds: tuple[float, float, float, float] | None = None
    """(left, bottom, right, top) in CRS units of the grid; ``None``: everywhere."""
    at_once: int = 16
    """Chips that are drawn together."""

    def __post_init__(self) -> None:
        for name, value in (("count", self.count), ("at_once", self.at_once)):
            if type(value) is not int or value < 1:
                raise WorldError(f"places.{name}={value!r} must be an integer from 1 on; write one")

    def within(self, source: PixelSource) -> Window:
        """Return the pixels of a level in which chips may lie."""
        return area(source, self.bounds)


def area(source: PixelSource, bounds: Sequence[float] | None, crs: Any = None) -> Window:
    """Return the pixels of a level within bounds; raise `WindowError` where there are none."""
    if bounds is None:
        return source.within
    asked = source.grid.window(source.level, bounds, crs)
    found = asked if source.wraps else asked.intersect(source.within)
    if found.size == 0:
        raise WindowError(
            f"bounds={tuple(bounds)} lie outside of the pixels that there are, {source.within}; ask for "
            "a part of them"
        )
    return found


def scattered(number: int, epoch: int, within: Window, size: int, seed: int) -> Window:
    """Return the window of a chip: a cell of a lattice whose offset and order are those of the epoch.

    Chips of one epoch share no pixel, as long as there are cells that have none; then the next lattice
    begins, at another offset. Every window is a function of the arguments alone.

    >>> places = [scattered(i, 0, Window(0, 50, 0, 70), 16, seed=3) for i in range(6)]
    >>> max(a.intersect(b).size for a in places for b in places if a != b)
    0
    """
    rows, columns = (_cells(side, size) for side in within.shape)
    turn, index = divmod(number, rows * columns)
    key = key_of(f"scattered:{epoch}:{turn}", seed)
    row, column = divmod(shuffled(index, rows * columns, key), columns)
    up, across = uniforms(key, (0, 0), 2)
    y = within.y0 + int(up * (within.height - rows * size + 1)) + row * size
    x = within.x0 + int(across * (within.width - columns * size + 1)) + column * size
    return Window(y, y + size, x, x + size)


def aligned(window: Window, step: int) -> Window:
    """Return a window moved up and to the left onto multiples of a step.

    >>> aligned(Window(5, 13, 16, 24), 4)
    Window(y0=4, y1=12, x0=16, x1=24)
    """
    return window.shift(-(window.y0 % step), -(window.x0 % step))


def check_size(size: int, within: Window) -> None:
    """Raise `WindowError` unless a chip fits into the pixels that there are."""
    if type(size) is not int or size < 1:
        raise WindowError(f"size={size!r} must be a number of pixels from 1 on; write one such as 256")
    if size > min(within.shape):
        raise WindowError(
            f"size={size} does not fit into {within.height} x {within.width} px; take a size of "
            f"{min(within.shape)} at most, or larger bounds"
        )


def _cells(side: int, size: int) -> int:
    """Return cells along a side: one less than fit, so that there is room for an offset."""
    return max(1, side // size - 1) if side % size < size // 2 else side // size
