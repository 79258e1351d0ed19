"""How good the bundled network is on places that it never saw.

Run ``python -m pytest benchmarks/bench_quality.py --benchmark-enable -s`` for the table (minutes); every
other run draws one small window. The Blue Marble is coarsened by 4 to 29.7 km, written as a raster, taken as
the root of a world, and drawn at 7.4 km through ``geoinfinite.generate``: the truth is known. Beside it
stand what costs nothing, bicubic enlargement, and the floor: the nearest of the neighbouring real windows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import torch
from drawings import UNCACHED
from numpy.typing import NDArray
from rasterio.transform import from_origin

from geoinfinite import evaluation
from geoinfinite.engine import generate
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe

FACTOR, STRIDE = 4, 216
PLACES = {
    "australia": Window(1528, 1912, 4440, 4824),
    "amazon-andes": Window(1284, 1668, 1536, 1920),
    "southern-ocean": Window(1908, 2100, 4356, 4740),
}
"""Windows of the Blue Marble, 1/15 degree, in the two boxes that training holds out."""
CASCADES = {
    "alps": (7.66, 45.98),
    "sahara": (8.0, 24.0),
    "amazon": (-60.2, -3.3),
    "coast": (-9.15, 38.6),
    "iowa": (-93.5, 42.0),
}
COLUMNS = "swd share", "2-4 px", "4-8 px", "8-16 px", "detail", "colour", "kurtosis"


@dataclass(frozen=True, slots=True)
class Figures:
    """What one picture scores against the real one."""

    swd: float
    """Mean sliced Wasserstein distance over three Laplacian levels."""
    octaves: tuple[float, ...]
    detail: float
    colour: float
    kurtosis: float

    def row(self, bicubic: float) -> list[float]:
        """Return the figures in the order of `COLUMNS`."""
        return [self.swd / bicubic, *self.octaves, self.detail, self.colour, self.kurtosis]


def score(drawn: NDArray[Any], real: NDArray[Any]) -> Figures:
    """Compare one picture with the real one."""
    return Figures(
        float(np.mean(evaluation.sliced_wasserstein(drawn, real))),
        evaluation.octave_ratios(drawn, real),
        evaluation.detail_spread(drawn) / evaluation.detail_spread(real),
        evaluation.colour_distance(drawn, real),
        evaluation.contrast_kurtosis(drawn) / evaluation.contrast_kurtosis(real),
    )


def held_out_world(folder: Path, model: str = "bundled:earth-small") -> tuple[Recipe, NDArray[np.uint8]]:
    """Return a world whose root is the coarsened Blue Marble, and the Blue Marble itself."""
    earth = worldfile.load("earth", Recipe)
    real = earth.root.read(earth.grid.full(0))
    bands, height, width = real.shape
    coarse = real.reshape(bands, height // FACTOR, FACTOR, width // FACTOR, FACTOR).mean((2, 4))
    grid = Grid(
        earth.grid.crs,
        earth.grid.origin,
        earth.grid.resolution * FACTOR,
        coarse.shape[1:],
        factor=FACTOR,
        levels=2,
        periodic=True,
    )
    path = folder / "coarse.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=grid.shape[1], height=grid.shape[0], count=bands, dtype="uint8",
        crs=grid.crs, transform=from_origin(*grid.origin, grid.resolution, grid.resolution),
    ) as raster:  # fmt: skip
        raster.write(np.rint(coarse).astype(np.uint8))
    # A stride must go a whole number of times round the globe.
    world = earth.replace(
        grid=grid,
        root=replace(earth.root, source=str(path)),
        model=ModelReference(model),
        sampler=replace(earth.sampler, stride=STRIDE),
    )
    return world, real


def cut(image: NDArray[Any], window: Window) -> NDArray[Any]:
    """Return the pixels of a window of a whole level."""
    return image[:, window.y0 : window.y1, window.x0 : window.x1]


def bicubic(world: Recipe, window: Window) -> NDArray[Any]:
    """Return the parent of a window, enlarged."""
    ground = window.coarsen(FACTOR).expand(4)
    parent = torch.from_numpy(world.root.read(ground).astype(np.float32))[None]
    fine = torch.nn.functional.interpolate(parent, scale_factor=FACTOR, mode="bicubic")[0]
    rim = 4 * FACTOR
    return np.clip(np.rint(fine[:, rim:-rim, rim:-rim].numpy()), 0, 255)


def neighbours(window: Window) -> Iterator[Window]:
    """Yield the four windows beside one."""
    for rows, columns in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        down, right = rows * window.height, columns * window.width
        yield Window(window.y0 + down, window.y1 + down, window.x0 + right, window.x1 + right)


def floor(real: NDArray[np.uint8], window: Window) -> Figures:
    """Return the score of the nearest of the real windows beside one."""
    truth = cut(real, window)
    inside = (w for w in neighbours(window) if w.y0 >= 0 and w.y1 <= real.shape[1])
    return min((score(cut(real, w), truth) for w in inside), key=lambda figures: figures.swd)


def cascade_figures(world: Recipe, place: tuple[float, float], side: int) -> list[dict[str, float]]:
    """Return slope, detail and repetition of the windows of levels 0 to 4 around (longitude, latitude)."""
    found = []
    for level in range(5):
        resolution = world.grid.resolution_at(level)
        row, column = round((90 - place[1]) / resolution), round((place[0] + 180) / resolution)
        half = side // 2
        drawn = generate(world, level, Window(row - half, row + half, column - half, column + half))
        lags = [lag for lag in (world.sampler.stride, world.sampler.tile) if lag + 16 <= side]
        found.append(
            {
                "slope": evaluation.spectral_slope(drawn),
                "detail": evaluation.detail_spread(drawn),
                "repetition": max(evaluation.repetition(drawn, lags)) if lags else 0.0,
            }
        )
    return found


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recipe, NDArray[np.uint8]]:
    return held_out_world(tmp_path_factory.mktemp("quality"))


@pytest.mark.parametrize("place", PLACES)
def test_quality(benchmark: Any, known: tuple[Recipe, NDArray[np.uint8]], place: str) -> None:
    """Score the world's picture, whose drawing is timed, and others beside it."""
    (world, real), window = known, PLACES[place]
    if not benchmark.enabled:
        window = Window(window.y0, window.y0 + 64, window.x0, window.x0 + 64)
    truth, smooth = cut(real, window), bicubic(world, window)
    base = score(smooth, truth)

    drawn = benchmark.pedantic(lambda: generate(world, 1, window, resources=UNCACHED), rounds=1)

    assert evaluation.parent_error(drawn, world.root.read(window.coarsen(FACTOR)), FACTOR)[0] == 0
    own = score(drawn, truth).row(base.swd)
    benchmark.extra_info.update(zip(COLUMNS, own, strict=True))
    if benchmark.enabled:
        rows = {"bicubic": base.row(base.swd), "floor": floor(real, window).row(base.swd)}
        for name, row in (rows | {"drawn": own}).items():
            print(f"\n{place:15} {name:9}", *(f"{value:8.3f}" for value in row), end="")


def test_cascade(benchmark: Any) -> None:
    """Measure the levels of five places; of one small one without --benchmark-enable."""
    earth = worldfile.load("earth", Recipe)
    side, places = (384, list(CASCADES)) if benchmark.enabled else (32, ["alps"])
    found = benchmark.pedantic(
        lambda: {place: cascade_figures(earth, CASCADES[place], side) for place in places}, rounds=1
    )
    for place, levels in found.items():
        for level, figures in enumerate(levels):
            benchmark.extra_info.update({f"{place} {level} {n}": v for n, v in figures.items()})
            if benchmark.enabled:
                print(f"\n{place:15} level {level}", *(f"{n} {v:7.3f}" for n, v in figures.items()), end="")
    slopes = [[figures["slope"] for figures in levels] for levels in found.values()]
    benchmark.extra_info["mean slope"] = np.mean(slopes, axis=0).tolist()
