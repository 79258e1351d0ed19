"""The training images as layers: 8-bit RGB pictures of one ground sampling distance each.

Blue Marble sets the radiometry. Landsat and NEON are brought to it by one linear map per band, so
that a colour means about the same at every level: the mean becomes the Blue Marble's mean at that
place, and the gain is the ratio of standard deviations at 7.4 km (Landsat) or 0.6 (NEON, whose
crops are far smaller than a Blue Marble pixel), reduced where the darkest 2 % would be clipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import rasterio
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from rasterio.crs import CRS
from rasterio.merge import merge
from rasterio.transform import Affine
from rasterio.warp import transform
from torch import Tensor

from training import sources

Picture = NDArray[np.float64]
BLUE_MARBLE_GSD = 40_075_017 / 5400
SMALLEST_SIDE = 240
SHARES = {"blue-marble": 0.6, "landsat": 0.25, "neon": 0.15}
"""Share of the training crops that each source gives."""
LANDSAT_HOLD_OUT_X = 750_385.0
HELD_OUT_BOXES = ((110.0, -50.0, 180.0, 0.0), (-82.0, -56.0, -34.0, 13.0))
"""Australia with Oceania, and South America: (west, south, east, north), never trained on."""
HELD_OUT_NEON = "SOAP_061.png"
NEON_PLACES = {"YELL": (-110.6, 44.9), "OSBS": (-82.0, 29.7), "SOAP": (-119.26, 37.03)}


@dataclass(frozen=True, slots=True)
class Layer:
    """One picture at one resolution, with what the crop sampler must know of it."""

    source: str
    """`blue-marble`, `landsat` or `neon`."""
    pixels: Tensor
    """(3, H, W) uint8."""
    usable: Tensor
    """(H, W) bool: false where pixels are missing or belong to the other split."""
    land: Tensor
    """(H, W) bool: false over open water; only the Blue Marble has water to tell."""
    gsd_m: float
    """Metres per pixel."""
    octaves: tuple[float, float]
    """Range of the jitter of the label log2(gsd), lower and upper."""
    weight: float
    """Probability of a crop from this layer."""


def layers(cache: Path, held_out: bool) -> list[Layer]:
    """Return the training layers, or those of the held-out places."""
    marble = np.array(Image.open(sources.blue_marble(cache)).convert("RGB"))
    found = [*_marble_layers(marble, held_out)]
    found += _landsat_layers(sources.landsat(cache), marble, held_out)
    found += _neon_layers(sources.neon(cache), marble, held_out)
    totals = {s: sum(layer.weight for layer in found if layer.source == s) for s in SHARES}
    return [
        replace(layer, weight=layer.weight * SHARES[layer.source] / totals[layer.source]) for layer in found
    ]


def _marble_layers(marble: NDArray[np.uint8], held_out: bool) -> Iterator[Layer]:
    pixels = torch.from_numpy(marble).permute(2, 0, 1).contiguous()
    inside = torch.zeros(pixels.shape[1:], dtype=torch.bool)
    for west, south, east, north in HELD_OUT_BOXES:
        rows = slice(int((90 - north) * 15), int((90 - south) * 15))
        inside[rows, int((west + 180) * 15) : int((east + 180) * 15)] = True
    usable = inside if held_out else ~inside
    for power, weight in ((0, 45.0), (1, 15.0)):
        coarse = _area_mean(pixels, 2**power)
        yield Layer(
            "blue-marble",
            coarse,
            _all_of(usable, 2**power),
            coarse[0].int() + 8 > coarse[2].int(),
            BLUE_MARBLE_GSD * 2**power,
            (-2.5, 0.3),
            weight,
        )


def _landsat_layers(
    scenes: list[tuple[Path, Path, Path]], marble: NDArray[np.uint8], held_out: bool
) -> Iterator[Layer]:
    if not scenes:
        return
    values, affine, crs = _mosaic(scenes)
    valid = np.all(values > 0, axis=0)
    colours = _landsat_colours(values, valid, marble, affine, crs)
    column = int((LANDSAT_HOLD_OUT_X - affine.c) / affine.a)
    part = slice(column, None) if held_out else slice(None, column)
    colours, usable = colours[..., part], torch.from_numpy(valid)[:, part]
    for power, weight in ((0, 8.0), (1, 6.0), (2, 5.0), (3, 4.0), (4, 2.0)):
        pixels = _pad(_area_mean(colours, 2**power))
        kept = _pad(_all_of(usable, 2**power)[None])[0]
        yield _ground_layer("landsat", pixels, kept, 30.0 * 2**power, (-2.2, 1.0), weight)


def _mosaic(scenes: list[tuple[Path, Path, Path]]) -> tuple[Picture, Affine, CRS]:
    """Join the scenes, cut from one pass of the satellite, on their common 30 m grid."""
    bands = []
    for paths in zip(*scenes, strict=True):
        with ExitStack() as stack:
            joined, affine = merge([stack.enter_context(rasterio.open(p)) for p in paths], nodata=0)
        bands.append(joined[0].astype(np.float64))
    with rasterio.open(scenes[0][0]) as dataset:
        return np.stack(bands), affine, dataset.crs


def _landsat_colours(
    values: Picture, valid: NDArray[np.bool_], marble: NDArray[np.uint8], affine: Affine, crs: CRS
) -> Tensor:
    """Map digital numbers to Blue Marble colours with one gain and offset per band."""
    block = 240
    ours, theirs = [], []
    for row in range(0, values.shape[1] - block, block):
        for column in range(0, values.shape[2] - block, block):
            part = (slice(row, row + block), slice(column, column + block))
            if valid[part].mean() > 0.99:
                x, y = affine * (column + block / 2, row + block / 2)
                (lon,), (lat,) = transform(crs, "EPSG:4326", [x], [y])
                ours.append(values[:, *part].mean((1, 2)))
                theirs.append(_marble_at(marble, lon, lat))
    mean_ours, mean_theirs = np.mean(ours, 0), np.mean(theirs, 0)
    spread = np.array([values[band][valid].std() for band in range(3)])
    gain = np.minimum(np.std(theirs, 0) / np.std(ours, 0), mean_theirs / (2 * spread))
    mapped = mean_theirs[:, None, None] + gain[:, None, None] * (values - mean_ours[:, None, None])
    return _to_bytes(np.where(valid, mapped, mean_theirs[:, None, None]))


def _neon_layers(paths: list[Path], marble: NDArray[np.uint8], held_out: bool) -> Iterator[Layer]:
    for path in paths:
        if (path.name == HELD_OUT_NEON) != held_out:
            continue
        values = np.moveaxis(np.asarray(Image.open(path).convert("RGB"), dtype=np.float64), 2, 0)
        place = next(at for site, at in NEON_PLACES.items() if site in path.name)
        target = _marble_at(marble, *place)
        mean, spread = values.mean((1, 2)), values.std((1, 2))
        gain = min(0.6, float((target / (2 * spread)).min()))
        mapped = target[:, None, None] + gain * (values - mean[:, None, None])
        colours = _to_bytes(mapped)
        area = values[0].size / 7.7e6
        for power, weight in ((0, 1.0), (1, 2.0), (2, 5.0), (3, 6.0), (4, 5.0)):
            pixels = _area_mean(colours, 2**power)
            if min(pixels.shape[1:]) >= 96:
                pixels = _pad(pixels)
                usable = torch.ones(pixels.shape[1:], dtype=torch.bool)
                gsd = 0.1 * 2**power
                yield _ground_layer("neon", pixels, usable, gsd, (-0.3, 1.5), weight * area)


def _ground_layer(
    source: str,
    pixels: Tensor,
    usable: Tensor,
    gsd_m: float,
    octaves: tuple[float, float],
    weight: float,
) -> Layer:
    return Layer(source, pixels, usable, torch.ones_like(usable), gsd_m, octaves, weight)


def _marble_at(marble: NDArray[np.uint8], lon: float, lat: float) -> Picture:
    colour: Picture = marble[int((90 - lat) * 15), int((lon + 180) * 15)].astype(np.float64)
    return colour


def _to_bytes(values: Picture) -> Tensor:
    return torch.from_numpy(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _area_mean(pixels: Tensor, factor: int) -> Tensor:
    if factor == 1:
        return pixels
    return F.avg_pool2d(pixels.float(), factor).round().clamp(0, 255).to(torch.uint8)


def _all_of(mask: Tensor, factor: int) -> Tensor:
    if factor == 1:
        return mask
    return F.avg_pool2d(mask.float()[None], factor)[0] > 0.999


def _pad(pixels: Tensor) -> Tensor:
    """Mirror a small picture until the largest training crop fits into it."""
    missing = [max(0, SMALLEST_SIDE - side) for side in pixels.shape[1:]]
    widths = [(0, 0), *((m // 2, m - m // 2) for m in missing)]
    return torch.from_numpy(np.pad(pixels.numpy(), widths, mode="symmetric"))
