import numpy as np
import pytest

from geoinfinite.plane.resample import block_sum, coarsen_mean, mean_exact_upsampler, project_mean


def smooth_field(rows: int, columns: int) -> np.ndarray:
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    return (np.sin(y / 3 + 0.2 * x) + 0.1 * x)[None]


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_means_agree_with_xarray(factor: int) -> None:
    import xarray as xr

    x = smooth_field(6 * factor, 5 * factor)
    wanted = xr.DataArray(x, dims=("band", "y", "x")).coarsen(y=factor, x=factor).mean()
    np.testing.assert_allclose(coarsen_mean(x, factor), wanted, atol=1e-6)


def test_a_blocks_sum_has_the_same_bits_in_any_array() -> None:
    x = np.random.default_rng(0).normal(size=(3, 64, 96)).astype(np.float32)
    whole = block_sum(x, 4)
    for y, w in [(0, 4), (8, 92), (60, 96)]:
        assert (
            block_sum(x[:, y : y + 4, w - 4 : w], 4) == whole[:, y // 4 : y // 4 + 1, w // 4 - 1 : w // 4]
        ).all()


@pytest.mark.parametrize("side", [1, 2, 7, 32])
def test_the_upsampler_keeps_block_means(side: int) -> None:
    means = mean_exact_upsampler(side, 4).reshape(side, 4, side).mean(axis=1)
    np.testing.assert_allclose(means, np.eye(side), atol=2e-6)


def test_projection_moves_means_onto_the_parent() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2, 3, 32, 24)).astype(np.float32)
    parent = rng.normal(size=(2, 3, 8, 6)).astype(np.float32)
    np.testing.assert_allclose(coarsen_mean(project_mean(x, parent, 4), 4), parent, atol=1e-5)


def edge_excess(x: np.ndarray, factor: int = 4) -> float:
    """Mean step across block borders over the mean step within blocks: 1 where no border shows."""
    steps = np.abs(np.diff(x, axis=-1)).mean(axis=(0, 1))
    across = np.arange(len(steps)) % factor == factor - 1
    return float(steps[across].mean() / steps[~across].mean())


def random_field(seed: int, side: int = 256) -> np.ndarray:
    """A stationary Gaussian field on a torus with exponential covariance: no phase is special."""
    i = np.minimum(np.arange(side), side - np.arange(side))
    power = np.fft.fft2(np.exp(-np.hypot(i[:, None], i) / 6)).real.clip(0)
    white = np.random.default_rng(seed).normal(size=(side, side))
    return np.fft.ifft2(np.sqrt(power) * np.fft.fft2(white)).real.astype(np.float32)[None]


def test_projection_leaves_no_block_edges_where_replication_does() -> None:
    x, parent = random_field(2), coarsen_mean(random_field(3), 4)
    replicated = x + np.kron(parent - coarsen_mean(x, 4), np.ones((1, 4, 4)))
    assert edge_excess(x) == pytest.approx(1, abs=0.05)
    assert edge_excess(project_mean(x, parent, 4)) == pytest.approx(1, abs=0.05)
    assert edge_excess(replicated) > 1.5
