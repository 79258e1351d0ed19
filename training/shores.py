"""Where water is: the bundled land-and-water raster, sampled for training pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import torch
from torch import Tensor

from training.layer import Bytes, Picture

PER_DEGREE = 240
FINER = 2
"""Samples along each axis of a pixel, whose mean is its share of water."""


@dataclass(frozen=True, slots=True)
class Shores:
    """The global raster of `training.water`, 1/240 degree, 255 for water and 0 for land."""

    raster: Bytes
    """(43200, 86400) uint8."""

    def globe(self, rows: int, columns: int) -> Tensor:
        """Return the share of water, of 255, in `rows` x `columns` equal cells of the globe."""
        height, width = self.raster.shape[0] // rows, self.raster.shape[1] // columns
        strips = (self.raster[i * height : (i + 1) * height] for i in range(rows))
        share = np.stack([strip.reshape(height, columns, width).mean((0, 2)) for strip in strips])
        return torch.from_numpy(share.round().astype(np.uint8))

    def at(self, lon: Picture, lat: Picture) -> Tensor:
        """Return the share of water, of 255, in the pixels with these centres in degrees; (y, x)."""
        row = ((90 - _finer(lat)) * PER_DEGREE).astype(int).clip(0, self.raster.shape[0] - 1)
        column = ((_finer(lon) + 180) * PER_DEGREE).astype(int) % self.raster.shape[1]
        cells = self.raster[np.ix_(row, column)].astype(np.float32)
        share = cells.reshape(len(lat), FINER, len(lon), FINER).mean((1, 3))
        return torch.from_numpy(share.round().astype(np.uint8))


def open_shores(path: Path) -> Shores:
    """Read the whole raster: 3.7 GB of memory, once, while a pack is built."""
    with rasterio.open(path) as dataset:
        return Shores(dataset.read(1))


def _finer(centres: Picture) -> Picture:
    """Return the centres of the `FINER` parts of every pixel."""
    step = np.gradient(centres)[:, None]
    parts = (np.arange(FINER) + 0.5) / FINER - 0.5
    fine: Picture = (centres[:, None] + step * parts).ravel()
    return fine
