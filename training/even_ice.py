"""Ice and snow of a picture of the globe in one colour with what is icy nearby, as bright as it was.

The Blue Marble's tiles are JPEG with one colour per 2 x 2 pixels: ice has spots of pink, green and violet, a
few counts strong. Finer levels draw colour where the parent shows any, so the spots grow.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter

from training.layer import Bytes

LEAST_BRIGHT, MOST_COLOUR = 150, 30
"""Mean of the bands from which a pixel is ice or snow, and the difference of its bands from which it is not:
blue ice and sand have more."""
AROUND = 9
"""Side in pixels of the neighbourhood whose icy pixels tell the colour."""


def evened(picture: Bytes) -> Bytes:
    """Return a globe (y, x, 3) whose icy pixels have the mean colour of those nearby."""
    values = picture.astype(np.float32)
    brightness = values.mean(-1, keepdims=True)
    colour = values - brightness
    icy = (brightness >= LEAST_BRIGHT) & (np.ptp(values, -1, keepdims=True) < MOST_COLOUR)
    size, mode = (AROUND, AROUND, 1), ("nearest", "wrap", "nearest")
    share = uniform_filter(icy.astype(np.float32), size, mode=mode)
    nearby = uniform_filter(colour * icy, size, mode=mode) / np.maximum(share, 1e-6)
    found = np.where(icy, brightness + nearby, values)
    return np.rint(found).clip(0, 255).astype(np.uint8)
