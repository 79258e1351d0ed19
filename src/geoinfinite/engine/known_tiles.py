"""What is known of a batch of tiles: as states for a solver, and as pixels that are kept at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.known import KnownPixels
from geoinfinite.diffusion.model import Array, Bound
from geoinfinite.plane.quantise import Encoding
from geoinfinite.plane.resample import block_sum
from geoinfinite.plane.window import Window

PASSES = 4
"""How often what unknown pixels could not take is divided among those that have room left."""


def known_states(
    known: KnownPixels, encoding: Encoding, windows: Sequence[Window], bound: Bound, latent: int
) -> tuple[Any, Any]:
    """Return known states, and a mask ``(tile, 1, y, x)`` of where they are known: 1 or 0.

    ``windows`` are in pixels of the level. A latent pixel is known if all of its pixels are, and those around
    it: an encoder looks beyond. Unknown pixels are filled from known ones before they are encoded.
    """
    read = [known.read(window) for window in windows]
    images = [filled(encoding.to_unit(pixels), there) for pixels, there in read]
    masks = np.stack([_of_states(there, latent) for _, there in read])[:, None]
    return bound.encode(np.stack(images)), bound.state(masks.astype(np.float32))


def _of_states(known: NDArray[np.bool_], latent: int) -> NDArray[np.bool_]:
    """Return which pixels of the state are known, given those of the image."""
    if latent == 1:
        return known
    rows, columns = (side // latent for side in known.shape)
    cells = known.reshape(rows, latent, columns, latent).all(axis=(1, 3))
    # Beyond the tile nobody knows: what lies there is as the pixels at its edge are.
    around = np.pad(cells, 1, mode="edge")
    shifts = [around[y : y + rows, x : x + columns] for y in range(3) for x in range(3)]
    return np.asarray(np.logical_and.reduce(shifts), bool)


def filled(image: Array, known: NDArray[np.bool_]) -> Array:
    """Return an image ``(band, y, x)`` whose unknown pixels have the mean of known ones around them.

    Means of blocks of 2, 4, 8 ... pixels are taken, the smallest that holds a known pixel.
    """
    if known.all() or not known.any():
        return np.where(known, image, 0).astype(np.float32)
    sums, counts = np.where(known, image, 0).astype(np.float32), known.astype(np.float32)
    values, there = sums.copy(), known.copy()
    side = 1
    while not there.all():
        side *= 2
        sums, counts = (_halved(part) for part in (sums, counts))
        means = sums / np.maximum(counts, 1)
        rows, columns = (np.arange(n) // side for n in known.shape)
        found = (counts > 0)[rows[:, None], columns]
        new = found & ~there
        values[:, new] = means[:, rows[:, None], columns][:, new]
        there |= found
    return values


def _halved(x: Array) -> Array:
    """Return sums over blocks of 2 x 2, the last ones cut short."""
    rows, columns = x.shape[-2:]
    padding = [(0, 0)] * (x.ndim - 2) + [(0, rows % 2), (0, columns % 2)]
    return np.asarray(block_sum(np.pad(x, padding), 2), np.float32)


def settle_around(
    encoding: Encoding,
    fused: Array,
    known: tuple[NDArray[Any], NDArray[np.bool_]],
    parent: NDArray[Any] | None,
    factor: int,
) -> NDArray[Any]:
    """Return a fused image of whole blocks in the dtype, known pixels kept bit for bit.

    In a block that is known in part, unknown pixels take what the block's mean lacks of its parent, as far as
    they have room; where they have none the known pixels win over the parent.
    """
    pixels, there = known
    if not there.any():
        return encoding.settle(fused) if parent is None else encoding.settle(fused, parent, factor)
    image = np.where(there, encoding.to_unit(pixels), fused).astype(np.float32)
    if parent is None:
        return np.where(there, pixels, encoding.settle(image))
    image = _balanced(image, there, encoding.to_unit(parent), factor)
    touched = _spread(block_sum(there.astype(np.float32), factor) > 0, factor)
    settled = np.where(touched, encoding.settle(image), encoding.settle(fused, parent, factor))
    return np.where(there, pixels, settled)


def _balanced(image: Array, known: NDArray[np.bool_], parent: Array, factor: int) -> Array:
    """Move the unknown pixels of blocks so that block means become the parents', within the range."""
    for _ in range(PASSES):
        lacking = parent * np.float32(factor * factor) - block_sum(image, factor)
        direction = _spread(np.sign(lacking), factor)
        room = ~known & (direction * image < 1)
        number = block_sum(room.astype(np.float32), factor)
        each = _spread(lacking / np.maximum(number, 1), factor)
        image = np.where(room, (image + each).clip(-1, 1), image).astype(np.float32)
    return image


def _spread(x: NDArray[Any], factor: int) -> NDArray[Any]:
    return x.repeat(factor, axis=-2).repeat(factor, axis=-1)
