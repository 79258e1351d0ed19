"""The mean of a raster over a tile."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from geoinfinite.conditions.place import Place
from geoinfinite.conditions.sampling import averaged, density, sampled
from geoinfinite.conditions.source_raster import source_raster

CELLS = 4
"""The mean is taken over cells of this many pixels a side: a fixed number per pixel of the level."""


def tile_mean(path: Path, named: str, place: Place) -> float:
    """Return the mean of a raster's first band over a place, NaN where nothing is known."""
    header = source_raster(path, named)
    dense = density(header, place.grid, place.level, CELLS, True)
    samples, shape = sampled(header, place, CELLS, header.indexes[:1], dense, True)
    if not samples.known.any():
        return math.nan
    values = samples.values.astype(np.float64)
    cells = averaged(np.where(samples.known, values, 0).reshape(1, *shape).astype(np.float32), dense.parts)
    shares = averaged(samples.known.reshape(1, *shape).astype(np.float32), dense.parts)
    return float(cells.sum(dtype=np.float64) / shares.sum(dtype=np.float64))
