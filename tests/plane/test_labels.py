"""Labels are a function of position: the same bits whatever is computed beside them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geoinfinite.plane.labels import fractional_indices, labels

STEPS = st.sampled_from(
    [1 / 3, -1 / 3, 0.0666666666, 4.069010416666667e-06, -75.0, 1e-9, 10_018.754171394622]
)
ORIGINS = st.sampled_from([-180.0, 90.0, 0.0, 412_300.0, -20_037_508.342789244, 2 / 3])


@settings(deadline=None)
@given(ORIGINS, STEPS, st.integers(-(10**9), 10**9), st.integers(1, 40))
def test_a_label_has_the_same_bits_alone_and_among_others(
    origin: float, step: float, first: int, count: int
) -> None:
    window = labels(origin, step, np.arange(first, first + count))
    assert window.dtype == np.float64
    # Plain Python floats, one by one, are what the formula says.
    assert window.tolist() == [origin + (i + 0.5) * step for i in range(first, first + count)]
    assert (window[::-3] == labels(origin, step, np.arange(first, first + count)[::-3])).all()
    assert float(labels(origin, step, first)) == window[0]
    assert (labels(origin, step, np.arange(first, first + count, dtype=np.float64)) == window).all()


@settings(deadline=None)
@given(ORIGINS, STEPS, st.integers(-(10**8), 10**8))
def test_labels_lie_at_the_centres_of_pixels(origin: float, step: float, index: int) -> None:
    exact = Fraction(origin) + (index + Fraction(1, 2)) * Fraction(step)
    got = Fraction(float(labels(origin, step, index)))
    ulp = Fraction(np.spacing(max(abs(origin), abs(float(exact)), abs(float((index + 0.5) * step)))))
    assert abs(got - exact) <= 2 * ulp


def test_the_inverse_tells_centres_and_edges() -> None:
    here = labels(-180.0, 1 / 3, np.array([-7, 0, 88_473_600]))
    assert np.allclose(fractional_indices(-180.0, 1 / 3, here), [-7, 0, 88_473_600], rtol=0, atol=1e-6)
    assert fractional_indices(90.0, -0.5, [90.0, 89.75, 89.5]).tolist() == [-0.5, 0.0, 0.5]


def test_what_is_given_is_not_changed() -> None:
    indices = np.arange(3.0)
    labels(5.0, 2.0, indices)
    assert indices.tolist() == [0, 1, 2]
