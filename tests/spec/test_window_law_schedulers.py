"""Window law: any chunking, any scheduler, any number of workers give the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dask
import numpy as np
import pytest
import small_worlds
from drawings import UNCACHED

from geoinfinite import World
from geoinfinite.engine import generate
from geoinfinite.plane.window import Window

WINDOW = Window(30, 190, 40, 230)


@pytest.fixture
def world(tmp_path: Path) -> World:
    recipe = small_worlds.patch_world(tmp_path)
    return World(**{name: getattr(recipe, name) for name in recipe.__dataclass_fields__})


@pytest.fixture
def reference(world: World) -> np.ndarray:
    return generate(world, 2, WINDOW, resources=UNCACHED)


def selected(world: World, **chunks: object):
    return world.array(level=2, **chunks).isel(y=slice(WINDOW.y0, WINDOW.y1), x=slice(WINDOW.x0, WINDOW.x1))


@pytest.mark.parametrize("chunks", [{}, {"y": 50, "x": 77}, {"band": 1, "y": 160, "x": 19}, {"x": 190}])
@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_chunkings(world: World, reference: np.ndarray, chunks: dict[str, int], scheduler: str) -> None:
    lazy = selected(world).chunk(chunks)
    with dask.config.set(scheduler=scheduler, num_workers=3):
        assert (lazy.compute().values == reference).all()


def test_chunks_chosen_at_opening(world: World, reference: np.ndarray) -> None:
    assert (selected(world, chunks={}).compute().values == reference).all()
    assert (selected(world, chunks={"y": 64, "x": 64}).compute().values == reference).all()


@pytest.mark.slow
def test_processes(world: World, reference: np.ndarray) -> None:
    with dask.config.set(scheduler="processes", num_workers=2):
        assert (selected(world).chunk({"y": 80, "x": 95}).compute().values == reference).all()


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
def test_two_distributed_workers(world: World, reference: np.ndarray, client: object) -> None:
    assert (selected(world).chunk({"y": 80, "x": 95}).compute().values == reference).all()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_bundled_network_on_two_workers(client: object) -> None:
    earth = World.load("earth")
    # Over the edge of a tile, so that the workers draw tiles that blend.
    y0 = 46 * earth.sampler.stride - 10
    window = Window(y0, y0 + 30, 44_900, 44_940)
    lazy = earth.array(level=2).isel(y=slice(window.y0, window.y1), x=slice(window.x0, window.x1))
    assert (lazy.chunk({"y": 15, "x": 40}).compute().values == generate(earth, 2, window)).all()
