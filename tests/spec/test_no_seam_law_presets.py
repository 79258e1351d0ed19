"""No-seam law for every preset: told a parent and told nothing, beside one tile round the torus.

The network is the exact denoiser of a Gaussian field on a tile (`oracles`); the reference is the same
field by the same steps from the same noise without tiles (`torus`), so ratios are of one field and small
limits hold on small canvases. Limits: table of tests in the design reference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import oracles
import pytest
import small_worlds
import torus
from bad_noise import BatchNoise, by_tile
from drawings import UNCACHED, exchanged
from stationarity import Beside

from geoinfinite.engine import generate, read, resolve
from geoinfinite.models import reference
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.resample import project_mean
from geoinfinite.recipe.recipe import LevelSettings, Numerics, Recipe
from geoinfinite.recipe.root import Root
from geoinfinite.samplers.presets import (
    ChartedMultiDiffusion,
    EarlySync,
    IndependentTiles,
    InfiniteDiffusion,
    MetaEarthTiles,
    MultiDiffusion,
    SpotDiffusion,
    TiledSampler,
)

SIDE, TILE, STRIDE = 256, 32, 16
LAGS = STRIDE, TILE, 2 * TILE
SETTINGS = {
    "steps": 12,
    "tile": TILE,
    "stride": STRIDE,
    "solver": "euler",
    "schedule": "karras",
    "shift": 1.0,
}
SAMPLERS: dict[str, TiledSampler] = {
    "independent": IndependentTiles(**SETTINGS),
    "gaussian": IndependentTiles(**SETTINGS, weights="gaussian"),
    "metaearth": MetaEarthTiles(**SETTINGS),
    "multidiffusion": MultiDiffusion(**SETTINGS),
    "infinitediffusion": InfiniteDiffusion(**SETTINGS),
    "earlysync": EarlySync(**SETTINGS),
    "charted": ChartedMultiDiffusion(**SETTINGS, chart=64, halo=16),
}
SPOTS = SpotDiffusion(**{**SETTINGS, "stride": TILE})
GRID = Grid("EPSG:32633", (5e5, 6e6), 40.0, (SIDE // 4, SIDE // 4), factor=4, levels=2, periodic=True)

Draw: TypeAlias = Callable[..., tuple[Beside, Beside]]


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Draw:
    """Draw level 1 on known means: ``(field, its detail)``, each beside its reference."""
    monkeypatch.setitem(reference.ANALYTIC, "analytic:oracle", "oracles:OracleModel")
    truth = np.stack([oracles.truth(seed, SIDE) for seed in range(oracles.BANDS)])
    means = truth.reshape(-1, SIDE // 4, 4, SIDE // 4, 4).mean((2, 4))
    values = ((means * oracles.SCALE + 1) / 2).astype("f4")
    root = small_worlds.write_root(tmp_path / "means.tif", values, GRID.crs, GRID.origin, GRID.resolution)

    def run(sampler: TiledSampler, noise: BatchNoise | None = None) -> tuple[Beside, Beside]:
        world = Recipe(
            grid=GRID,
            root=Root(str(root)),
            model=ModelReference("analytic:oracle"),
            sampler=sampler,
            numerics=Numerics(micro_batch=17),
            dtype="float32",
        )
        whole = world.grid.full(1)
        level = resolve(world, 1)
        level = level if noise is None else exchanged(level, noise=noise)
        drawn = (read(level, whole, UNCACHED) * 2 - 1) / oracles.SCALE
        ideal = torus.told(world.noise(1, len(means))(whole), sampler.sigmas, means)
        ideal = project_mean(ideal.astype("f4"), means.astype("f4"), 4)
        parent = means.repeat(4, 1).repeat(4, 2)
        return (
            Beside(drawn, ideal, sampler.stride),
            Beside(drawn - parent, ideal - parent, sampler.stride),
        )

    return run


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[TiledSampler], Beside]:
    """Draw level 0 of a generated world beside its reference."""
    monkeypatch.setitem(reference.ANALYTIC, "analytic:free", "oracles:FreeOracleModel")

    def run(sampler: TiledSampler) -> Beside:
        sampler = replace(sampler, consistency="none")
        world = Recipe(
            grid=replace(GRID, shape=(SIDE, SIDE), levels=1),
            root=Root("generated"),
            model=ModelReference("analytic:free"),
            numerics=Numerics(micro_batch=17),
            dtype="float32",
            levels=(LevelSettings(0, sampler),),
        )
        whole = world.grid.full(0)
        drawn = (generate(world, 0, whole, resources=UNCACHED) * 2 - 1) / oracles.SCALE
        return Beside(drawn, torus.free(world.noise(0, oracles.BANDS)(whole), sampler.sigmas), sampler.stride)

    return run


def breaches_of_told(field: Beside, detail: Beside) -> dict[str, object]:
    """Return the limits of a cascade level that a field breaks."""
    low, high = detail.variance()
    found = {
        "seam": (field.seam(), field.seam() > 1.02),
        "variance": ((low, high), low < 0.97 or high > 1.03),
        "repetition": (detail.repetition(LAGS), detail.repetition(LAGS) > 0.02),
        "spectrum": (detail.spectrum(), any(abs(r - 1) > 0.05 for r in detail.spectrum())),
    }
    return {name: value for name, (value, broken) in found.items() if broken}


def breaches_of_free(field: Beside) -> dict[str, object]:
    """Return the limits of a generated level that a field breaks: it has less far-off order than a torus."""
    low, high = field.variance()
    found = {
        "seam": (field.seam(), field.seam() > 1.06),
        "variance": ((low, high), low / high < 0.95),
        "repetition": (field.repetition(LAGS), field.repetition(LAGS) > 0.02),
    }
    return {name: value for name, (value, broken) in found.items() if broken}


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_level_that_is_told_its_parent(told: Draw, name: str) -> None:
    assert breaches_of_told(*told(SAMPLERS[name])) == {}


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name != "metaearth"])
def test_a_level_that_is_told_nothing(free: Callable[[TiledSampler], Beside], name: str) -> None:
    assert breaches_of_free(free(SAMPLERS[name])) == {}


def test_spots_pay_for_their_few_evaluations(told: Draw) -> None:
    field, detail = told(SPOTS)
    # The tile edges of the last steps lie at the same phases everywhere: 1.2 to 1.4 with 12 to 50 steps.
    assert field.seam() < 1.6
    assert min(detail.spectrum()) > 0.85
    assert "repetition" not in breaches_of_told(field, detail)


@pytest.mark.parametrize("sampler", [IndependentTiles, MultiDiffusion])
def test_uniform_weights_are_caught(
    told: Draw, free: Callable[[TiledSampler], Beside], sampler: type[TiledSampler]
) -> None:
    uniform = sampler(**SETTINGS, weights="uniform")
    assert {"seam", "variance"} <= set(breaches_of_told(*told(uniform)))
    assert {"seam", "variance"} <= set(breaches_of_free(free(uniform)))


def test_cut_tiles_that_are_told_nothing_are_caught(free: Callable[[TiledSampler], Beside]) -> None:
    assert "seam" in breaches_of_free(free(SAMPLERS["metaearth"]))


def test_noise_of_every_tile_s_own_is_caught(told: Draw) -> None:
    noise = by_tile(oracles.BANDS, lambda w: (w.y0 + 4096) * 65_536 + w.x0 + 4096)
    field, detail = told(SAMPLERS["independent"], noise)
    assert {"variance", "spectrum"} <= set(breaches_of_told(field, detail))
    assert min(detail.spectrum()) < 0.75


def test_the_same_noise_in_all_tiles_is_caught(told: Draw) -> None:
    noise = by_tile(oracles.BANDS, lambda w: 5)
    assert "repetition" in breaches_of_told(*told(SAMPLERS["independent"], noise))
