"""Noise on a device is the NumPy noise, bit for bit."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from geoinfinite.diffusion.noise import NoiseField
from geoinfinite.errors import WorldError
from geoinfinite.models.device_noise import DeviceNoise, multiply
from geoinfinite.plane.window import Window

KEY = 0x123456789ABCDEF0
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_the_split_product_is_the_product(multiplier: int, word: int) -> None:
    high, low = multiply(multiplier, torch.tensor([word]))
    assert (int(high) << 32 | int(low)) == multiplier * word


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("window", "period"),
    [
        (Window(-5, 40, -1003, -940), None),
        (Window(2**31 - 3, 2**31 + 4, 2**32 - 9, 2**32 + 8), None),
        (Window(-2, 3, 5390, 5430), 5401),
        (Window(7, 7, 3, 9), None),
        (Window(-1, 400, 11, 231), None),
    ],
)
def test_bits_equal_numpy(device: str, window: Window, period: int | None) -> None:
    field = NoiseField(KEY, level=3, channels=3, period=period, purpose=1)
    drawn = DeviceNoise(field, device)(window, draw=17)
    assert drawn.dtype == torch.float32
    assert drawn.device.type == device
    assert drawn.cpu().numpy().tobytes() == field(window, draw=17).tobytes()


def test_small_blocks_give_the_same_bits() -> None:
    window = Window(-70, 130, -9, 302)
    field = NoiseField(KEY, level=0, channels=2, period=257)
    np.testing.assert_array_equal(DeviceNoise(field, block=2**7)(window).numpy(), field(window))


def test_a_bad_draw_is_refused_as_the_field_refuses_it() -> None:
    with pytest.raises(WorldError, match="draw=-1 must be an int"):
        DeviceNoise(NoiseField(KEY, 1, 1))(Window(0, 1, 0, 1), draw=-1)
