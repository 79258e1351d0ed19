"""Random numbers and orders of chips are functions of a key and a place."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from geoinfinite.chips.chance import key_of, shuffled, uniforms


@given(count=st.integers(1, 300), key=st.integers(0, 2**64 - 1))
def test_a_shuffled_order_has_every_index_once(count: int, key: int) -> None:
    assert sorted(shuffled(i, count, key) for i in range(count)) == list(range(count))


def test_orders_of_different_keys_differ_and_look_random() -> None:
    one, other = ([shuffled(i, 1000, key) for i in range(1000)] for key in (1, 2))
    assert one != other
    assert abs(stats.spearmanr(range(1000), one).statistic) < 0.1
    assert abs(stats.spearmanr(one, other).statistic) < 0.1


def test_numbers_of_neighbouring_places_are_uniform_and_unrelated() -> None:
    found = np.array(
        [uniforms(key_of("test", 3), (row, column), 4) for row in range(30) for column in range(-20, 20)]
    )
    assert found.min() >= 0
    assert found.max() < 1
    for numbers in found.T:
        assert stats.kstest(numbers, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(found.T) - np.eye(4)).max() < 0.1


def test_a_large_order_needs_no_memory() -> None:
    assert len({shuffled(i, 10**12, 7) for i in range(100)}) == 100
