"""Window law for synchronised presets: any chunking and any scheduler give the same bytes."""

from __future__ import annotations

from pathlib import Path

import dask
import numpy as np
import preset_cases
import pytest
import small_worlds
import xarray as xr
from drawings import UNCACHED

from geoinfinite import World
from geoinfinite.engine import generate
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.window import Window

# Small chunks of a synchronised level cost more than their tiles, and reading them says so.
pytestmark = pytest.mark.filterwarnings("ignore::geoinfinite.errors.CostWarning")

WINDOW = Window(3, 47, 20, 90)
PRESETS = "multidiffusion", "spotdiffusion", "charted"


def made(folder: Path, preset: str, model: str = "analytic:gaussian") -> World:
    recipe = small_worlds.ring_world(
        folder, sampler=preset_cases.PRESET_CASES[preset], model=ModelReference(model)
    )
    return World(**{name: getattr(recipe, name) for name in recipe.__dataclass_fields__})


def selected(world: World) -> xr.DataArray:
    return world.array(level=1).isel(y=slice(WINDOW.y0, WINDOW.y1), x=slice(WINDOW.x0, WINDOW.x1))


@pytest.mark.parametrize("model", preset_cases.MODELS)
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_chunkings(tmp_path: Path, preset: str, model: str, scheduler: str) -> None:
    world = made(tmp_path, preset, model)
    reference = generate(world, 1, WINDOW, resources=UNCACHED)
    for chunks in ({}, {"y": 13, "x": 29}, {"band": 1, "y": 44, "x": 17}):
        with dask.config.set(scheduler=scheduler, num_workers=3):
            assert (selected(world).chunk(chunks).compute().values == reference).all()


@pytest.mark.slow
def test_processes(tmp_path: Path) -> None:
    arrays, references = [], []
    for preset in PRESETS:
        world = made(tmp_path, preset)
        references.append(generate(world, 1, WINDOW, resources=UNCACHED))
        arrays.append(selected(world).chunk({"y": 22, "x": 35}))
    with dask.config.set(scheduler="processes", num_workers=2):
        drawn = dask.compute(*arrays)
    for array, reference in zip(drawn, references, strict=True):
        assert (np.asarray(array) == reference).all()
