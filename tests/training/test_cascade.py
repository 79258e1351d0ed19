"""The world against pictures of the same places."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from training.cascade import LEVEL, PER_DEGREE, SIDE, figures, resampled, window
from training.scene import Scene, all_usable

TILES = 4
NAME = "marble-131-88"


def longitudes() -> Scene:
    """A scene of 4 x 4 tiles whose red tells the column and whose green tells the row, in pixels of 4."""
    rows, columns = torch.meshgrid(torch.arange(1024) // 4, torch.arange(1024) // 4, indexing="ij")
    picture = torch.stack([columns, rows, 0 * rows]).to(torch.uint8)
    return Scene(NAME, "blue-marble-fine", picture, all_usable(picture), None, 424.0, (0.0, 0.0), {0: 1.0})


def test_the_window_lies_in_the_middle_of_the_scene() -> None:
    at = window(longitudes(), TILES)
    assert (at.y1 - at.y0, at.x1 - at.x0) == (SIDE, SIDE)
    lon, lat = (at.x0 + at.x1) / 2 / PER_DEGREE - 180, 90 - (at.y0 + at.y1) / 2 / PER_DEGREE
    assert lon == pytest.approx(133 / 256 * 360 - 180, abs=0.01)
    # Web mercator, written the other way round.
    y = (1 - math.log(math.tan(math.pi / 4 + math.radians(lat) / 2)) / math.pi) / 2
    assert y * 256 == pytest.approx(90, abs=0.01)
    assert LEVEL == 2


def test_every_pixel_shows_its_own_place() -> None:
    scene = longitudes()
    at = window(scene, TILES)
    found = resampled(scene, TILES, at)
    for row, column in ((3, 5), (200, 17), (100, 250)):
        lon = (at.x0 + column + 0.5) / PER_DEGREE
        lat = math.radians(90 - (at.y0 + row + 0.5) / PER_DEGREE)
        across = (lon / 360 * 256 - 131) * 64
        down = ((1 - math.asinh(math.tan(lat)) / math.pi) / 2 * 256 - 88) * 64
        assert found[0, row, column] == pytest.approx(across, abs=1.1)
        assert found[1, row, column] == pytest.approx(down, abs=1.1)


def test_power_is_told_apart_by_axis_octave_and_level() -> None:
    """A wave of 11 px of green against red and blue, on noise that both have."""
    rng = np.random.default_rng(3)
    real = rng.integers(60, 120, (3, 256, 256)).astype(np.uint8)
    wave = np.rint(20 * np.sin(np.arange(256) * np.pi / 5.5)).astype(int)
    drawn = real.astype(int) + np.array([1, -2, 1])[:, None, None] * wave
    found = {level: np.array(x) for level, x in figures([drawn.astype(np.uint8)], [real]).items()}
    for power in found.values():
        np.testing.assert_allclose(power[:2], 1, atol=0.05)
    assert found["level 2"][2, 2] > 5
    np.testing.assert_allclose(found["level 2"][2, 0], 1, atol=0.1)
    # Of 2.75 px there.
    assert found["level 1"][2, 0] > 5
    np.testing.assert_allclose(found["level 1"][2, 2], 1, atol=0.1)
