"""Scenes of the sources below one kilometre: Landsat, NAIP and Sentinel-2, and NEON's camera.

The Blue Marble sets their radiometry by one linear map per band. The mean becomes the Blue Marble's
mean at the same place. The gain is the ratio of standard deviations at 7.4 km where a scene covers at
least `LEAST_PATCHES` pixels of the Blue Marble, and one number for all bands where it does not: 0.6,
but 1.5 (the smallest of the ratios found in Utah) for the counts of Landsat 5 and 7, of which a scene
uses few. It is reduced so far that the darkest 2 % of a band are not clipped.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
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

from training import sources
from training.layer import Bytes, Picture, to_bytes
from training.marble import BLUE_MARBLE_GSD, colour_at
from training.scene import HALF_AN_OCTAVE, Scene, all_usable

Mask = NDArray[np.bool_]
LANDSAT_HOLD_OUT_X = 750_385.0
HELD_OUT_NEON = "SOAP_061.png"
NEON_PLACES = {
    "YELL": (-110.6, 44.9),
    "OSBS": (-82.0, 29.7),
    "SOAP": (-119.26, 37.03),
    "SJER": (-119.73, 37.11),
    "BLAN": (-78.06, 39.06),
}
SENTINEL_COLOUR = (62.0, 63.0, 35.0)
"""Mean colour of the Sentinel-2 image, whose place is not stated: Blue Marble's dry fields and forest."""
LEAST_PATCHES = 16
LARGEST_GAIN, LARGEST_LANDSAT_GAIN = 0.6, 1.5
ONE_GAIN = np.full(3, LARGEST_GAIN)
FIELD_OCTAVES, NEON_OCTAVES = (-0.8, 0.5), (-0.3, 0.8)
"""Jitter of the labels: towards each other, 1.6 and 5 m reach 2.8 and 2.9 m."""


def landsat_parana(cache: Path, globe: Bytes, held_out: bool) -> list[Scene]:
    """Return Landsat 8 over Paraguay, Brazil and Argentina; its eastern third is held out."""
    values, affine, crs = _mosaic(sources.landsat(cache))
    valid = np.all(values > 0, axis=0)
    mapped = _to_colours(values, valid, globe, affine, crs)
    column = int((LANDSAT_HOLD_OUT_X - affine.c) / affine.a)
    part = slice(column, None) if held_out else slice(None, column)
    weights = {0: 8.0, 1: 6.0, 2: 5.0, 3: 4.0, 4: 2.0}
    usable = torch.from_numpy(valid)[:, part]
    return [_landsat("parana", mapped[..., part], 30.0, weights, usable)]


def landsat_utah(cache: Path, globe: Bytes, held_out: bool) -> list[Scene]:
    """Return Landsat 7 at the Great Salt Lake on square pixels; its eastern third is held out."""
    with rasterio.open(sources.utah(cache)) as dataset:
        values, affine, crs = dataset.read((3, 2, 1)).astype(np.float64), dataset.transform, dataset.crs
    mapped = _to_colours(values, np.ones(values.shape[1:], np.bool_), globe, affine, crs)
    mapped = _squared(mapped, _middle_latitude(values, affine))
    column = mapped.shape[2] * 2 // 3
    mapped = mapped[..., column:] if held_out else mapped[..., :column]
    weights = {0: 4.0, 1: 3.0, 2: 2.0} if not held_out else {0: 2.0, 1: 1.0}
    return [_landsat("utah", mapped, 30.0, weights)]


def landsat_rockies(cache: Path, globe: Bytes, held_out: bool) -> list[Scene]:
    """Return Landsat 8 at 167 m over the Rocky Mountains, all for training."""
    if held_out:
        return []
    with rasterio.open(sources.rockies(cache)) as dataset:
        values, affine, crs = dataset.read().astype(np.float64), dataset.transform, dataset.crs
    values, affine = values[:, 12:-12, 12:-12], affine * Affine.translation(12, 12)
    mapped = _to_colours(values, np.ones(values.shape[1:], np.bool_), globe, affine, crs)
    mapped = _squared(mapped, _middle_latitude(values, affine))
    return [_landsat("rockies", mapped, 0.0015 * 111_195, {0: 2.0})]


