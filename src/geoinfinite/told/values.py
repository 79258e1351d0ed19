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


Told: TypeAlias = Array | NDArray[np.float64] | str | Regions | None
"""What fills a slot for one tile.

==============  ================================================================================
raster          float32 ``(band, y, x)``
text            a text, or `Regions`
metadata        float64 ``(item,)`` in units of the world, NaN where nothing is known
embedding       float32 ``(channel, cell, cell)``
``None``        nothing: what the model was trained on in its place (the slot's null)
==============  ================================================================================
"""
