from __future__ import annotations

import numpy as np
import oracles
import pytest

from geoinfinite.diffusion.model import Cond
from geoinfinite.models.analytic.gaussian import GaussianModel
from geoinfinite.models.analytic.latent import LatentModel
from geoinfinite.plane.resample import coarsen_mean, mean_exact_upsampler, project_mean
from geoinfinite.samplers import SOLVERS, karras
from geoinfinite.samplers.consistency import Imaging, consistent

SIGMAS = karras(8, 0.05, 20.0)
# Those whose result is the last estimate, or on a straight path to it.
SOLVED = sorted(set(SOLVERS) - {"lcm", "plms_v"})


@pytest.fixture
def parent() -> np.ndarray:
    return (np.random.default_rng(3).uniform(-0.3, 0.3, (2, 3, 8, 8))).astype(np.float32)


def noise(i: int, channels: int = 3, side: int = 32) -> np.ndarray:
    return np.random.default_rng(i).standard_normal((2, channels, side, side), np.float32)


def missed(image: np.ndarray, parent: np.ndarray) -> float:
    return float(np.sqrt(((coarsen_mean(image, 4) - parent) ** 2).mean()))


def solved(
    bound: Imaging, parent: np.ndarray, solver: str, how: str, *, channels: int = 3, side: int = 32
) -> np.ndarray:
    denoise = bound.denoise if how == "none" else consistent(bound, parent, 4, how)
    start = noise(0, channels, side) * np.float32(SIGMAS[0])
    x0 = SOLVERS[solver](denoise, start, SIGMAS, noise=lambda i: noise(i, channels, side))
    return bound.image(x0)


@pytest.mark.parametrize("solver", SOLVED)
def test_projection_meets_the_parent_whatever_the_solver(parent: np.ndarray, solver: str) -> None:
    bound = oracles.OracleModel().bind(Cond(parent, 1.0))
    assert missed(solved(bound, parent, solver, "project"), parent) < 2e-7
    assert missed(solved(bound, parent, solver, "none"), parent) > 1e-3


def test_guidance_comes_nearer_than_nothing_and_no_nearer_than_projection(parent: np.ndarray) -> None:
    bound = oracles.OracleModel().bind(Cond(parent, 1.0))
    none, guide, project = (
        missed(solved(bound, parent, "euler", how), parent) for how in ("none", "guide", "project")
    )
    assert project < guide < none / 10


def test_guidance_is_a_share_that_grows_as_noise_falls(parent: np.ndarray) -> None:
    bound = oracles.OracleModel().bind(Cond(parent, 1.0))
    for sigma in (0.1, 1.0, 7.0):
        x = noise(1) * np.float32(sigma)
        plain = bound.denoise(x, sigma)
        whole = consistent(bound, parent, 4, "project")(x, sigma) - plain
        part = consistent(bound, parent, 4, "guide")(x, sigma) - plain
        np.testing.assert_allclose(part, whole / (1 + sigma**2), atol=1e-6)


def test_without_a_parent_the_denoiser_is_the_model_s_own(parent: np.ndarray) -> None:
    bound = oracles.OracleModel().bind(Cond(parent, 1.0))
    assert consistent(bound, None, 4, "project") == bound.denoise


def test_a_consistent_estimate_stays_as_it_is(parent: np.ndarray) -> None:
    margin = np.pad(parent, ((0, 0), (0, 0), (2, 2), (2, 2)), mode="edge")
    bound = GaussianModel().bind(Cond(margin, 1.0))

    class Met:
        """A denoiser that always answers with one image that has the parent's means."""

        image, encode = bound.image, bound.encode

        def denoise(self, x: np.ndarray, sigma: float) -> np.ndarray:
            return bound.encode(project_mean(bound.image(x), parent, 4))

    answer = Met().denoise(noise(2), 1.0)
    np.testing.assert_allclose(consistent(Met(), parent, 4, "project")(noise(2), 1.0), answer, atol=1e-5)


@pytest.mark.parametrize("how", ["project", "guide"])
def test_a_latent_model_comes_near_in_its_code(parent: np.ndarray, how: str) -> None:
    margin = np.pad(parent, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    bound = LatentModel().bind(Cond(margin, 1.0))
    near, far = (missed(solved(bound, parent, "euler", h, channels=4, side=8), parent) for h in (how, "none"))
    assert near < far


def test_what_an_encoder_loses_cancels(parent: np.ndarray) -> None:
    margin = np.pad(parent, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    bound = LatentModel().bind(Cond(margin, 1.0))
    code = noise(3, 4, 8)
    met = coarsen_mean(bound.image(bound.denoise(code, 1.0)), 4)
    drawn = consistent(bound, met, 4, "project")(code, 1.0)
    np.testing.assert_allclose(drawn, bound.denoise(code, 1.0), atol=1e-4)
    through = bound.encode(bound.image(bound.denoise(code, 1.0)))
    assert np.abs(through - bound.denoise(code, 1.0)).max() > 1e-2


@pytest.mark.parametrize(("side", "factor"), [(5, 4), (8, 3), (1, 2)])
def test_coarsening_undoes_upsampling(side: int, factor: int) -> None:
    up = mean_exact_upsampler(side, factor).astype(float)
    np.testing.assert_allclose(up.reshape(side, factor, side).mean(1), np.eye(side), atol=1e-6)
