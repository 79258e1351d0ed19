"""Which tiles there are: a lattice anchored at a fixed pixel of a level, never at a canvas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from geoinfinite.errors import WorldError
from geoinfinite.plane.window import Window

TileIndex = tuple[int, int]
"""``(ky, kx)``: the tile that starts ``ky`` strides below and ``kx`` right of the lattice's origin."""


@dataclass(frozen=True, slots=True)
class Lattice:
    """Square tiles of ``size`` px that start every ``stride`` px from an origin ``(y, x)``, along both axes.

    >>> lattice = Lattice(size=64, stride=48)
    >>> lattice.window((-1, 2))
    Window(y0=-48, y1=16, x0=96, x1=160)
    >>> list(lattice.touching(Window(0, 10, 50, 70)))
    [(-1, 0), (-1, 1), (0, 0), (0, 1)]
    """

    size: int
    stride: int
    origin: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        if not 0 < self.stride <= self.size:
            raise WorldError(
                f"stride={self.stride} must be between 1 and tile={self.size}: "
                "a larger stride leaves pixels that no tile covers"
            )

    def window(self, index: TileIndex) -> Window:
        """Return the pixels of a tile."""
        y, x = (o + k * self.stride for o, k in zip(self.origin, index, strict=True))
        return Window(y, y + self.size, x, x + self.size)

    def shift(self, dy: int, dx: int) -> Lattice:
        """Return the lattice moved by ``dy`` rows and ``dx`` columns."""
        return replace(self, origin=(self.origin[0] + dy, self.origin[1] + dx))

    def rows(self, window: Window) -> range:
        """Return the first halves of the indices of the tiles that meet a window."""
        return self._span(window.y0 - self.origin[0], window.y1 - self.origin[0])

    def columns(self, window: Window) -> range:
        """Return the second halves of the indices of the tiles that meet a window."""
        return self._span(window.x0 - self.origin[1], window.x1 - self.origin[1])

    def _span(self, start: int, stop: int) -> range:
        if stop <= start:
            return range(0)
        return range(-((self.size - 1 - start) // self.stride), (stop - 1) // self.stride + 1)

    def touching(self, window: Window) -> Iterator[TileIndex]:
        """Yield the tiles that meet a window, in row-major order."""
        columns = self.columns(window)
        return ((ky, kx) for ky in self.rows(window) for kx in columns)

    def count(self, window: Window) -> int:
        """Return how many tiles meet a window."""
        return len(self.rows(window)) * len(self.columns(window))

    def hull(self, window: Window) -> Window:
        """Return the pixels of all tiles that meet a window that is not empty."""
        rows, columns = self.rows(window), self.columns(window)
        return self.cover(rows, columns)

    def block(self, rows: range, columns: range) -> TileBlock:
        """Return rows and columns of tiles as a block."""
        return TileBlock(self.size, self.stride, self.origin, rows, columns)

    def cover(self, rows: range, columns: range) -> Window:
        """Return the pixels of a block of tiles, which is not empty."""
        first, last = self.window((rows[0], columns[0])), self.window((rows[-1], columns[-1]))
        return Window(first.y0, last.y1, first.x0, last.x1)


@dataclass(frozen=True, slots=True)
class TileBlock:
    """Squares in rows and columns that are counted and not drawn: they may lie apart, as those of charts do.

    >>> block = TileBlock(64, 48, (0, -8), range(2), range(-1, 3))
    >>> block.count, block.window((1, -1))
    (8, Window(y0=48, y1=112, x0=-56, x1=8))
    """

    size: int
    """Side of a square."""
    stride: int
    """Pixels from one square's start to the next one's; it may exceed ``size``."""
    origin: tuple[int, int]
    """First pixel ``(y, x)`` of square (0, 0)."""
    rows: range
    columns: range
    every: tuple[int, int] = (1, 1)
    """Strides from one row of squares to the next, and from one column."""

    @property
    def strides(self) -> tuple[int, int]:
        """Pixels ``(y, x)`` from one square's start to the next one's."""
        return self.stride * self.every[0], self.stride * self.every[1]

    @property
    def count(self) -> int:
        """Number of squares."""
        return len(self.rows) * len(self.columns)

    def window(self, index: TileIndex) -> Window:
        """Return the pixels of a square."""
        y, x = (o + k * n for o, k, n in zip(self.origin, index, self.strides, strict=True))
        return Window(y, y + self.size, x, x + self.size)

    def refine(self, factor: int) -> TileBlock:
        """Return the block on pixels that are ``factor`` times finer."""
        y, x = self.origin
        return replace(
            self, size=self.size * factor, stride=self.stride * factor, origin=(y * factor, x * factor)
        )
