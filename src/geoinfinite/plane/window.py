"""Half-open integer rectangles on the pixel lattice of a level, ordered (y, x)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from geoinfinite.errors import WindowError


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """The pixels with ``y0 <= y < y1`` and ``x0 <= x < x1`` of one level.

    Coordinates are Python integers without limit: negative ones, and ones past the
    antimeridian of a periodic grid, are ordinary.

    >>> Window(-4, 4, 10, 30)
    Window(y0=-4, y1=4, x0=10, x1=30)
    >>> Window(-4, 4, 10, 30).shape
    (8, 20)
    """

    y0: int
    """First row."""
    y1: int
    """One past the last row."""
    x0: int
    """First column."""
    x1: int
    """One past the last column."""

    def __post_init__(self) -> None:
        if not type(self.y0) is type(self.y1) is type(self.x0) is type(self.x1) is int:
            self._make_integers()
        if self.y1 < self.y0 or self.x1 < self.x0:
            raise WindowError(
                f"Window({self.y0}, {self.y1}, {self.x0}, {self.x1}) is inverted: "
                "need y0 <= y1 and x0 <= x1; swap the edges"
            )

    @classmethod
    def of(cls, value: WindowLike) -> Window:
        """Return a window given as ``Window``, ``((row0, row1), (col0, col1))`` or a whole rasterio window.

        Raises `WindowError` for four bare numbers, which libraries order in different ways.

        >>> Window.of(((-4, 4), (10, 30)))
        Window(y0=-4, y1=4, x0=10, x1=30)
        """
        if isinstance(value, Window):
            return value
        fields = [getattr(value, name, None) for name in ("row_off", "height", "col_off", "width")]
        if None not in fields:
            y, height, x, width = (_whole(field, value) for field in fields)
            return cls(y, y + height, x, x + width)
        pairs = value if isinstance(value, tuple | list) and len(value) == 2 else ()
        if pairs and all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs):
            return cls(*pairs[0], *pairs[1])
        raise WindowError(
            f"window={str(value)[:80]} is not a window; write Window(y0, y1, x0, x1) or "
            "((row0, row1), (col0, col1)): four bare numbers could be in another order"
        )

    def _make_integers(self) -> None:
        for name in ("y0", "y1", "x0", "x1"):
            value = getattr(self, name)
            if isinstance(value, bool) or not hasattr(value, "__index__"):
                raise WindowError(f"{name}={value!r}: window edges are integers; round it first")
            object.__setattr__(self, name, value.__index__())

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.y1 - self.y0

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.x1 - self.x0

    @property
    def shape(self) -> tuple[int, int]:
        """``(height, width)``."""
        return self.height, self.width

    @property
    def size(self) -> int:
        """Number of pixels."""
        return self.height * self.width

    def shift(self, dy: int, dx: int) -> Window:
        """Return the window moved by ``dy`` rows and ``dx`` columns."""
        return Window(self.y0 + dy, self.y1 + dy, self.x0 + dx, self.x1 + dx)

    def expand(self, margin: int) -> Window:
        """Return the window grown by ``margin`` pixels on every side."""
        return Window(self.y0 - margin, self.y1 + margin, self.x0 - margin, self.x1 + margin)

    def intersect(self, other: Window) -> Window:
        """Return the common pixels; an empty window where there are none.

        >>> Window(0, 4, 0, 4).intersect(Window(2, 9, 3, 9))
        Window(y0=2, y1=4, x0=3, x1=4)
        """
        y0, x0 = max(self.y0, other.y0), max(self.x0, other.x0)
        return Window(y0, max(y0, min(self.y1, other.y1)), x0, max(x0, min(self.x1, other.x1)))

    def contains(self, other: Window) -> bool:
        """Say whether every pixel of ``other`` is one of this window's."""
        if other.y1 == other.y0 or other.x1 == other.x0:
            return self.intersect(other) == other
        return self.y0 <= other.y0 and other.y1 <= self.y1 and self.x0 <= other.x0 and other.x1 <= self.x1

    def coarsen(self, factor: int) -> Window:
        """Return the coarser level's pixels that cover this window, rounded outwards.

        >>> Window(-1, 5, 4, 8).coarsen(4)
        Window(y0=-1, y1=2, x0=1, x1=2)
        """
        return Window(self.y0 // factor, -(-self.y1 // factor), self.x0 // factor, -(-self.x1 // factor))

    def refine(self, factor: int) -> Window:
        """Return the finer level's pixels that tile this window exactly."""
        return Window(self.y0 * factor, self.y1 * factor, self.x0 * factor, self.x1 * factor)

    def slices(self, within: Window) -> tuple[slice, slice]:
        """Return the index of this window into an array that holds ``within``.

        >>> Window(2, 4, 5, 6).slices(Window(0, 8, 4, 8))
        (slice(2, 4, None), slice(1, 2, None))
        """
        if not within.contains(self):
            raise WindowError(f"{self} is not inside {within}; ask for the pixels it lacks first")
        return (
            slice(self.y0 - within.y0, self.y1 - within.y0),
            slice(self.x0 - within.x0, self.x1 - within.x0),
        )

    def split(self, side: int) -> Iterator[Window]:
        """Yield the cells of the lattice of ``side`` px, anchored at (0, 0), cut to this window.

        >>> [w.shape for w in Window(3, 9, 0, 4).split(4)]
        [(1, 4), (4, 4), (1, 4)]
        """
        if self.size == 0:
            return
        for ky in range(self.y0 // side, -(-self.y1 // side)):
            for kx in range(self.x0 // side, -(-self.x1 // side)):
                cell = Window(ky * side, (ky + 1) * side, kx * side, (kx + 1) * side)
                yield self.intersect(cell)


class RasterioWindow(Protocol):
    """The attributes of rasterio's ``Window`` that are read."""

    row_off: float
    height: float
    col_off: float
    width: float


WindowLike: TypeAlias = Window | Sequence[Sequence[int]] | RasterioWindow
"""A `Window`, ``((row0, row1), (col0, col1))``, or a window of rasterio."""


def _whole(number: Any, window: object) -> int:
    """Return an offset or a length of a foreign window, which may be a float without a fraction."""
    if not float(number).is_integer():
        raise WindowError(
            f"window={window} has a fraction of a pixel; round it: .round_offsets().round_lengths()"
        )
    return int(number)
