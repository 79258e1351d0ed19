import numpy as np
import pytest
from scipy.ndimage import uniform_filter
from scipy.stats import kurtosis, wasserstein_distance

from geoinfinite.evaluation import (
    colour_distance,
    contrast_kurtosis,
    detail_spread,
    diversity,
    laplacian_pyramid,
    parent_error,
)


def picture(seed: int, shape: tuple[int, ...] = (3, 40, 56)) -> np.ndarray:
    return np.random.default_rng(seed).gamma(3.0, 12.0, shape)


def test_detail_is_the_spread_around_scipys_box_mean() -> None:
    one = picture(1)
    smooth = np.stack([uniform_filter(band, 5) for band in one])
    assert detail_spread(one) == pytest.approx((one - smooth)[:, 2:-2, 2:-2].std())


def test_white_noise_keeps_all_but_a_25th_of_its_variance() -> None:
    white = np.random.default_rng(2).normal(0, 3, (3, 300, 280))
    assert detail_spread(white) == pytest.approx(3 * np.sqrt(24 / 25), rel=0.01)


def test_a_gradient_has_no_detail() -> None:
    assert detail_spread(np.add.outer(np.arange(20.0), np.arange(30.0))[None]) == pytest.approx(0, abs=1e-6)


def test_colour_distance_is_scipys_mean_over_bands() -> None:
    ours, theirs = picture(3), picture(4) + 5
    expected = [wasserstein_distance(a.ravel(), b.ravel()) for a, b in zip(ours, theirs, strict=True)]
    assert colour_distance(ours, theirs) == pytest.approx(np.mean(expected))


def test_colour_distance_counts_shifts_and_not_places() -> None:
    one = picture(5)
    assert colour_distance(one + np.array([0.5, 0, 1])[:, None, None], one) == pytest.approx(0.5)
    assert colour_distance(one[:, ::-1], one) == 0


def test_parent_error_finds_a_single_pixel() -> None:
    parent = np.random.default_rng(6).integers(0, 256, (3, 5, 7))
    drawn = parent.repeat(4, 1).repeat(4, 2)
    assert parent_error(drawn, parent, 4) == (0, 0)
    drawn[1, 9, 14] += 8
    assert parent_error(drawn, parent, 4) == pytest.approx((0.5, 0.5 / parent.size))


def test_parent_error_wants_whole_blocks() -> None:
    with pytest.raises(ValueError, match=r"drawn has shape .*20, 27.* factor=4 ask for .*20, 28"):
        parent_error(np.zeros((3, 20, 27)), np.zeros((3, 5, 7)), 4)


def test_diversity_is_one_for_unrelated_details_and_none_for_the_same() -> None:
    base = picture(7, (3, 90, 110))
    one, other = base + picture(8, base.shape) - 36, base + picture(9, base.shape) - 36
    assert diversity(one, one, base) == 0
    assert diversity(base, base, base) == 0
    assert diversity(one, other, base) == pytest.approx(1, rel=0.02)


def test_half_of_the_detail_in_common_shows() -> None:
    base = np.zeros((3, 200, 150))
    common, first, second = np.random.default_rng(10).standard_normal((3, *base.shape))
    assert diversity(common + first, common + second, base) == pytest.approx(np.sqrt(0.5), rel=0.02)


def test_kurtosis_is_scipys_and_tells_edges_from_noise() -> None:
    noise = np.random.default_rng(11).standard_normal((1, 200, 220))
    assert contrast_kurtosis(noise) == pytest.approx(3, rel=0.05)
    blocks = np.sign(noise).repeat(8, 1).repeat(8, 2)[:, :200, :220]
    finest = laplacian_pyramid(blocks, 1)[0].ravel()
    assert contrast_kurtosis(blocks) == pytest.approx(kurtosis(finest, fisher=False), rel=1e-6)
    assert contrast_kurtosis(blocks) > 3.5
    assert contrast_kurtosis(np.zeros((1, 20, 20))) == 0
