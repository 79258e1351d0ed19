"""Window law of steered worlds: any chunks, threads, processes and workers give the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dask
import numpy as np
import preset_cases
import pytest
import xarray as xr
from drawings import caching
from steered_worlds import KINDS, LATENTS, PIXELS, REGIONS, TOGETHER, world

from geoinfinite import World
from geoinfinite.engine import generate

# Small chunks of a synchronised level cost more than their tiles, and reading them says so.
pytestmark = pytest.mark.filterwarnings("ignore::geoinfinite.errors.CostWarning")

REGION = REGIONS["utm"]
CASES = {"pixels": ("earlysync", PIXELS, TOGETHER), "latents": ("independent", LATENTS, (*TOGETHER, "known"))}


def made(folder: Path, case: str) -> World:
    preset, model, kinds = CASES[case]
    conditions = tuple(KINDS[kind](folder, "utm") for kind in kinds)
    return world("utm", conditions, preset_cases.PRESET_CASES[preset], model=model, guidance=2.5)


def reference(steered: World) -> np.ndarray:
    return generate(steered, 0, REGION, resources=caching(None))


def selected(steered: World, **chunks: int) -> xr.DataArray:
    array = steered.array(level=0)
    part = array.isel(y=slice(REGION.y0, REGION.y1), x=slice(REGION.x0, REGION.x1))
    return part.chunk(chunks)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_chunks_and_threads(tmp_path: Path, case: str, scheduler: str) -> None:
    steered = made(tmp_path, case)
    wanted = reference(steered)
    for chunks in ({"y": 13, "x": 29}, {"band": 1, "y": 44, "x": 17}):
        with dask.config.set(scheduler=scheduler, num_workers=3):
            assert (selected(steered, **chunks).compute().values == wanted).all()


@pytest.mark.slow
def test_processes(tmp_path: Path) -> None:
    worlds = [made(tmp_path, case) for case in CASES]
    arrays = [selected(steered, y=22, x=35) for steered in worlds]
    with dask.config.set(scheduler="processes", num_workers=2):
        drawn = dask.compute(*arrays)
    for array, steered in zip(drawn, worlds, strict=True):
        assert (np.asarray(array) == reference(steered)).all()


@pytest.fixture
def client() -> Iterator[object]:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_two_distributed_workers(tmp_path: Path, client: object) -> None:
    for case in CASES:
        steered = made(tmp_path, case)
        assert (selected(steered, y=22, x=35).compute().values == reference(steered)).all()
