import numpy as np
import pytest

from geoinfinite.diffusion.model import Cond
from geoinfinite.models.analytic.planet import LENGTHS_PX, PlanetModel
from geoinfinite.models.analytic.stationary import axis_modes, shrink

PLANET = PlanetModel().bind(Cond(None, 7000.0))


def covariance(side: int, length_px: float) -> np.ndarray:
    i = np.arange(side)
    return np.exp(-abs(i[:, None] - i) / length_px)


@pytest.mark.parametrize("side", [1, 2, 7, 32, 33])
@pytest.mark.parametrize("length_px", [0.3, 4.0, 90.0])
def test_modes_are_the_eigenvectors_of_an_exponential_correlation(side: int, length_px: float) -> None:
    modes, variances = axis_modes(side, length_px)
    np.testing.assert_allclose(modes @ modes.T, np.eye(side), atol=2e-6)
    np.testing.assert_allclose((modes.T * variances) @ modes, covariance(side, length_px), atol=2e-6)
    wanted = np.linalg.eigvalsh(covariance(side, length_px))[::-1]
    np.testing.assert_allclose(variances, wanted, rtol=1e-4)


def test_the_denoiser_is_the_posterior_mean_of_a_field_that_does_not_know_its_tile() -> None:
    x = np.random.default_rng(0).normal(size=(1, 3, 6, 9)).astype(np.float32)
    for sigma in (0.05, 1.0, 30.0):
        answer = PLANET.denoise(x, sigma)
        for channel, length_px in enumerate(LENGTHS_PX):
            prior = np.kron(covariance(6, length_px), covariance(9, length_px))
            wanted = prior @ np.linalg.solve(prior + sigma**2 * np.eye(54), x[0, channel].ravel())
            np.testing.assert_allclose(answer[0, channel].ravel(), wanted, atol=1e-5)


def test_tiles_are_denoised_alone() -> None:
    x = np.random.default_rng(1).normal(size=(3, 3, 16, 16)).astype(np.float32)
    alone = np.concatenate([shrink(x[i : i + 1], 0.7, LENGTHS_PX) for i in range(3)])
    np.testing.assert_array_equal(shrink(x, 0.7, LENGTHS_PX), alone)


def test_colours_lie_within_the_range_and_lead_back_to_the_state() -> None:
    x0 = np.random.default_rng(2).normal(size=(2, 3, 11, 8)).astype(np.float32)
    image = PLANET.image(x0)
    assert image.dtype == np.float32
    assert np.abs(image).max() < 1
    np.testing.assert_allclose(PLANET.encode(image), x0, atol=1e-4)


def test_the_sea_is_blue_and_dark_and_the_land_is_not() -> None:
    height = np.zeros((1, 3, 1, 2), np.float32)
    height[0, 0, 0] = -1, 1
    sea, land = PLANET.image(height)[0, :, 0].T
    assert sea.argmax() == 2
    assert land.argmax() != 2
    assert land.mean() > sea.mean()