def landsat_raleigh(cache: Path, globe: Bytes, held_out: bool) -> list[Scene]:
    """Return Landsat 7 over Raleigh, all for training."""
    return [] if held_out else [_scene("raleigh", sources.raleigh(cache), globe, 28.5)]


def landsat_para(cache: Path, globe: Bytes, held_out: bool) -> list[Scene]:
    """Return Landsat 5 over Para; the whole image is held out."""
    return [_scene("para", sources.para(cache), globe, 30.0)] if held_out else []


def landsat_olinda(cache: Path, globe: Bytes, held_out: bool) -> list[Scene]:
    """Return Landsat 7 over Olinda, all for training."""
    if held_out:
        return []
    with rasterio.open(sources.olinda(cache)) as dataset:
        values, affine, crs = dataset.read((3, 2, 1)).astype(np.float64), dataset.transform, dataset.crs
    valid = np.ones(values.shape[1:], np.bool_)
    mapped = _to_colours(values, valid, globe, affine, crs, LARGEST_LANDSAT_GAIN)
    return [_landsat("olinda", mapped, 28.5, {0: 2.0, 1: 0.5})]


def prairie(cache: Path, globe: Bytes, held_out: bool) -> list[Scene]:
    """Return NAIP at 5 m over North Dakota on five dates; the eastern third is held out."""
    found = []
    for date, path in zip(sources.PRAIRIE_DATES, sources.prairie(cache), strict=True):
        with rasterio.open(path) as dataset:
            values, affine, crs = dataset.read((1, 2, 3)).astype(np.float64), dataset.transform, dataset.crs
        mapped = _to_colours(values, np.ones(values.shape[1:], np.bool_), globe, affine, crs)
        column = mapped.shape[2] * 2 // 3
        mapped = mapped[..., column:] if held_out else mapped[..., :column]
        weights = {0: 4.0, 1: 3.0, 2: 1.0}
        found.append(_fields(f"prairie-{date}", mapped, 5.0, weights))
    return found


def sentinel(cache: Path, globe: Bytes, held_out: bool) -> list[Scene]:
    """Return Sentinel-2 at 10 m over fields and forest, all for training."""
    if held_out:
        return []
    values = np.array(json.loads(sources.sentinel(cache).read_text()), dtype=np.float64)[[2, 1, 0]]
    mapped = map_colours(values, values.mean((1, 2)), np.array(SENTINEL_COLOUR), darkest(values), ONE_GAIN)
    return [_fields("spyndex", mapped, 10.0, {0: 4.0, 1: 2.0})]


def neon(cache: Path, globe: Bytes, held_out: bool) -> list[Scene]:
    """Return the NEON crops at 0.1 to 1.6 m; one whole image is held out."""
    chosen = [path for path in sources.neon(cache) if (path.name == HELD_OUT_NEON) == held_out]
    return [_neon_crop(path, globe) for path in chosen]


def neon_fields(cache: Path, globe: Bytes, held_out: bool) -> list[Scene]:
    """Return two more NEON crops, all for training; the one in JPEG from 0.2 m on, without its blocks."""
    if held_out:
        return []
    savanna, pasture = (_neon_crop(path, globe) for path in sources.neon_fields(cache))
    return [
        savanna,
        replace(pasture, weights={power: w for power, w in pasture.weights.items() if power > 0}),
    ]


def _neon_crop(path: Path, globe: Bytes) -> Scene:
    values = np.moveaxis(np.asarray(Image.open(path).convert("RGB"), dtype=np.float64), 2, 0)
    place = next(at for site, at in NEON_PLACES.items() if site in path.name)
    mapped = map_colours(values, values.mean((1, 2)), colour_at(globe, *place), darkest(values), ONE_GAIN)
    area = values[0].size / 7.7e6
    weights = {p: w * area for p, w in ((0, 1.0), (1, 2.0), (2, 5.0), (3, 6.0), (4, 5.0))}
    return Scene(path.stem, "neon", mapped, all_usable(mapped), None, 0.1, NEON_OCTAVES, weights)


def _landsat(
    name: str,
    pixels: torch.Tensor,
    gsd_m: float,
    weights: dict[int, float],
    usable: torch.Tensor | None = None,
) -> Scene:
    mask = all_usable(pixels) if usable is None else usable
    return Scene(name, "landsat", pixels, mask, None, gsd_m, HALF_AN_OCTAVE, weights)


