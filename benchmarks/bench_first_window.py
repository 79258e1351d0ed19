"""The deepest level over the whole Earth: opened, cut, chunked. Limits: DESIGN, the lazy law.

``python -m pytest benchmarks/bench_first_window.py --benchmark-enable`` prints times;
``extra_info`` carries memory, tasks, bytes.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from typing import Any

import dask
import pytest
import xarray as xr

import geoinfinite as gi

LEVEL, CORNER, SIDE = 7, (12_345_677, 54_321_001), 4096
CUT = {"y": slice(CORNER[0], CORNER[0] + SIDE), "x": slice(CORNER[1], CORNER[1] + SIDE)}

FRESH = """
import json, time
import dask, geoinfinite as gi
def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4096 / 1e6
cut = {"y": slice(12_345_677, 12_349_773), "x": slice(54_321_001, 54_325_097)}
world = gi.World.load("earth")
rss, start = resident(), time.perf_counter()
da = world.array(level=7, chunks=CHUNKS)
opened = time.perf_counter()
window = da.isel(cut)
done = time.perf_counter()
print(json.dumps({"first_open_ms": 1e3 * (opened - start), "first_cut_ms": 1e3 * (done - opened),
                  "rss_delta_mb": resident() - rss}))
"""


@pytest.fixture(scope="module")
def world() -> gi.World:
    return gi.World.load("earth")


def fresh(chunks: Any) -> dict[str, float]:
    """Return what the first opening in a new process takes, after imports."""
    code = FRESH.replace("CHUNKS", repr(chunks))
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return {key: round(value, 2) for key, value in json.loads(done.stdout).items()}


@pytest.mark.parametrize("chunks", [None, {}], ids=["lazy", "dask"])
def test_open(benchmark: Any, world: gi.World, chunks: Any) -> None:
    da = benchmark(world.array, LEVEL, chunks=chunks)
    benchmark.extra_info.update(fresh(chunks), pickle_bytes=len(pickle.dumps(da)))
    assert da.shape == (3, 44_236_800, 88_473_600)


@pytest.mark.parametrize("chunks", [None, {}], ids=["lazy", "dask"])
def test_cut(benchmark: Any, world: gi.World, chunks: Any) -> None:
    da = world.array(LEVEL, chunks=chunks)
    left, bottom, right, top = world.grid.bounds(LEVEL, gi.Window(*_edges()))
    window = benchmark(lambda: da.sel(x=slice(left, right), y=slice(top, bottom)))
    assert window.shape == (3, SIDE, SIDE)
    chunked = window.chunk()
    (optimised,) = dask.optimize(chunked)
    benchmark.extra_info.update(
        pickle_bytes=len(pickle.dumps(window)),
        chunked_pickle_bytes=len(pickle.dumps(chunked)),
        tasks=len(dict(optimised.__dask_graph__())),
    )
    assert benchmark.extra_info["tasks"] <= 20


def test_chunk(benchmark: Any, world: gi.World) -> None:
    window = world.array(LEVEL).isel(CUT)
    assert benchmark(window.chunk).sizes["x"] == SIDE


def test_select_points(benchmark: Any, world: gi.World) -> None:
    da = world.array(LEVEL)
    x, y = (
        xr.DataArray([7.0 * i - 175 for i in range(50)], dims="p"),
        xr.DataArray([0.5 * i for i in range(50)], dims="p"),
    )
    points = benchmark(lambda: da.sel(x=x, y=y, method="nearest"))
    assert points.shape == (3, 50)


def test_tree(benchmark: Any, world: gi.World) -> None:
    assert len(benchmark(world.tree).children) == 8


def test_refuse(benchmark: Any, world: gi.World) -> None:
    da = world.array(LEVEL, chunks={})

    def ask() -> None:
        with pytest.raises(MemoryError, match="network evaluations"):
            da.compute()

    benchmark(ask)


def _edges() -> tuple[int, int, int, int]:
    return CORNER[0], CORNER[0] + SIDE, CORNER[1], CORNER[1] + SIDE
