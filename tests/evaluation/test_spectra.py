import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from geoinfinite.evaluation import octave_power, octave_ratios, power_spectrum, spectral_slope


def field(exponent: float, seed: int = 0, shape: tuple[int, int] = (384, 320)) -> np.ndarray:
    """A random field of three bands whose power falls as wavelength ** exponent."""
    white = np.random.default_rng(seed).standard_normal((3, *shape))
    fy, fx = np.meshgrid(*(np.fft.fftfreq(s) for s in shape), indexing="ij")
    frequency = np.hypot(fy, fx)
    frequency[0, 0] = np.inf
    return np.fft.ifft2(np.fft.fft2(white) * frequency ** (-exponent / 2)).real


def test_power_adds_up_to_the_variance() -> None:
    white = np.random.default_rng(1).normal(50, 7, (4, 3, 96, 130))
    assert power_spectrum(white)[1].sum() == pytest.approx(49, rel=0.02)


def test_white_noise_has_the_share_of_its_ring_in_every_octave() -> None:
    white = np.random.default_rng(2).standard_normal((6, 3, 256, 192))
    rings = [np.pi * (1 / low**2 - 1 / high**2) for low, high in ((2, 4), (4, 8), (8, 16))]
    assert octave_power(white) == pytest.approx(rings, rel=0.05)


def test_a_wave_is_in_its_octave() -> None:
    wave = np.broadcast_to(np.sin(2 * np.pi * np.arange(200) / 5.3), (1, 80, 200))
    power = octave_power(wave)
    assert power[1] > 0.98 * sum(power)
    assert power[1] == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize("exponent", [0.0, 1.5, 2.5])
def test_the_slope_of_a_power_law_is_its_exponent(exponent: float) -> None:
    assert spectral_slope(field(exponent)) == pytest.approx(exponent, abs=0.1)


def test_neither_brightness_nor_place_counts_and_contrast_does_by_its_square() -> None:
    real = field(2.0)
    assert octave_ratios(real + 90, real) == pytest.approx((1, 1, 1))
    assert octave_ratios(real * 3, real) == pytest.approx((9, 9, 9))
    assert octave_ratios(field(2.0, seed=1), real) == pytest.approx((1, 1, 1), rel=0.1)


def test_blur_and_speckle_break_the_limits() -> None:
    real = field(2.5)
    blurred = octave_ratios(gaussian_filter(real, (0, 0.8, 0.8)), real)
    assert blurred[0] < 0.5 < blurred[2]
    speckled = octave_ratios(real + 0.3 * real.std() * field(0.0, seed=3), real)
    assert speckled[0] > 1.5 > 1.1 > speckled[2]


def test_a_flat_real_picture_gives_no_number_that_looks_good() -> None:
    flat = np.full((3, 64, 64), 8)
    assert octave_ratios(field(0.0, shape=(64, 64)), flat)[0] > 1e6
    assert octave_ratios(flat, flat) == (1, 1, 1)


def test_small_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="images is 20 x 90 px, but at least 32 x 32"):
        octave_power(np.zeros((3, 20, 90)))