def _fields(name: str, pixels: torch.Tensor, gsd_m: float, weights: dict[int, float]) -> Scene:
    return Scene(name, "fields", pixels, all_usable(pixels), None, gsd_m, FIELD_OCTAVES, weights)


def _scene(name: str, paths: list[Path], globe: Bytes, gsd_m: float) -> Scene:
    """Return the three one-band files of one small scene, all of it usable."""
    bands = []
    for path in paths:
        with rasterio.open(path) as dataset:
            bands.append(dataset.read(1).astype(np.float64))
            affine, crs = dataset.transform, dataset.crs
    values = np.stack(bands)
    valid = np.all((values > 0) & (values < 1e4), axis=0)
    mapped = _to_colours(values, valid, globe, affine, crs, LARGEST_LANDSAT_GAIN)
    return _landsat(name, mapped, gsd_m, {0: 2.0, 1: 0.5}, torch.from_numpy(valid))


def _mosaic(scenes: list[tuple[Path, Path, Path]]) -> tuple[Picture, Affine, CRS]:
    """Join the scenes, cut from one pass of the satellite, on their common 30 m grid."""
    bands = []
    for paths in zip(*scenes, strict=True):
        with ExitStack() as stack:
            joined, affine = merge([stack.enter_context(rasterio.open(p)) for p in paths], nodata=0)
        bands.append(joined[0].astype(np.float64))
    with rasterio.open(scenes[0][0]) as dataset:
        return np.stack(bands), affine, dataset.crs


def _to_colours(
    values: Picture, valid: Mask, globe: Bytes, affine: Affine, crs: CRS, limit: float = LARGEST_GAIN
) -> torch.Tensor:
    """Map digital numbers (3, H, W) to Blue Marble colours with one gain and offset per band."""
    metre = 111_195.0 if crs.is_geographic else 1.0
    block = min(round(BLUE_MARBLE_GSD / (-affine.e * metre)), min(valid.shape))
    ours, theirs = [], []
    for row in range(0, valid.shape[0] - block + 1, block):
        for column in range(0, valid.shape[1] - block + 1, block):
            part = (slice(row, row + block), slice(column, column + block))
            if valid[part].mean() > 0.6:
                x, y = affine * (column + block / 2, row + block / 2)
                (lon,), (lat,) = transform(crs, "EPSG:4326", [x], [y])
                ours.append(values[:, *part][:, valid[part]].mean(1))
                theirs.append(colour_at(globe, lon, lat))
    gain = np.full(3, limit)
    if len(ours) >= LEAST_PATCHES:
        gain = np.std(theirs, 0) / np.std(ours, 0)
    colours = map_colours(values, np.mean(ours, 0), np.mean(theirs, 0), darkest(values[:, valid]), gain)
    return torch.where(torch.from_numpy(valid), colours, 0)


def map_colours(
    values: Picture, mean: Picture, target: Picture, darkest: Picture, gain: Picture
) -> torch.Tensor:
    """Return target + gain * (values - mean) as bytes, with the gain reduced where the darkest clip.

    Equal gains are reduced together, so that they stay equal and hues are kept.
    """
    largest = target / (mean - darkest)
    if np.ptp(gain) == 0:
        largest = largest.min()
    gain = np.minimum(gain, largest)
    return to_bytes(target[:, None, None] + gain[:, None, None] * (values - mean[:, None, None]))


def darkest(values: Picture) -> Picture:
    """Return the second percentile of each band (3, ...)."""
    low: Picture = np.percentile(values.reshape(3, -1), 2, axis=1)
    return low


def _middle_latitude(values: Picture, affine: Affine) -> float:
    return float(affine.f + affine.e * values.shape[1] / 2)


def _squared(pixels: torch.Tensor, latitude: float) -> torch.Tensor:
    """Make the pixels of a picture in degrees square on the ground by shrinking its columns."""
    size = (pixels.shape[1], round(pixels.shape[2] * float(np.cos(np.radians(latitude)))))
    shrunk = F.interpolate(pixels[None].float(), size, mode="bilinear", antialias=True)[0]
    return shrunk.round().clamp(0, 255).to(torch.uint8)
