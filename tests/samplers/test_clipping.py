"""Clipped estimates, beside a step written out by hand; against diffusers they stand in tests/parity."""

import pickle
from math import sqrt

import numpy as np
import pytest

from geoinfinite.errors import WorldError
from geoinfinite.samplers import SOLVERS, clipped_estimates, ddim, dpmpp_2m


def bold(x: np.ndarray, sigma: float) -> np.ndarray:
    return x / 2 + sigma / 10


X = np.linspace(-7, 9, 13)


def noise(draw: int) -> np.ndarray:
    return np.cos(X + draw)


@pytest.mark.parametrize("eta", [0.0, 0.7])
def test_noise_is_kept_from_the_estimate_that_is_not_clipped(eta: float) -> None:
    drawn = clipped_estimates(ddim, 0.8, keep_noise=True)(bold, X, [3.0, 2.0], noise, eta=eta)
    fresh = eta**2 * (1 - 4 / 9)
    x0 = bold(X, 3.0)
    wanted = np.clip(x0, -0.8, 0.8) + 2 * sqrt(1 - fresh) / 3 * (X - x0) + 2 * sqrt(fresh) * noise(1)
    np.testing.assert_allclose(drawn, wanted, rtol=1e-12)


@pytest.mark.parametrize("name", SOLVERS)
def test_any_solver_takes_clipped_estimates(name: str) -> None:
    solver = clipped_estimates(SOLVERS[name], 0.8)
    sigmas = [5.0, 3.0, 1.0, 0.0]
    by_hand = SOLVERS[name](lambda x, s: np.clip(bold(x, s), -0.8, 0.8), X, sigmas, noise)
    np.testing.assert_array_equal(solver(bold, X, sigmas, noise), by_hand)
    assert np.abs(SOLVERS[name](bold, X, sigmas, noise) - by_hand).max() > 0.1
    travelled = pickle.loads(pickle.dumps(solver))
    assert travelled == solver
    np.testing.assert_array_equal(travelled(bold, X, sigmas, noise), by_hand)


def test_only_ddim_keeps_that_noise() -> None:
    with pytest.raises(
        WorldError, match=r"keep_noise=True is DDIM's way to clip, not .*'dpmpp_2m'; leave it out"
    ):
        clipped_estimates(dpmpp_2m, 1.0, keep_noise=True)
