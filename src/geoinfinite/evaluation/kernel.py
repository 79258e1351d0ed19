"""KID: the distance of two sets of pictures by the features that a network sees in them.

Source: Binkowski et al. 2018 (arXiv:1801.01401), section 4: the unbiased estimate of the squared maximum
mean discrepancy (Gretton et al. 2012, eq. 3) with the kernel ``(x . y / features + 1) ** 3``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from geoinfinite.evaluation.images import EvaluationError, Values

DEGREE = 3
FEWEST = 3
"""Pictures of a set: with fewer, none can be left out for the standard error."""


@dataclass(frozen=True, slots=True)
class KernelDistance:
    """A distance between two sets and how far chance moves it."""

    value: float
    """0 in the mean for two sets of one kind, and then negative half of the time."""
    standard_error: float
    """Of the value, by the jackknife; too small where the pictures of a set overlap each other."""


def kid(features_a: ArrayLike, features_b: ArrayLike) -> KernelDistance:
    """Return the kernel distance (KID) between two sets of features, ``(image, feature)`` each.

    The sets may differ in size. The value has no unit and depends on the network that gave the features:
    compare it with the floor, the value of two sets of real pictures. Swapping the sets changes nothing.
    Raises `EvaluationError` for fewer than three pictures and for sets of different features.

    >>> round(kid([[0.0], [1.0], [2.0]], [[1.0], [2.0], [3.0]]).value, 3)
    21.667
    """
    a, b = _as_features(features_a, "features_a"), _as_features(features_b, "features_b")
    if a.shape[1] != b.shape[1]:
        raise EvaluationError(
            f"features_a has {a.shape[1]} features and features_b {b.shape[1]}; take both from one judge"
        )
    within_a, within_b, between = (
        _without_diagonal(_kernel(a, a)),
        _without_diagonal(_kernel(b, b)),
        _kernel(a, b),
    )
    left_out = _left_out(within_a, within_b, between), _left_out(within_b, within_a, between.T)
    value = _mean_of_pairs(within_a) + _mean_of_pairs(within_b) - 2 * between.mean()
    # The jackknife of a statistic of two samples: the variances of leaving out one of either add up
    # (Arvesen 1969, Annals of Mathematical Statistics 40, section 4).
    variance = sum((len(x) - 1) * x.var() for x in left_out)
    return KernelDistance(float(value), float(np.sqrt(variance)))


def _left_out(own: Values, other: Values, between: Values) -> Values:
    """Return the distance without each picture of the set whose rows `own` and `between` have."""
    count = len(own)
    pairs = (own.sum() - 2 * own.sum(1)) / ((count - 1) * (count - 2))
    mixed = (between.sum() - between.sum(1)) / ((count - 1) * between.shape[1])
    return np.asarray(pairs + _mean_of_pairs(other) - 2 * mixed)


def _kernel(a: Values, b: Values) -> Values:
    return np.asarray((a @ b.T / a.shape[1] + 1) ** DEGREE)


def _without_diagonal(kernel: Values) -> Values:
    return kernel * (1 - np.eye(len(kernel)))


def _mean_of_pairs(kernel: Values) -> float:
    return float(kernel.sum() / (len(kernel) * (len(kernel) - 1)))


def _as_features(features: ArrayLike, name: str) -> Values:
    values = np.asarray(features, np.float64)
    if values.ndim != 2 or len(values) < FEWEST or values.shape[1] == 0:
        raise EvaluationError(
            f"{name} has shape {values.shape}, but must be (image, feature) with at least {FEWEST} images; "
            "take more pictures"
        )
    if not np.isfinite(values).all():
        raise EvaluationError(f"{name} has values that are not finite; look at the pictures they come from")
    return values
