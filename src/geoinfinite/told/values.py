"""The values that a tile is told, in terms of the ground: pixels, words, degrees, metres, dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """Texts that hold for parts of a tile.

    Invariant: the shares of all texts sum to 1 in every cell.
    """

    prompts: tuple[str, ...]
    shares: Array
    """``(prompt, y, x)`` in 0..1, on the pixels of the level."""

    @property
    def nbytes(self) -> int:
        """Memory of the shares, in bytes."""
        return self.shares.nbytes


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Objects of a tile: boxes that may be turned, each with its class.

    Corners are ``(box, corner, 2)``, x before y, in pixels of the level counted from the tile's upper left
    corner. They go round clockwise from the upper left one, and may lie outside the tile.
    """

    corners: NDArray[np.float64]
    """Of the rectangles that tokens stand for."""
    outlines: NDArray[np.float64]
    """Of the quadrilaterals that the objects fill: rectangles of another CRS are none here."""
    classes: tuple[str, ...]

    @property
    def nbytes(self) -> int:
        """Memory of the corners, in bytes."""
        return self.corners.nbytes + self.outlines.nbytes


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Pictures of a place at several times, in the order in which the model is told them."""

    pixels: Array
    """``(frame, band, y, x)``."""
    facts: NDArray[np.float64]
    """``(frame, item)`` in units of the world, NaN where nothing is known."""

    @property
    def nbytes(self) -> int:
        """Memory of pixels and facts, in bytes."""
        return self.pixels.nbytes + self.facts.nbytes


Told: TypeAlias = Array | NDArray[np.float64] | str | Regions | Boxes | Frames | None
"""What fills a slot for one tile.

==============  ================================================================================
raster          float32 ``(band, y, x)``
text            a text, or `Regions`
metadata        float64 ``(item,)`` in units of the world, NaN where nothing is known
embedding       float32 ``(channel, cell, cell)``
location        float64 ``(2,)``: longitude and latitude in degrees
boxes           `Boxes`, none or more
frames          `Frames`
``None``        nothing: what the model was trained on in its place (the slot's null)
==============  ================================================================================
"""
