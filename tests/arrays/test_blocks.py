"""Dask arrays of a world: the pixels and chunks that NumPy and plain Dask give, without their graphs."""

from __future__ import annotations

import pickle

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from counting import count_calls

from geoinfinite.arrays import ReadBudget, level_array
from geoinfinite.arrays.blocks import WorldBlocks, uniform_chunks
from geoinfinite.errors import BudgetError
from geoinfinite.recipe.recipe import Recipe

KEYS = [
    (slice(None), slice(10, 77), slice(33, 34)),
    (slice(None), slice(60, 5, -1), slice(3, 100, 7)),
    (slice(1, 3), slice(None, None, -9), 17),
    (1, slice(5, 5), slice(None)),
    (slice(None), np.array([70, 3, 3]), slice(50, 60)),
    (-1, -2, slice(None)),
    (..., slice(100, 108)),
]


@pytest.fixture
def blocks(patch: Recipe) -> WorldBlocks:
    return level_array(patch, 1, chunks={"y": 25, "x": (40, 60, 12)}).data


@pytest.mark.parametrize("key", KEYS)
def test_selections_are_those_of_a_plain_dask_array(blocks: WorldBlocks, key) -> None:
    whole = blocks.compute(scheduler="sync")
    plain = da.from_array(whole, chunks=blocks.chunks)
    got = blocks[key]
    assert got.shape == plain[key].shape
    if not any(isinstance(k, np.ndarray) for k in key):
        assert got.chunks == plain[key].chunks or got.size == 0
    assert (got.compute(scheduler="sync") == whole[key]).all()
    if key[0] is not ...:
        assert isinstance(got, WorldBlocks)


def test_a_selection_is_its_own_pixels_only(blocks: WorldBlocks) -> None:
    part = blocks[:, 20:30, 38:45][:, 2:8, 1:4]
    assert part.box.axes == (range(3), range(22, 28), range(39, 42))
    assert len(dict(part.dask)) == 4


def test_rechunking_and_turning_make_no_tasks(blocks: WorldBlocks) -> None:
    whole = blocks.compute(scheduler="sync")
    other = blocks.rechunk({1: 33, -1: -1})
    assert other.chunks == ((3,), (33, 33, 14), (112,))
    assert len(dict(other.dask)) == 3
    assert (other.compute(scheduler="sync") == whole).all()
    turned = blocks.transpose(1, 2, 0)
    assert turned.chunks == (blocks.chunks[1], blocks.chunks[2], (3,))
    assert isinstance(turned, WorldBlocks)
    assert (turned.compute(scheduler="sync") == whole.transpose(1, 2, 0)).all()
    assert (blocks.T.compute(scheduler="sync") == whole.T).all()


def test_points(blocks: WorldBlocks) -> None:
    whole = blocks.compute(scheduler="sync")
    y, x = np.array([3, 70, 3]), np.array([100, 0, 44])
    got = blocks.vindex[:, y, x]
    assert len(dict(got.dask)) == 1
    assert (got.compute(scheduler="sync") == whole[:, y, x].T).all()


def test_arithmetic_gives_plain_arrays(blocks: WorldBlocks) -> None:
    whole = blocks.compute(scheduler="sync")
    more = blocks + 1
    assert type(more) is da.Array
    assert (more.compute(scheduler="sync") == whole + 1).all()
    assert blocks.mean().compute(scheduler="sync") == pytest.approx(whole.mean())
    assert (blocks.astype("int32").compute(scheduler="sync") == whole).all()


def test_an_assignment_ends_the_bond_with_the_world(blocks: WorldBlocks) -> None:
    wanted = blocks.compute(scheduler="sync")
    changed = blocks.copy()
    changed[0, 3, 4] = wanted[0, 3, 4] ^ 255
    wanted[0, 3, 4] ^= 255
    assert changed.box is None
    assert blocks.box is not None
    for array in (
        changed,
        changed[:, :50],
        changed.rechunk(30),
        changed.T.T,
        pickle.loads(pickle.dumps(changed)),
    ):
        assert (array.compute(scheduler="sync") == wanted[:, : array.shape[1]]).all()


