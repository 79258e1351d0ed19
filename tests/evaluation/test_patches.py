import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import wasserstein_distance

from geoinfinite.evaluation import laplacian_pyramid, patches, sliced_wasserstein


def noise(seed: int, height: int = 96, width: int = 120) -> np.ndarray:
    return np.random.default_rng(seed).normal(100, 20, (3, height, width))


def test_the_pyramid_adds_up_to_the_picture() -> None:
    picture = noise(1, 61, 74)
    *levels, rest = laplacian_pyramid(picture)
    for level in reversed(levels):
        rest = level + patches._enlarged(rest, level.shape)
    np.testing.assert_allclose(rest[0], picture, atol=1e-9)


def test_levels_hold_the_wavelengths_that_they_stand_for() -> None:
    x = np.arange(256)
    for expected, wavelength in enumerate((3.0, 8.0, 16.0)):
        wave = np.broadcast_to(np.sin(2 * np.pi * x / wavelength), (1, 64, 256))
        energy = [np.square(level).sum() * 4**i for i, level in enumerate(laplacian_pyramid(wave)[:-1])]
        assert int(np.argmax(energy)) == expected


def test_equal_sets_are_at_no_distance_and_order_does_not_matter() -> None:
    one, two = noise(1), noise(2)
    assert sliced_wasserstein(one, one) == (0, 0, 0)
    both, swapped = np.stack([one, two]), np.stack([two, one])
    np.testing.assert_allclose(sliced_wasserstein(both, swapped), 0, atol=1e-12)


def test_the_distance_along_one_direction_is_that_of_scipy() -> None:
    drawn, real = noise(3)[None], noise(4)[None] * 1.3
    direction = np.zeros((3 * 49, 1))
    direction[70] = 1
    mean, deviation = real.mean((0, 2, 3), keepdims=True), real.std((0, 2, 3), keepdims=True)
    ours, theirs = (patches._descriptors((x - mean) / deviation)[:, 70] for x in (drawn, real))
    assert patches._distance(drawn, real, direction) == pytest.approx(wasserstein_distance(ours, theirs))


def test_white_noise_of_another_strength_is_as_far_as_the_normal_distributions() -> None:
    drawn, real = np.random.default_rng(0).standard_normal((2, 1, 3, 256, 256))
    found = patches._distance(1.5 * drawn, real)
    assert found == pytest.approx(0.5 * np.sqrt(2 / np.pi), rel=0.02)


def test_a_smoothed_picture_is_far_where_it_lost_detail_and_near_where_it_did_not() -> None:
    real = gaussian_filter(noise(5, 192, 256), (0, 1, 1))
    blurred = gaussian_filter(real, (0, 1, 1))
    fine, middle, coarse = sliced_wasserstein(blurred, real)
    other = sliced_wasserstein(gaussian_filter(noise(6, 192, 256), (0, 1, 1)), real)
    assert fine > middle > coarse
    assert fine > 5 * other[0]


def test_patches_are_taken_at_every_phase_of_a_block_of_four() -> None:
    picture = np.zeros((1, 1, 400, 400))
    picture[..., ::4, ::4] = 1
    chosen = patches._descriptors(picture)
    assert len(chosen) <= patches.MOST_PATCHES
    assert (chosen.mean(0) > 0.03).all()


@pytest.mark.parametrize(
    ("drawn", "real", "message"),
    [
        (np.zeros((3, 64, 64)), np.zeros((3, 64, 60)), r"drawn has shape .*64, 64.* and real"),
        (np.zeros((64, 64)), np.zeros((64, 64)), r"drawn has shape \(64, 64\)"),
        (np.zeros((3, 40, 90)), np.zeros((3, 40, 90)), "at least 56 x 56 are needed"),
        (np.full((3, 64, 64), np.nan), np.zeros((3, 64, 64)), "not finite"),
    ],
)
def test_pictures_that_cannot_be_compared_are_refused(
    drawn: np.ndarray, real: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        sliced_wasserstein(drawn, real)
