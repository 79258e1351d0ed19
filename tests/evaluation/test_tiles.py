import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from geoinfinite.evaluation import repetition, seam_phase_ratio


def texture(seed: int, height: int = 400, width: int = 520) -> np.ndarray:
    white = np.random.default_rng(seed).standard_normal((3, height, width))
    return gaussian_filter(white, (0, 1, 1), mode="wrap")


def test_a_texture_without_tiles_has_no_phase() -> None:
    rows, columns = seam_phase_ratio(texture(1), 20)
    assert 1 <= rows < 1.1
    assert 1 <= columns < 1.1


@pytest.mark.parametrize("origin", [(0, 0), (13, 7), (-5, 1003)])
def test_a_step_at_every_tile_is_found_on_its_axis(origin: tuple[int, int]) -> None:
    seams = texture(2)
    column = np.arange(seams.shape[2]) + origin[1]
    seams += 0.2 * ((column // 40) % 2)
    rows, columns = seam_phase_ratio(seams, 40, origin)
    assert rows < 1.1
    assert columns > 1.3


def test_the_origin_moves_phases_and_not_the_ratio() -> None:
    assert seam_phase_ratio(texture(3), 28, (5, 17)) == pytest.approx(seam_phase_ratio(texture(3), 28))


def test_a_texture_does_not_repeat_itself() -> None:
    assert max(np.abs(repetition(texture(4), (30, 32, 64)))) < 0.02


def test_one_tile_everywhere_is_found_at_its_lag() -> None:
    tile = texture(5, 32, 32)
    rng = np.random.default_rng(6)
    repeated = np.tile(tile, (1, 8, 10)) + 0.5 * rng.standard_normal((3, 256, 320))
    stride, other, double = repetition(repeated, (32, 40, 64))
    assert stride > 0.1
    assert double > 0.1
    assert abs(other) < 0.02


def test_windows_below_the_lags_are_refused() -> None:
    with pytest.raises(ValueError, match="images is 400 x 520 px, but at least 416 x 416"):
        repetition(texture(7), (200, 400))
    with pytest.raises(ValueError, match="at least 480 x 480"):
        seam_phase_ratio(texture(7), 240)
