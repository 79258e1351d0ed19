"""Position-keyed noise: normals per second, NumPy and torch, on tiles and on a large window."""

from typing import Any

import pytest

from geoinfinite.diffusion.noise import NoiseField
from geoinfinite.models.device_noise import DeviceNoise
from geoinfinite.plane.window import Window

FIELD = NoiseField(key=0x123456789ABCDEF0, level=5, channels=3)
SIDES = {"tile-64": 64, "tile-128": 128, "tile-256": 256, "window-512": 512}


@pytest.mark.parametrize("side", SIDES.values(), ids=SIDES)
@pytest.mark.parametrize("draw", [FIELD, DeviceNoise(FIELD)], ids=["numpy", "torch-cpu"])
def test_noise(benchmark: Any, draw: Any, side: int) -> None:
    window = Window(-7, side - 7, 30_011, 30_011 + side)
    values = benchmark(draw, window, 3)
    assert values.shape == (3, side, side)
    benchmark.extra_info["unit"] = "normals per call"
    benchmark.extra_info["normals"] = 3 * window.size
