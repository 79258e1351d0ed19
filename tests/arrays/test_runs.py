"""Sets of positions, against Python's sets of every position."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoinfinite.arrays.runs import chained, common, has_repeats, listed, places, united
from geoinfinite.arrays.selection import as_run
from geoinfinite.errors import WindowError

RANGES = st.builds(
    lambda start, count, step: range(start, start + count * step, step),
    st.integers(-60, 60),
    st.integers(0, 30),
    st.sampled_from([1, 2, 3, 4, 6, 10, -1, -3, -4]),
)
LISTS = st.lists(st.integers(-60, 60), max_size=12, unique=True).map(lambda v: as_run(np.array(v, np.int64)))
RUNS = RANGES | LISTS


@settings(deadline=None, max_examples=300)
@given(RUNS, RUNS)
def test_what_two_selections_share_and_make(first, second) -> None:
    a, b = ([int(v) for v in run] for run in (first, second))
    assert list(common(first, second)) == [v for v in a if v in set(b)]
    assert list(united(first, second)) == sorted({*a, *b})
    assert places(first, np.array(b, np.int64)).tolist() == [a.index(v) if v in a else -1 for v in b]


def test_runs_of_planetary_size_need_no_list() -> None:
    whole, step = range(10**12), range(7, 10**12, 1000)
    assert common(whole, step) == step
    assert common(step, range(5, 10**12, 999)) == range(997_007, 10**12, 999_000)
    assert united(whole, range(10**12, 2 * 10**12)) == range(2 * 10**12)
    assert united(range(0), step) == step
    with pytest.raises(
        WindowError, match=r"1,000,000,000,000 labels would be listed one by one; select a part"
    ):
        listed(whole)


def test_chains_go_on_round_the_earth_and_hold_gaps() -> None:
    assert chained([range(90, 96), range(0, 5)], 96) == range(90, 101)
    assert chained([range(90, 96), range(0, 5)], None).tolist() == [*range(90, 96), *range(5)]
    assert chained([range(0, 3), range(0), range(5, 7)], None).tolist() == [0, 1, 2, 5, 6]
    assert chained([range(0)], 96) == range(0)
    assert has_repeats(np.array([4, 4, 9]))
    assert not has_repeats(range(9))
