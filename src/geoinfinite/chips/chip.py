"""``Chip``: a small labelled picture, for training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.chips.boxes import BoxLabel
from geoinfinite.chips.source import PixelSource
from geoinfinite.plane.crs import Bounds
from geoinfinite.plane.window import Window


@dataclass(frozen=True, slots=True, eq=False)
class Chip:
    """The pixels of a window with what is known of them."""

    source: PixelSource
    window: Window
    pixels: NDArray[Any]
    """``(band, y, x)`` in the world's dtype."""
    boxes: tuple[BoxLabel, ...] = ()
    mask: NDArray[np.uint8] | None = None
    """The class ``(y, x)`` of every pixel."""
    coarse: NDArray[Any] | None = None
    """The same ground at a coarser level, ``(band, y, x)``: the mean of every block of ``pixels``."""

    @property
    def id(self) -> str:
        """Its name: equal names, equal pixels."""
        return chip_id(self.source, self.window)

    @property
    def bounds(self) -> Bounds:
        """(left, bottom, right, top) in units of the grid's CRS."""
        return self.source.grid.bounds(self.source.level, self.window)

    @property
    def unit_pixels(self) -> NDArray[np.float64]:
        """The pixels, with 0 the least and 1 the greatest value of the dtype."""
        low, high = self.source.encoding.range
        return (self.pixels.astype(np.float64) - low) / (high - low)


def chip_id(source: PixelSource, window: Window) -> str:
    """Return the name of the chip of a window: token, level, row and column of its corner, and its size.

    >>> from geoinfinite import World
    >>> from geoinfinite.chips.source import source_of
    >>> chip_id(source_of(World.load("analytic"), 2), Window(40, 104, -8, 56))[8:]
    '-l2-y40-x86392-64px'
    """
    period = source.grid.period(source.level)
    x = window.x0 if period is None else window.x0 % period
    return f"{source.token[:8]}-l{source.level}-y{window.y0}-x{x}-{window.width}px"
