"""Selections of selections, against NumPy's indexing of the list of all positions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoinfinite.arrays.selection import ascending, compose, extent, pieces, points


@st.composite
def keys(draw: st.DrawFn, length: int) -> slice | np.ndarray:
    if draw(st.booleans()):
        return draw(st.slices(length))
    return np.array(draw(st.lists(st.integers(-length, length - 1), min_size=1, max_size=6)))


@settings(deadline=None)
@given(st.data())
def test_a_selection_of_a_selection_is_numpys(data: st.DataObject) -> None:
    axis, wanted = range(57), np.arange(57)
    for _ in range(3):
        if wanted.size == 0:
            break
        key = data.draw(keys(len(wanted)))
        axis, wanted = compose(axis, key), wanted[key]
        assert list(axis) == wanted.tolist()
    if wanted.size:
        assert compose(axis, -1) == wanted[-1]
        assert isinstance(compose(axis, np.int64(0)), int)


@settings(deadline=None)
@given(st.data(), st.sampled_from([4, 16, 1000]), st.sampled_from([None, 8, 40]))
def test_pieces_put_every_pixel_where_it_belongs(data, tile: int, side: int | None) -> None:
    key = data.draw(keys(300))
    axis, turned = ascending(compose(range(300), key))
    out = np.full(len(axis), -1)
    spent = 0
    for piece in pieces(axis, tile, side):
        out[piece.put] = np.arange(piece.start, piece.stop)[piece.take]
        spent += piece.stop - piece.start
        assert (
            side is None or piece.start // side == (piece.stop - 1) // side or piece.stop - piece.start == 1
        )
    assert (out[::-1] if turned else out).tolist() == np.arange(300)[key].tolist()
    assert spent <= extent(axis, tile)


def test_a_run_round_the_circle_stays_one_run() -> None:
    assert compose(range(360), np.array([358, 359, 0, 1]), 360) == range(358, 362)
    assert compose(range(360), np.array([-2, -1, 0]), 360) == range(-2, 1)
    assert list(compose(range(360), np.array([358, 359, 0, 1]))) == [358, 359, 0, 1]
    assert list(compose(range(10, 20), np.array([9, 0]), 360)) == [19, 10]


def test_evenly_spaced_positions_become_small() -> None:
    assert compose(range(10**9), np.arange(0, 10**6, 4)) == range(0, 10**6, 4)
    assert compose(range(100), np.array([7, 5, 3])) == range(7, 1, -2)


@pytest.mark.parametrize("key", [np.array([100]), np.array([3, -101])])
def test_positions_outside_are_refused(key: np.ndarray) -> None:
    with pytest.raises(IndexError, match="out of bounds for an axis of 100 pixels"):
        compose(range(100), key)
    with pytest.raises(IndexError, match="out of bounds"):
        points(range(100), key)


def test_the_extent_of_a_huge_stride_is_known_without_listing_it() -> None:
    assert extent(range(0, 10**12, 1000), 64) == 10**9 * 64
    assert extent(range(0, 10**12, 10), 64) == 10**12 - 9
