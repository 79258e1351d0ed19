"""Dask arrays of a world: the pixels and chunks that NumPy and plain Dask give, without their graphs."""

from __future__ import annotations

import pickle

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from counting import count_calls

from geoinfinite.arrays import level_array, reading
from geoinfinite.arrays.blocks import WorldBlocks, aligned_chunks
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


def test_selection_asks_for_its_own_pixels_only(blocks: WorldBlocks, monkeypatch) -> None:
    seen = []
    plain = reading.read
    monkeypatch.setattr(reading, "read", lambda *a: seen.append(a[1]) or plain(*a))
    blocks[:, 20:30, 38:45][:, 2:8, 1:4].compute(scheduler="sync")
    assert sum(w.size for w in seen) == 6 * 3


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


def test_chunks_are_cut_at_multiples_of_the_preferred_side(patch: Recipe) -> None:
    assert level_array(patch, 3, chunks={}).chunks == ((3,), (1280,), (1792,))
    side = 2064
    assert aligned_chunks(side - 5, 2 * side, side) == (5, side, side - 5)
    assert aligned_chunks(-5, 20, side) == (5, 15)
    window = level_array(patch, 3).isel(x=slice(7, 900)).chunk({"y": 500})
    assert window.chunks == ((3,), (500, 500, 280), (893,))


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
    chunked = level_array(patch, 3, chunks={"y": 100, "x": 100})
    monkeypatch.setattr(reading, "LARGEST_READ", 2**20)
    with pytest.raises(BudgetError, match=r"1,280 x 1,792 pixels of level 3 .* network evaluations"):
        chunked.compute()
    assert calls.calls == 0
