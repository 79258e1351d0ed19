import numpy as np
import pytest

from geoinfinite.evaluation import kid


def by_loops(a: np.ndarray, b: np.ndarray) -> float:
    """The unbiased estimate of Gretton et al. 2012, equation 3, pair by pair."""

    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return (sum(x[i] * y[i] for i in range(len(x))) / len(x) + 1) ** 3

    def within(x: np.ndarray) -> float:
        pairs = [kernel(x[i], x[j]) for i in range(len(x)) for j in range(len(x)) if i != j]
        return sum(pairs) / len(pairs)

    between = [kernel(x, y) for x in a for y in b]
    return within(a) + within(b) - 2 * sum(between) / len(between)


def features(seed: int, count: int, size: int = 5, mean: float = 0.3) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 0.8, (count, size))


def test_the_distance_is_the_mean_over_pairs() -> None:
    a, b = features(1, 4), features(2, 7)
    assert kid(a, b).value == pytest.approx(by_loops(a, b), abs=1e-12)


def test_the_standard_error_is_that_of_leaving_one_out() -> None:
    a, b = features(3, 6), features(4, 4)
    without_a = np.array([by_loops(np.delete(a, i, 0), b) for i in range(6)])
    without_b = np.array([by_loops(a, np.delete(b, i, 0)) for i in range(4)])
    expected = np.sqrt(5 * without_a.var() + 3 * without_b.var())
    assert kid(a, b).standard_error == pytest.approx(expected, rel=1e-9)


def test_the_mean_over_many_sets_is_that_of_the_distributions_and_the_error_their_spread() -> None:
    # Of one feature, the kernel of degree 3 compares three moments: 3 dm1^2 + 3 dm2^2 + dm3^2.
    found = [kid(features(10 + i, 30, 1, 0.3), features(1000 + i, 40, 1, 0.7)) for i in range(300)]
    values = np.array([one.value for one in found])
    first, second, third = (
        (0.7, 0.49 + 0.64, 0.343 + 3 * 0.7 * 0.64)[k] - (0.3, 0.09 + 0.64, 0.027 + 3 * 0.3 * 0.64)[k]
        for k in range(3)
    )
    expected = 3 * first**2 + 3 * second**2 + third**2
    assert values.mean() == pytest.approx(expected, abs=4 * values.std() / np.sqrt(300))
    errors = np.sqrt(np.mean([one.standard_error**2 for one in found]))
    assert errors == pytest.approx(values.std(), rel=0.25)


def test_sets_of_one_kind_are_at_no_distance_and_the_order_does_not_matter() -> None:
    a, b = features(5, 60, 16), features(6, 50, 16)
    same = kid(a, b)
    assert abs(same.value) < 3 * same.standard_error
    assert kid(b, a).value == pytest.approx(same.value)
    assert kid(b, a).standard_error == pytest.approx(same.standard_error)
    other = kid(a + 0.5, b)
    assert other.value > 4 * other.standard_error


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.zeros((2, 5)), np.zeros((9, 5)), r"features_a has shape \(2, 5\), but .* at least 3 images"),
        (np.zeros((9, 5)), np.zeros(9), r"features_b has shape \(9,\), but must be \(image, feature\)"),
        (
            np.zeros((9, 5)),
            np.zeros((9, 4)),
            "features_a has 5 features and features_b 4; take both from one judge",
        ),
        (np.full((9, 5), np.inf), np.zeros((9, 5)), "features_a has values that are not finite"),
    ],
)
def test_features_that_cannot_be_compared_are_refused(a: np.ndarray, b: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kid(a, b)