@pytest.mark.parametrize("scheduler", ["sync", "threads", "processes"])
def test_every_scheduler_gives_the_same_bytes(patch: Recipe, scheduler: str) -> None:
    lazy = level_array(patch, 1).isel(y=slice(11, 70), x=slice(5, 95))
    with dask.config.set(num_workers=2):
        chunked = lazy.chunk({"y": 31, "x": 47}).compute(scheduler=scheduler)
    assert (chunked.values == lazy.values).all()


def test_names_follow_from_the_pixels(patch: Recipe) -> None:
    one, two = level_array(patch, 1, chunks={}), level_array(patch, 1).chunk()
    assert one.data.name == two.data.name
    assert one.data.name != level_array(patch.replace(seed=12), 1, chunks={}).data.name
    assert one.data.name != one[:, :70].data.name != one.chunk({"x": 10}).data.name
    again = pickle.loads(pickle.dumps(one.data))
    assert isinstance(again, WorldBlocks)
    assert (again.name, again.chunks) == (one.data.name, one.data.chunks)


@pytest.mark.parametrize("chunks", [None, {}])
def test_arrays_have_names_that_tell_them_apart(patch: Recipe, monkeypatch, chunks) -> None:
    calls, name = count_calls(monkeypatch), dask.base.tokenize
    da = level_array(patch, 1, chunks=chunks)
    assert name(da) == name(level_array(patch, 1, chunks=chunks)) == name(pickle.loads(pickle.dumps(da)))
    others = (
        da,
        da[:, :9],
        da[:, 1:10],
        da[:, :9, ::2],
        da.rename(x="lon"),
        da.isel(band=0),
        da.x,
        da.x[3:],
        da.y,
    )
    assert len({name(other) for other in others}) == len(others)
    assert calls.calls == 0


def test_long_lists_of_pixels_have_names_of_their_own(patch: Recipe) -> None:
    """Arrays print with their middle left out, and names made of that would be alike."""
    da = level_array(patch, 3, chunks={})
    rows = np.random.default_rng(4).permutation(1280)[:1200]
    other = rows.copy()
    other[[600, 601]] = other[[601, 600]]
    names = [da.isel(y=y).data.name for y in (rows, other)]
    sites = [xr.DataArray(y, dims="site") for y in (rows, other)]
    names += [da.isel(y=y, x=sites[0]).data.name for y in sites]
    assert len(set(names)) == 4
    assert da.isel(y=rows).data.name == names[0]


def test_chunks_are_uniform_as_zarr_takes_them(patch: Recipe, tmp_path) -> None:
    assert level_array(patch, 3, chunks={}).chunks == ((3,), (1280,), (1792,))
    assert uniform_chunks(5000, 2064) == (2064, 2064, 872)
    assert uniform_chunks(0, 2064) == (0,)
    window = level_array(patch, 3).isel(x=slice(7, 900)).chunk({"y": 500})
    assert window.chunks == ((3,), (500, 500, 280), (893,))
    cut = level_array(patch, 1).isel(x=slice(7, 90), y=slice(11, 75))
    cut.chunk().to_dataset().to_zarr(tmp_path / "cut.zarr", zarr_format=2)
    assert (xr.open_zarr(tmp_path / "cut.zarr").image.values == cut.values).all()


@pytest.mark.parametrize(
    "chunks", [{}, "auto", 40, {"x": 40}, {"band": 3, "y": 40, "x": (100, 12)}, {"band": 1, "y": -1}]
)
def test_chunks_mean_what_they_mean_in_xarray(patch: Recipe, chunks) -> None:
    got = level_array(patch, 1).chunk(chunks)
    values = xr.DataArray(got.values, dims=got.dims)
    if chunks != "auto" and chunks != {"x": 40}:
        assert got.chunks == values.chunk(chunks).chunks
    assert (got.values == level_array(patch, 1).values).all()


def test_a_result_beyond_the_budget_is_refused(patch: Recipe, monkeypatch) -> None:
    calls = count_calls(monkeypatch)
    chunked = level_array(patch, 3, chunks={"y": 100, "x": 100}, budget=ReadBudget(values=2**20))
    with pytest.raises(BudgetError, match=r"1,280 x 1,792 pixels of level 3 .* network evaluations"):
        chunked.compute()
    assert calls.calls == 0
