import numpy as np
import pytest

from geoinfinite.errors import WorldError
from geoinfinite.tiling import PROFILES, axis_weights, tile_weights


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(("size", "stride"), [(32, 16), (32, 24), (128, 120), (64, 64), (48, 16), (30, 11)])
def test_weights_of_all_tiles_sum_to_one(profile: str, size: int, stride: int) -> None:
    weight = axis_weights(size, stride, profile).astype(np.float64)
    total = np.zeros(4 * size + stride)
    for start in range(0, len(total) - size + 1, stride):
        total[start : start + size] += weight
    inner = total[size : len(total) - size - stride]
    np.testing.assert_allclose(inner, 1, atol=1e-6)


def test_hann_at_half_overlap_is_sine_squared() -> None:
    u = (np.arange(64) + 0.5) / 64
    np.testing.assert_allclose(axis_weights(64, 32, "hann"), np.sin(np.pi * u) ** 2, atol=1e-7)


def test_hann_at_small_overlap_tapers_only_where_tiles_meet() -> None:
    weight = axis_weights(128, 120, "hann")
    assert (weight[8:-8] == 1).all()
    assert (np.diff(weight[:8]) > 0).all()
    assert (weight == weight[::-1]).all()


def test_crop_keeps_the_centre() -> None:
    weight = axis_weights(256, 128, "crop")
    assert weight[64:192].tolist() == [1.0] * 128
    assert weight.sum() == 128


def test_tile_weights_are_the_outer_product() -> None:
    axis = axis_weights(32, 24, "hann")
    assert (tile_weights(32, 24, "hann") == np.multiply.outer(axis, axis)).all()


def test_unknown_profiles_are_refused() -> None:
    with pytest.raises(WorldError, match="weights='box' is not one of hann, linear, gaussian"):
        axis_weights(32, 16, "box")
