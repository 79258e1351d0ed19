"""Sliced Wasserstein distance between the patches of two sets of pictures, scale by scale.

Source: Karras et al. 2018 (arXiv:1710.10196), section 5 and appendix A; the pyramid is Burt and
Adelson's (1983). Three choices differ from the first and are fixed here, so that figures can be
compared: the coarsest, low-passed level is left out (a picture that was drawn from its parent has it
by construction); both sets are normalised with the statistics of the *real* set, so that a picture
that is too smooth is seen to be; all patches of a regular lattice are taken, not a random draw.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from geoinfinite.diffusion.noise import NoiseField, noise_key
from geoinfinite.evaluation.images import Images, Values, as_pair, as_stack, at_least
from geoinfinite.plane.window import Window

SIDE = 7
"""Side of a patch in pixels."""
LEVELS = 3
"""Levels of the pyramid: wavelengths of about 2 to 4, 4 to 8 and 8 to 16 pixels."""
DIRECTIONS = 256
MOST_PATCHES = 24_000
"""Patches per set and level: the lattice's spacing is the least odd number that keeps below."""
BINOMIAL = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
LEAST_SIDE = SIDE * 2**LEVELS


def laplacian_pyramid(images: Images, levels: int = LEVELS) -> list[Values]:
    """Return `levels` band-passed pictures, finest first, and the low-passed rest.

    Shapes ``(image, band, y, x)``, each half the one before. ``picture - enlarged(half)`` is kept
    at every level, so the pyramid loses nothing.

    >>> [level.shape for level in laplacian_pyramid(np.ones((3, 64, 48)), 2)]
    [(1, 3, 64, 48), (1, 3, 32, 24), (1, 3, 16, 12)]
    """
    now = as_stack(images, "images")
    found = []
    for _ in range(levels):
        half = _blur(_blur(now, -1), -2)[..., ::2, ::2]
        found.append(now - _enlarged(half, now.shape))
        now = half
    return [*found, now]


def sliced_wasserstein(drawn: Images, real: Images) -> tuple[float, ...]:
    """Return the distance per level of the pyramid, finest first; 0 for equal sets.

    `drawn` and `real` have one shape. Units: standard deviations of the real set at that level. The
    mean over the levels is the usual single figure; divide by another method's to compare.
    """
    ours, theirs = as_pair(drawn, real)
    at_least(LEAST_SIDE, theirs, "real")
    pairs = zip(laplacian_pyramid(ours)[:-1], laplacian_pyramid(theirs)[:-1], strict=True)
    return tuple(_distance(a, b) for a, b in pairs)


def _distance(ours: Values, theirs: Values, directions: Values | None = None) -> float:
    mean = theirs.mean((0, 2, 3), keepdims=True)
    deviation = np.maximum(theirs.std((0, 2, 3), keepdims=True), 1e-9)
    if directions is None:
        directions = _directions(theirs.shape[1] * SIDE * SIDE)
    sorted_ours, sorted_theirs = (
        np.sort(_descriptors((x - mean) / deviation) @ directions, axis=0) for x in (ours, theirs)
    )
    return float(np.abs(sorted_ours - sorted_theirs).mean())


def _descriptors(images: Values) -> Values:
    """Return patches as rows, ``(patch, band * SIDE * SIDE)``."""
    every = sliding_window_view(images, (SIDE, SIDE), axis=(2, 3))
    apart = 1
    # An odd spacing falls on every phase of the blocks of 2 and 4 pixels that networks work in.
    while every[:, 0, ::apart, ::apart, 0, 0].size > MOST_PATCHES:
        apart += 2
    chosen = np.moveaxis(every[:, :, ::apart, ::apart], 1, 3)
    return np.asarray(chosen.reshape(-1, images.shape[1] * SIDE * SIDE))


@lru_cache(maxsize=4)
def _directions(dimensions: int) -> Values:
    """Return unit vectors as columns, ``(dimensions, DIRECTIONS)``, the same ones always."""
    field = NoiseField(noise_key("geoinfinite.evaluation", 0), level=0, channels=1)
    vectors = field(Window(0, dimensions, 0, DIRECTIONS))[0].astype(np.float64)
    unit: Values = vectors / np.linalg.norm(vectors, axis=0)
    return unit


def _blur(x: Values, axis: int) -> Values:
    """Convolve an axis with the binomial kernel, mirrored at its ends."""
    widths = [(0, 0)] * x.ndim
    widths[axis] = (2, 2)
    padded = np.moveaxis(np.pad(x, widths, mode="reflect"), axis, -1)
    length = padded.shape[-1] - 4
    total = sum(weight * padded[..., i : i + length] for i, weight in enumerate(BINOMIAL))
    return np.moveaxis(np.asarray(total), -1, axis)


def _enlarged(half: Values, shape: tuple[int, ...]) -> Values:
    """Return `half` at twice its size: zeros between its pixels, blurred."""
    sparse = np.zeros(shape)
    sparse[..., ::2, ::2] = half
    return 4 * _blur(_blur(sparse, -1), -2)
