"""Lazy law: the deepest level over the whole Earth opens and is cut for nothing, wherever the cut is.

Times stand in benchmarks/bench_first_window.py; here is what they rest on: nothing is evaluated,
nothing grows with the level, and what is asked for is all that is drawn.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import tracemalloc
from collections.abc import Callable

import dask
import numpy as np
import pytest
import xarray as xr
from counting import count_calls
from drawings import cold

from geoinfinite.arrays import level_array, level_dataset, level_tree
from geoinfinite.arrays.index import GridIndex
from geoinfinite.engine import cold_shares, process_resources, resolve
from geoinfinite.errors import BudgetError
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Numerics, Recipe
from geoinfinite.tiling import Lattice

DEEPEST = 7
ANY_CORNER = [(12_345_677, 54_321_001), (0, 0), (44_236_800 - 4096, 88_473_600 - 4096)]


@pytest.fixture(scope="module")
def earth() -> Recipe:
    return worldfile.load("analytic", Recipe).replace(numerics=Numerics(micro_batch=1))


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Tiles evaluated since the test began; loading a model counts as one."""
    calls = count_calls(monkeypatch)
    load = ModelReference.load
    # Lazily loaded models are known by their being loaded: the public method is counted.
    monkeypatch.setattr(ModelReference, "load", lambda *a: calls.batches.append(1) or load(*a))
    process_resources().models.clear()
    return calls.batches


def at(y: int, x: int, side: int = 4096) -> dict[str, slice]:
    return {"y": slice(y, y + side), "x": slice(x, x + side)}


