"""Pixels of any dtype as 8 bits, and as the bytes of a PNG, WebP or JPEG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from geoinfinite.errors import WindowError
from geoinfinite.plane.quantise import Encoding

Format = Literal["png", "webp", "jpeg"]
DRIVERS: Mapping[str, str] = {"png": "PNG", "webp": "WEBP", "jpeg": "JPEG"}
MEDIA_TYPES: Mapping[str, str] = {"png": "image/png", "webp": "image/webp", "jpeg": "image/jpeg"}
_ANYWHERE = Affine(2.0, 0.0, 0.0, 0.0, -2.0, 0.0)
"""These formats do not keep it; without one, or with the identity, rasterio warns."""
_SETTINGS: Mapping[str, dict[str, Any]] = {
    # A higher level takes three times as long for two per cent fewer bytes.
    "png": {"zlevel": 4},
    "webp": {"quality": 90},
    "jpeg": {"quality": 90},
}


def limits_of(dtype: np.dtype[Any]) -> tuple[float, float]:
    """Return the values that become 0 and 255, by the encoding of a world of this dtype."""
    if dtype.name not in Encoding.RANGES:
        known = ", ".join(Encoding.RANGES)
        raise WindowError(
            f"an array of {dtype.name} says not which values are black and white, as one of {known} does; "
            "say them: MapPyramid(arrays, limits=(LOW, HIGH))"
        )
    return Encoding(dtype.name).range


def to_eight_bits(values: NDArray[Any], limits: tuple[float, float]) -> NDArray[np.uint8]:
    """Return values as 0..255, those beyond the limits at the end, those that are no number as 0.

    >>> to_eight_bits(np.array([0.0, 0.5, 2.0, np.nan]), (0.0, 1.0))
    array([  0, 128, 255,   0], dtype=uint8)
    """
    low, high = limits
    scaled = (values.astype(np.float32) - np.float32(low)) * np.float32(255 / (high - low))
    rounded: NDArray[np.uint8] = np.rint(np.nan_to_num(scaled).clip(0, 255)).astype(np.uint8)
    return rounded


def encoded(pixels: NDArray[np.uint8], mask: NDArray[np.bool_], image_format: str = "png") -> bytes:
    """Return the file of a picture ``(band, y, x)`` of one or three bands, transparent where not in ``mask``.

    JPEG has no transparency: pixels are black there.
    """
    if image_format not in DRIVERS:
        raise WindowError(f"format={image_format!r} is not one of {', '.join(DRIVERS)}; take one of them")
    bands = pixels if image_format != "webp" or len(pixels) == 3 else np.repeat(pixels, 3, axis=0)
    if image_format == "jpeg":
        bands = np.where(mask, bands, np.uint8(0))
    elif not mask.all():
        bands = np.concatenate([bands, np.where(mask, np.uint8(255), np.uint8(0))[None]])
    profile = {
        "driver": DRIVERS[image_format],
        "count": len(bands),
        "height": bands.shape[1],
        "width": bands.shape[2],
        "dtype": "uint8",
        "transform": _ANYWHERE,
        **_SETTINGS[image_format],
    }
    with rasterio.Env(GDAL_PAM_ENABLED=False), MemoryFile() as memory:
        with memory.open(**profile) as raster:
            raster.write(bands)
        return bytes(memory.read())
