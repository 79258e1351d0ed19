"""Examples of what fills the slots of a model: for every tile another, and none is its own mirror image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray

from geoinfinite.conditions import Condition, Embedding, Frames, Location, Metadata, Raster, Text
from geoinfinite.diffusion.model import Array, ModelFacts
from geoinfinite.plane.grid import Grid
from geoinfinite.told import Frames as ToldFrames
from geoinfinite.told import Slot, Told
from geoinfinite.told.sentinel import SENTINEL2

FACTS: dict[str, tuple[float, float]] = {
    "lon": (-140.0, 97.0),
    "lat": (-50.0, 41.0),
    "gsd": (0.5, 0.75),
    "aspect": (1.0, 0.375),
    "cloud_cover": (0.125, 0.25),
    "year": (2003.0, 7.0),
    "month": (2.0, 3.0),
    "day": (5.0, 9.0),
    "google_level": (11.0, 2.0),
    "resolution_index": (1.0, 2.0),
}
"""By the name of an item of metadata, what the first tile is told, and what is added from tile to tile."""
CHANNELS = 3
"""Bands and channels of slots that take any number."""
SPANS: dict[str | None, tuple[float, float]] = {SENTINEL2: (0.0, 4000.0)}
"""Of slots whose values have an encoding, the values that they usually have."""
FRAMES = 2
"""Frames of slots that take any number."""


def told_example(slot: Slot, tile: int, side: int, gsd_m: float = 1.0) -> Told:
    """Return what fills a slot for one tile of ``side`` pixels of ``gsd_m`` metres.

    Every tile, by number, is told another thing.

    >>> told_example(Slot("prompt", "text"), 1, 32)
    'a wood beside 1 lakes'
    """
    if slot.kind == "text":
        return f"a wood beside {tile} lakes"
    if slot.kind == "metadata":
        return _facts(slot, tile)
    if slot.kind == "embedding":
        return np.asarray(_pattern(slot, tile, slot.cells_of(side, gsd_m)) - 0.5, np.float32)
    if slot.kind == "location":
        return np.array([-140.0 + 17 * tile, -50.0 + 3 * tile])
    if slot.kind == "frames":
        frames = [2 * tile + i for i in range(slot.frames or FRAMES)]
        return ToldFrames(
            np.stack([_picture(slot, frame, side) for frame in frames]),
            np.stack([_facts(slot, frame) for frame in frames]),
        )
    return _picture(slot, tile, side)


def _facts(slot: Slot, tile: int) -> NDArray[np.float64]:
    facts = [FACTS.get(item, (0.125, 0.25)) for item in slot.bands]
    return np.array([first + tile * step for first, step in facts])


def _picture(slot: Slot, tile: int, side: int) -> Array:
    """Return float32 ``(band, y, x)`` in the span of a slot, or in that of its encoding."""
    low, high = slot.span or SPANS.get(slot.encoding, (0.0, 1.0))
    values = np.float32(low) + np.float32(high - low) * _pattern(slot, tile, side // slot.pixels)
    return np.asarray(values, np.float32)


def _pattern(slot: Slot, tile: int, side: int) -> Array:
    """Return float32 ``(channel, y, x)`` in 0..1."""
    bands = 0 if slot.kind == "frames" else len(slot.bands)
    band, y, x = np.mgrid[: slot.channels or bands or CHANNELS, :side, :side]
    return np.asarray((x * 3 + y * 5 + band * 11 + tile * 7 + x * y) % 23 / 22, np.float32)


def condition_examples(facts: ModelFacts, grid: Grid, folder: Path) -> tuple[Condition, ...]:
    """Return a condition for every slot of a model, whose files are written to a folder."""
    return tuple(_condition(slot, grid, folder) for slot in facts.slots)


def _condition(slot: Slot, grid: Grid, folder: Path) -> Condition:
    if slot.kind == "text":
        return Text(slot.name, "a wood")
    if slot.kind == "metadata":
        return Metadata(slot.name, date="2017-02-11", cloud_cover=0.25)
    if slot.kind == "location":
        return Location(slot.name)
    if slot.kind == "frames":
        return _frames(slot, grid, folder)
    path = folder / f"{slot.name}.tif"
    if slot.kind == "embedding":
        _write(path, _pattern(slot, 0, 24), grid)
        return Embedding(slot.name, str(path))
    low, high = SPANS.get(slot.encoding, (0.0, 1.0))
    _write(path, low + np.float32(high - low) * _pattern(slot, 0, 24), grid, slot.bands)
    return Raster(slot.name, str(path))


def _frames(slot: Slot, grid: Grid, folder: Path) -> Condition:
    paths = [folder / f"{slot.name}_{i}.tif" for i in range(slot.frames or FRAMES)]
    for i, path in enumerate(paths):
        _write(path, _pattern(slot, i, 24), grid)
    dates = [f"20{17 + i}-02-{11 + i}" for i in range(len(paths))]
    return Frames(slot.name, tuple(map(str, paths)), dates=tuple(dates))


def _write(path: Path, values: Array, grid: Grid, names: tuple[str, ...] = ()) -> None:
    """Write values that cover more than a grid, in pixels of their own size."""
    bands, rows, columns = values.shape
    step, (left, top) = grid.resolution_at(0), grid.origin
    height, width = ((side + 16) * step for side in grid.shape_at(0))
    transform = Affine(width / columns, 0, left - 8 * step, 0, -height / rows, top + 8 * step)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=bands,
        height=rows,
        width=columns,
        dtype="float32",
        crs=grid.crs,
        transform=transform,
    ) as raster:
        raster.write(values)
        if names:
            raster.descriptions = names