LOOKS: dict[str, Callable[[xr.DataArray], object]] = {
    "repr": repr,
    "html": lambda d: d._repr_html_(),
    "sel": lambda d: d.sel(x=slice(6, 8), y=slice(47, 45)),
    "antimeridian": lambda d: d.sel(x=slice(179.9, 180.1), y=slice(0, -1)),
    "nearest": lambda d: d.sel(x=6.6, y=45.9, method="nearest"),
    "isel": lambda d: d.isel(**at(4_000_000, 9_000_000)).isel(x=slice(5, 9), y=3),
    "stride": lambda d: d[:, ::1000, ::1000],
    "chunk": lambda d: d.chunk(),
    "chunk, then cut": lambda d: d.chunk({"x": 4608, "y": 4608}).sel(x=slice(6, 8)),
    "transpose": lambda d: d.transpose("y", "x", "band").isel(x=slice(9)),
    "points": lambda d: d.sel(x=xr.DataArray([5.0, 170.0]), y=xr.DataArray([5.0, -60.0]), method="nearest"),
    "rio": lambda d: (d.rio.crs, d.rio.transform(), d.rio.bounds(), d.rio.clip_box(6, 45, 7, 46)),
    "pickle": lambda d: pickle.loads(pickle.dumps(d)),
    "copy": lambda d: d.copy(deep=True),
    "name for Dask": dask.base.tokenize,
    "shape": lambda d: (d.shape, d.nbytes, d.dtype, d.attrs, d.x[-1].item(), d.y[0].item()),
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("chunks", [None, {}])
def test_looking_evaluates_nothing(earth: Recipe, spent: list[int], look: str, chunks) -> None:
    da = level_array(earth, DEEPEST, chunks=chunks)
    tracemalloc.start()
    seen = LOOKS[look](da)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert spent == []
    assert peak < 50e6
    if isinstance(seen, xr.DataArray):
        repr(seen)
        assert spent == []


def test_opening_takes_little_memory(earth: Recipe, spent: list[int]) -> None:
    tracemalloc.start()
    tree = level_tree(earth)
    opened = [level_dataset(earth, DEEPEST), level_dataset(earth, DEEPEST, chunks={})]
    assert "44236800" in repr(tree)
    assert all("12PB" in repr(dataset) for dataset in opened)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6
    assert spent == []


def test_opening_imports_no_network() -> None:
    code = (
        "import sys, geoinfinite as gi\n"
        "da = gi.World.load('earth').array(level=7, chunks={}).sel(x=slice(6, 8), y=slice(47, 45))\n"
        "repr(da); assert not {'torch', 'diffusers', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("chunks", [None, {}])
def test_it_travels_light(earth: Recipe, chunks) -> None:
    da = level_array(earth, DEEPEST, chunks=chunks)
    windows = [da.isel(at(*corner)) for corner in ANY_CORNER]
    across = da.sel(x=slice(179.99, 180.01), y=slice(0.01, -0.01))
    sizes = [len(pickle.dumps(d)) for d in (da, across, *windows, *(w.chunk() for w in windows))]
    assert max(sizes) < 10_000
    again = pickle.loads(pickle.dumps(across))
    assert isinstance(again.xindexes["x"], GridIndex)
    assert again.identical(across) if chunks else again.attrs == across.attrs


@pytest.mark.parametrize("corner", ANY_CORNER)
def test_the_graph_of_a_window_is_small(earth: Recipe, spent: list[int], corner: tuple[int, int]) -> None:
    first = level_array(earth, DEEPEST, chunks={}).isel(at(*corner))
    later = level_array(earth, DEEPEST).isel(at(*corner)).chunk()
    for window in (first, later):
        (optimised,) = dask.optimize(window)
        assert len(dict(optimised.__dask_graph__())) <= 9
        assert len(pickle.dumps(optimised.data.dask)) < 50_000
    assert spent == []


def test_the_cost_does_not_depend_on_the_place(earth: Recipe, spent: list[int]) -> None:
    stride = earth.sampler.stride
    counts = []
    for y, x in [(50_000, 100), (50_000, 50_000_000), (40_000_000, 88_000_000)]:
        process_resources().tiles.clear()
        spent.clear()
        y, x = y // (stride * 4**6) * stride * 4**6 + 400_000, x // (stride * 4**6) * stride * 4**6 + 400_000
        window = Window(y, y + 60, x, x + 90)
        values = level_array(earth, DEEPEST).isel(y=slice(y, y + 60), x=slice(x, x + 90)).values
        assert values.shape == (3, 60, 90)
        counts.append(len(spent))
        wanted = cold(earth, DEEPEST, window).evaluations
        assert len(spent) - (len(counts) == 1) == wanted
    assert counts[0] - 1 == counts[1] == counts[2]


@pytest.mark.parametrize("chunks", [None, {}])
def test_points_evaluate_their_own_tiles_only(earth: Recipe, spent: list[int], chunks) -> None:
    level, rng = 2, np.random.default_rng(8)
    rows, columns = earth.grid.shape_at(level)
    y, x = rng.integers(0, rows, 50), rng.integers(0, columns, 50)
    tiles: list[set[tuple[int, int, int]]] = [set() for _ in range(level + 1)]
    for row, column in zip(y.tolist(), x.tolist(), strict=True):
        pixel = Window(row, row + 1, column, column + 1)
        for share in cold_shares(resolve(earth, level), pixel)[1:]:
            number, period = share.level.number, share.level.period // earth.sampler.stride
            touched = Lattice(earth.sampler.tile, earth.sampler.stride).touching(
                share.level.blocks(share.window)
            )
            tiles[number] |= {(number, ky, kx % period) for ky, kx in touched}
    points = level_array(earth, level, chunks=chunks).isel(
        y=xr.DataArray(y, dims="site"), x=xr.DataArray(x, dims="site")
    )
    assert points.shape == (3, 50)
    tracemalloc.start()
    values = points.values
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    evaluated = len(spent) - 1
    assert evaluated == sum(map(len, tiles)) * earth.sampler.steps
    assert len(tiles[level]) <= 50 * 4
    assert peak < 300e6
    one = level_array(earth, level).isel(y=int(y[7]), x=int(x[7])).values
    assert (values[:, 7] == one).all()


def test_rows_and_columns_evaluate_their_own_tiles_only(earth: Recipe, spent: list[int]) -> None:
    da = level_array(earth, 1)
    y, x = [100, 9000], [50, 60, 20_000]
    values = da.isel(y=y, x=x).values
    assert values.shape == (3, 2, 3)
    windows = [Window(a, a + 1, b, c) for a in y for b, c in ((50, 61), (20_000, 20_001))]
    wanted = sum(cold(earth, 1, w).evaluations for w in windows)
    assert len(spent) - 1 == wanted


def test_an_antimeridian_window_costs_what_any_window_costs(earth: Recipe, spent: list[int]) -> None:
    da = level_array(earth, 1)
    across = da.sel(x=slice(179.5, 180.5), y=slice(10, 9))
    values = across.values
    one = cold(earth, 1, Window(4800, 4860, 21570, 21630)).evaluations
    assert len(spent) - 1 == one
    parts = da.sel(x=slice(179.5, 180), y=slice(10, 9)), da.sel(x=slice(-180, -179.5), y=slice(10, 9))
    assert (values == np.concatenate([part.values for part in parts], axis=2)).all()


ASKED = ("compute", "load", "values", "to_numpy", "mean", "max")


# Without Dask, persist keeps an array as it is.
@pytest.mark.parametrize(
    ("ask", "chunks"), [*((ask, chunks) for ask in ASKED for chunks in (None, {})), ("persist", {})]
)
def test_the_whole_earth_is_refused_at_once(earth: Recipe, spent: list[int], chunks, ask: str) -> None:
    da = level_array(earth, DEEPEST, chunks=chunks)
    cost = cold(earth, DEEPEST, earth.grid.full(DEEPEST)).evaluations
    assert cost > 10**12
    said = (
        rf"44,236,800 x 88,473,600 pixels of level 7 .* {cost:,} network evaluations.*level=1 fits.*to_zarr"
    )
    tracemalloc.start()
    with pytest.raises(BudgetError, match=said):
        da.values if ask == "values" else getattr(da, ask)()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6
    assert spent == []


DERIVED = {
    "sum of arrays": lambda d: d + 1,
    "comparison": lambda d: d == d,
    "count": lambda d: d.count(),
    "type": lambda d: d.astype("float32"),
    "missing": lambda d: d.isnull(),
    "mean over one dimension": lambda d: d.mean("x"),
    "shifted": lambda d: d.shift(x=1),
}


@pytest.mark.parametrize("derive", DERIVED)
def test_what_is_derived_from_the_chunked_earth_is_refused_at_once(
    earth: Recipe, spent: list[int], derive: str
) -> None:
    da = level_array(earth, DEEPEST, chunks={})
    tracemalloc.start()
    with pytest.raises(BudgetError, match=r"44,236,800 x 88,473,\d+ pixels of level 7 .*Select a part"):
        DERIVED[derive](da)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6
    assert spent == []
    part = da.sel(x=slice(6, 6.01), y=slice(47, 46.99))
    assert DERIVED[derive](part).size > 0
    assert spent == []


def test_masking_a_level_is_refused_before_anything_is_drawn(earth: Recipe, spent: list[int]) -> None:
    da = level_array(earth, 4)
    with pytest.raises(BudgetError, match=r"691,200 x 672,000 pixels of level 4 .*Select a part"):
        da.where(da.x > 5, drop=True)
    assert spent == []
    assert da.sel(x=slice(5, None)).sizes["x"] == 672_000


def test_strides_over_the_whole_earth_are_refused_at_once(earth: Recipe, spent: list[int]) -> None:
    with pytest.raises(BudgetError, match="take a coarser level"):
        level_array(earth, DEEPEST)[:, ::100_000, ::10].load()
    assert spent == []
