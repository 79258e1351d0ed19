"""Shores of a picture moved to where water is known to be.

The Blue Marble's coasts lie up to some kilometres beside GSHHG's. No level below level 0 can mend that, for a
block's mean is its parent: land is drawn blue where level 0 has the colour of the sea.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, uniform_filter

from training.layer import Bytes

Numbers = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

INNER, SHORE, FARTHEST = 2.0, 4.0, 12.0
"""Pixels from the other side: farther off than the first a pixel tells what its side looks like, nearer than
the second it may be moved, to looks that are no farther off than the third."""
AROUND = 5
"""Side in pixels of the neighbourhood that tells the looks of a side."""
LEAST_WRONG = 0.25
"""Difference between the share of water that a pixel shows and that it has, below which it stays as it is."""
LEAST_CONTRAST = 12.0
"""Counts of 255 between water and land; a river as brown as its banks stays as it is."""
ICE, MOST_RED = 110.0, 12.0
"""Mean count above which a pixel is ice or snow if its red exceeds its blue by less: it is no mixture."""


def moved(picture: Bytes, share: Bytes) -> Bytes:
    """Return a picture (y, x, 3) whose pixels beside a shore are as wet as `share` (y, x), of 255, says.

    How wet a pixel looks is its place on the line from the colour of land to that of water, both of the
    nearest pixels that are one of them for sure. It is moved along this line, and loses as much of what it
    has beside the line.
    """
    colours, wet = picture.astype(np.float32), share.astype(np.float32)[..., None] / 255
    icy = (colours.mean(-1) > ICE) & (colours[..., 0] - colours[..., 2] < MOST_RED)
    to_land, to_water = (_away(share != full) for full in (255, 0))
    water, no_water = _looks(colours, (to_land > INNER) & ~icy)
    land, no_land = _looks(colours, (to_water > INNER) & ~icy)
    line = water - land
    contrast = np.square(line).sum(-1, keepdims=True)
    place = ((colours - land) * line).sum(-1, keepdims=True) / np.maximum(contrast, 1)
    shown = place.clip(0, 1)
    wrong = wet - shown
    beside = (to_land <= SHORE) & (to_water <= SHORE) & (no_water <= FARTHEST) & (no_land <= FARTHEST) & ~icy
    there = beside[..., None] & (contrast > LEAST_CONTRAST**2) & (np.abs(wrong) > LEAST_WRONG)
    off = colours - land - shown * line
    found = np.where(there, colours + wrong * line - np.abs(wrong) * off, colours)
    return np.rint(found).clip(0, 255).astype(np.uint8)


def _looks(colours: Numbers, inner: Mask) -> tuple[Numbers, Numbers]:
    """Return the mean colour (y, x, 3) around the nearest inner pixel, and how far off that is (y, x)."""
    here = inner[..., None].astype(np.float32)
    size = AROUND, AROUND, 1
    means = uniform_filter(colours * here, size) / np.maximum(uniform_filter(here, size), 1e-6)
    row, column = distance_transform_edt(~inner, return_distances=False, return_indices=True)
    return means[row, column], _away(inner)


def _away(there: Mask) -> Numbers:
    """Return how far every pixel is from those that are there, infinitely if none is."""
    distance: Numbers = distance_transform_edt(~there) if there.any() else np.full(there.shape, np.inf)
    return distance
