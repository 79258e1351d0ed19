"""Which tiles there are: a lattice anchored at pixel (0, 0) of a level, never at a canvas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from geoinfinite.errors import WorldError
from geoinfinite.window import Window

TileIndex = tuple[int, int]
"""``(ky, kx)``: the tile that starts at row ``ky * stride``, column ``kx * stride``."""


@dataclass(frozen=True, slots=True)
class Lattice:
    """Square tiles of ``size`` px that start at every multiple of ``stride`` px, along both axes.

    >>> lattice = Lattice(size=64, stride=48)
    >>> lattice.window((-1, 2))
    Window(y0=-48, y1=16, x0=96, x1=160)
    >>> list(lattice.touching(Window(0, 10, 50, 70)))
    [(-1, 0), (-1, 1), (0, 0), (0, 1)]
    """

    size: int
    stride: int

    def __post_init__(self) -> None:
        if not 0 < self.stride <= self.size:
            raise WorldError(
                f"stride={self.stride} must be between 1 and tile={self.size}: "
                "a larger stride leaves pixels that no tile covers"
            )

    def window(self, index: TileIndex) -> Window:
        """Return the pixels of a tile."""
        y, x = index[0] * self.stride, index[1] * self.stride
        return Window(y, y + self.size, x, x + self.size)

    def span(self, start: int, stop: int) -> range:
        """Return the indices along one axis of the tiles that meet pixels ``start <= p < stop``."""
        if stop <= start:
            return range(0)
        return range(-((self.size - 1 - start) // self.stride), (stop - 1) // self.stride + 1)

    def touching(self, window: Window) -> Iterator[TileIndex]:
        """Yield the tiles that meet a window, in row-major order."""
        columns = self.span(window.x0, window.x1)
        return ((ky, kx) for ky in self.span(window.y0, window.y1) for kx in columns)

    def count(self, window: Window) -> int:
        """Return how many tiles meet a window."""
        return len(self.span(window.y0, window.y1)) * len(self.span(window.x0, window.x1))

    def hull(self, window: Window) -> Window:
        """Return the pixels of all tiles that meet a window that is not empty."""
        rows, columns = self.span(window.y0, window.y1), self.span(window.x0, window.x1)
        first, last = self.window((rows[0], columns[0])), self.window((rows[-1], columns[-1]))
        return Window(first.y0, last.y1, first.x0, last.x1)
