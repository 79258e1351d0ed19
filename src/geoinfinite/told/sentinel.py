"""Sentinel-2: the numbers of its products as DiffusionSat is told them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoinfinite.errors import WorldError

SENTINEL2 = "sentinel2"
"""The encoding of slots that are told a product's own numbers: reflectance times 10 000."""
BANDS = ("B4", "B3", "B2", "B5", "B6", "B7", "B8", "B8A", "B11", "B12")
"""The bands that DiffusionSat is told, in order: those of 10 and 20 m, red first."""
MEANS = {
    "B1": 1370.19151926,
    "B2": 1184.3824625,
    "B3": 1120.77120066,
    "B4": 1136.26026392,
    "B5": 1263.73947144,
    "B6": 1645.40315151,
    "B7": 1846.87040806,
    "B8": 1762.59530783,
    "B8A": 1972.62420416,
    "B9": 582.72633433,
    "B10": 14.77112979,
    "B11": 1732.16362238,
    "B12": 1247.91870117,
}
"""Means of fMoW-Sentinel, of all bands of the product."""
DEVIATIONS = {
    "B1": 633.15169573,
    "B2": 650.2842772,
    "B3": 712.12507725,
    "B4": 965.23119807,
    "B5": 948.9819932,
    "B6": 1108.06650639,
    "B7": 1258.36394548,
    "B8": 1233.1492281,
    "B8A": 1364.38688993,
    "B9": 472.37967789,
    "B10": 14.3114637,
    "B11": 1310.36996126,
    "B12": 1087.6020813,
}
"""Their standard deviations."""


def normalised(values: NDArray[np.float32], bands: tuple[str, ...] = BANDS) -> NDArray[np.float32]:
    """Return bands ``(band, y, x)`` in numbers of the product as shares of 0 to 1, in 255 steps.

    Two deviations on either side of a band's mean become 0 to 255, cut there and rounded down as the authors
    do; then all is divided by 255. Leading dimensions before ``band`` are kept. Raises `WorldError` for a
    band that is none of Sentinel-2. Source: ``SentinelNormalize`` in the code of Khanna et al. 2024
    (arXiv:2312.03606) and of SatMAE (Cong et al. 2022, arXiv:2207.08051); means and deviations are theirs.

    >>> red = np.array([[[-794.3, 1136.26026, 2101.5, 3066.8]]], np.float32)
    >>> (normalised(red, ("B4",)) * 255).round(3).tolist()
    [[[0.0, 127.0, 191.0, 255.0]]]
    """
    strange = [band for band in bands if band not in MEANS]
    if strange:
        raise WorldError(f"{strange[0]!r} is no band of Sentinel-2; take some of {', '.join(MEANS)}")
    if values.shape[-3] != len(bands):
        raise WorldError(f"{values.shape[-3]} bands cannot be {', '.join(bands)}; give {len(bands)}")
    mean, deviation = (
        np.array([table[band] for band in bands])[:, None, None] for table in (MEANS, DEVIATIONS)
    )
    low, high = mean - 2 * deviation, mean + 2 * deviation
    steps = np.clip((values - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    return np.asarray(steps.astype(np.float32) / np.float32(255))
