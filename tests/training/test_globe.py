"""Level 0: means of tiles at their places, poles from a small picture, a file that is sharp in colour."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from PIL import Image
from training.globe import LAST_LATITUDE, joined
from training.layer import area_mean
from training.moved_shores import moved
from training.root import MARGIN, STEP, STRIP, in_steps, with_shores, write

ROWS, COLUMNS = 2700, 5400
ACROSS = 16
"""Tiles of zoom 4: 0.76 of their pixels along each pixel of the globe at the equator."""


def shown(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """A colour for every place: waves along longitude, along latitude and across both."""
    east, north = np.radians(longitude), np.radians(latitude)
    waves = np.sin(16 * east + 0.3), np.sin(16 * north + 0.5), np.sin(5 * east + 3 * north)
    return 120 + 90 * np.stack(waves, -1)


@pytest.fixture(scope="module")
def globe(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    folder, steps = tmp_path_factory.mktemp("tiles"), (np.arange(256) + 0.5) / 256
    for x in range(ACROSS):
        (folder / str(x)).mkdir()
        for y in range(ACROSS):
            longitude = (x + steps) / ACROSS * 360 - 180
            latitude = np.degrees(np.arctan(np.sinh(math.pi * (1 - 2 * (y + steps) / ACROSS))))
            pixels = shown(*np.meshgrid(longitude, latitude)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{x}/{y}.jpeg", quality=98, subsampling=0)
    return joined(np.full((ROWS, COLUMNS, 3), 90, np.uint8), folder, ACROSS)


def test_every_pixel_has_the_colour_of_its_place(globe: np.ndarray) -> None:
    longitude = (np.arange(COLUMNS) + 0.5) / 15 - 180
    latitude = 90 - (np.arange(ROWS) + 0.5) / 15
    inside = np.abs(latitude) < LAST_LATITUDE
    expected = shown(*np.meshgrid(longitude, latitude[inside]))

    def mean_error(down: int, right: int) -> float:
        moved = np.roll(globe[inside], (down, right), (0, 1))[2:-2, 2:-2]
        return float(np.abs(moved - expected[2:-2, 2:-2]).mean())

    here = mean_error(0, 0)
    assert here < 1
    assert all(mean_error(*step) > here + 0.1 for step in ((0, 1), (0, -1), (1, 0), (-1, 0)))


def test_the_poles_have_the_mean_of_what_lies_beside_them(globe: np.ndarray) -> None:
    first = round((90 - LAST_LATITUDE) * 15)
    for cap, beside in (
        (globe[:first], globe[first : 2 * first]),
        (globe[-first:], globe[-2 * first : -first]),
    ):
        assert np.ptp(cap, axis=(0, 1)).max() == 0
        np.testing.assert_allclose(cap.mean((0, 1)), beside.mean((0, 1)), atol=0.51)


def test_the_file_keeps_every_pixel_as_it_is_and_says_where_it_lies(tmp_path: Path) -> None:
    """A colour that is off by a count is a spot of colour below: detail is in units of the contrast."""
    pixels = np.random.default_rng(7).integers(0, 256, (40, 80, 3)).astype(np.uint8)
    write(pixels, tmp_path / "root.tif")
    with rasterio.open(tmp_path / "root.tif") as dataset:
        np.testing.assert_array_equal(np.moveaxis(dataset.read(), 0, 2), pixels)
        assert dataset.crs == "EPSG:4326"
        assert (dataset.transform * (15, 30)) == pytest.approx((-179.0, 88.0))


def test_steps_are_off_by_no_more_than_half_of_one_and_by_nothing_on_average() -> None:
    every = np.arange(1, 254, dtype=np.uint8).reshape(11, 23)
    found = in_steps(every).astype(int)
    assert not (found % STEP).any()
    assert np.abs(found - every).max() == STEP // 2
    assert abs((found - every).mean()) < 0.01


def test_level_0_has_the_means_of_moved_shores_whatever_the_strips() -> None:
    rows, columns = STRIP + 40, 64
    share = np.zeros((rows, columns), np.uint8)
    # An oblique shore, across the end of the first strip; the picture has it three pixels to the east.
    line = 20 + 20 * np.arange(rows)[:, None] / rows
    share[:] = 255 * (np.arange(columns) > line)
    shown = np.where(np.roll(share, 3, 1)[..., None] > 0, (20, 60, 120), (40, 60, 30)).astype(np.uint8)
    found = with_shores(shown, share)
    whole = torch.from_numpy(moved(shown, share)).permute(2, 0, 1)
    np.testing.assert_array_equal(np.moveaxis(found, 2, 0), area_mean(whole, 4).numpy())
    assert (found != with_shores(shown, np.roll(share, 3, 1))).any()


def test_moving_a_shore_depends_on_no_pixel_beyond_the_margin_of_a_strip() -> None:
    rng = np.random.default_rng(4)
    share = np.repeat(np.repeat(255 * rng.integers(0, 2, (20, 8)), 8, 0), 8, 1).astype(np.uint8)
    shown = rng.integers(0, 100, (160, 64, 3)).astype(np.uint8)
    strip, inside = slice(30, 130), slice(30 + MARGIN, 130 - MARGIN)
    alone = moved(shown[strip], share[strip])[MARGIN:-MARGIN]
    np.testing.assert_array_equal(alone, moved(shown, share)[inside])
    assert (alone != shown[inside]).any()
