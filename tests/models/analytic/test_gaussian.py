import numpy as np

from geoinfinite.diffusion.model import Cond
from geoinfinite.models.analytic.gaussian import FACTS, GaussianModel, cosine_spectrum
from geoinfinite.plane.resample import coarsen_mean


def bound(side: int = 16):
    y, x = np.mgrid[: side // 4 + 4, : side // 4 + 4]
    parent = (0.3 * np.sin(y) + 0.02 * x)[None, None].repeat(2, 1).astype(np.float32)
    return parent, GaussianModel().bind(Cond(parent, 100.0))


def test_the_denoiser_is_the_posterior_mean_of_its_gaussian() -> None:
    basis, variance = cosine_spectrum(16)
    np.testing.assert_allclose(basis @ basis.T, np.eye(16), atol=1e-6)
    covariance = np.kron(basis.T @ np.diag(variance) @ basis, basis.T @ np.diag(variance) @ basis)
    x = np.random.default_rng(4).normal(size=(1, 2, 16, 16)).astype(np.float32)
    for sigma in (0.05, 1.0, 20.0):
        wanted = np.linalg.solve(covariance + sigma**2 * np.eye(256), x.reshape(2, 256).T).T @ covariance
        np.testing.assert_allclose(bound()[1].denoise(x, sigma).reshape(2, 256), wanted, atol=1e-4)


def test_without_detail_the_image_is_the_parent_upsampled() -> None:
    parent, tiles = bound()
    image = tiles.image(np.zeros((1, 2, 16, 16), np.float32))
    margin = FACTS.margin
    np.testing.assert_allclose(coarsen_mean(image, 4), parent[..., margin:-margin, margin:-margin], atol=1e-5)
