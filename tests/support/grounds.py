"""Rasters and polygons in several CRSs about one place, and grids that lie over them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from pyproj import Transformer
from rasterio.enums import Resampling

from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.told import Slot

LON, LAT = 9.03, 46.93
GRIDS = {
    "EPSG:32632": Grid("EPSG:32632", (499_990.0, 5_200_010.0), 20.0, (320, 240), factor=4, levels=2),
    "EPSG:3857": Grid("EPSG:3857", (1_003_000.0, 5_936_500.0), 30.0, (320, 170), factor=4, levels=2),
    "EPSG:4326": Grid("EPSG:4326", (9.0, 46.95), 2.5e-4, (150, 180), factor=4, levels=2),
}
HINT = Slot("hint", "raster", channels=3, span=(0.0, 1.0))


def around(crs: str) -> tuple[float, float]:
    """The place in a CRS."""
    return Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(LON, LAT)


def noise(shape: tuple[int, ...], seed: int = 3) -> np.ndarray:
    """Values that differ from pixel to pixel, so that a shift by a part of one shows."""
    return np.random.default_rng(seed).integers(1, 255, shape).astype(np.uint8)


def write(path: Path, values: np.ndarray, crs: str, transform: Affine, **more: Any) -> str:
    """A GeoTIFF of ``(band, y, x)``; ``overviews``, ``mask``, ``names`` and tags of the profile as asked."""
    overviews, mask, names = (more.pop(key, None) for key in ("overviews", "mask", "names"))
    colours = more.pop("colours", None)
    count, height, width = values.shape
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": values.dtype}
    with rasterio.open(path, "w", **profile, crs=crs, transform=transform, **more) as raster:
        raster.write(values)
        if names:
            raster.descriptions = names
        if mask is not None:
            raster.write_mask(mask)
        if colours:
            raster.write_colormap(1, colours)
        if overviews:
            raster.build_overviews(overviews, Resampling.average)
    return str(path)


def about(crs: str, step: float, side: int = 420, angle: float = 0.0) -> Affine:
    """A transform whose raster has the place in its middle; off every grid's lattice."""
    x, y = around(crs)
    middle = Affine.translation(x + 0.37 * step, y - 0.21 * step) * Affine.rotation(angle)
    return middle * Affine.scale(step, -step) * Affine.translation(-side / 2, -side / 2)


STEPS = {"EPSG:4326": 2e-4, "EPSG:3857": 25.0, "EPSG:32632": 17.0, "EPSG:5070": 19.0}


def source(folder: Path, crs: str, name: str = "hint.tif", *, finer: float = 1.0, **more: Any) -> str:
    """A raster of noise about the place in a CRS, ``finer`` times finer than the grids."""
    step, side = STEPS[crs] / finer, int(420 * finer)
    angle = more.pop("angle", 0.0)
    return write(folder / name, noise((3, side, side)), crs, about(crs, step, side, angle), **more)


def tiles(window: Window, side: int) -> list[Window]:
    """A window in squares, in an order that is not that of reading."""
    parts = [
        Window(y, min(y + side, window.y1), x, min(x + side, window.x1))
        for y in range(window.y0, window.y1, side)
        for x in range(window.x0, window.x1, side)
    ]
    order = np.random.default_rng(1).permutation(len(parts))
    return [parts[i] for i in order]


def polygon(
    lon: float, lat: float, reach: float, text: str, corners: int = 7, seed: int = 2
) -> dict[str, Any]:
    """A star-like polygon with a text, as GeoJSON has it."""
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.random(corners)) * 2 * np.pi
    radius = reach * (0.5 + rng.random(corners))
    ring = [
        [float(lon + r * np.cos(a)), float(lat + r * np.sin(a))] for a, r in zip(angle, radius, strict=True)
    ]
    return {
        "type": "Feature",
        "properties": {"text": text, "use": text},
        "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
    }


def write_polygons(path: Path, features: list[dict[str, Any]]) -> str:
    """A GeoJSON file."""
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return str(path)


def regions(folder: Path) -> str:
    """Four regions of three texts about the place, of which two overlap."""
    found = [
        polygon(LON - 0.02, LAT, 0.012, "red", 9),
        polygon(LON, LAT - 0.005, 0.012, "blue", 7, 5),
        polygon(LON + 0.01, LAT + 0.005, 0.006, "red", 6, 6),
        polygon(LON - 0.01, LAT - 0.02, 0.01, "green", 12, 7),
    ]
    return write_polygons(folder / "regions.geojson", found)
