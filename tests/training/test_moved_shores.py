"""Shores of level 0: pixels beside a line become as wet as is told, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from training.moved_shores import moved

LAND, SEA, MUD, SNOW = (
    np.array(colour, float) for colour in ((40, 60, 30), (20, 60, 120), (90, 70, 40), (240, 240, 245))
)
HEIGHT, WIDTH, LINE = 40, 60, 31


def told(line: float) -> np.ndarray:
    """Share of water, of 255, with land to the left of a line."""
    share = np.clip(np.arange(WIDTH) + 1 - line, 0, 1)
    return np.rint(255 * np.tile(share, (HEIGHT, 1))).astype(np.uint8)


def pictured(share: np.ndarray, water: np.ndarray = SEA, land: np.ndarray = LAND) -> np.ndarray:
    """A picture of that share of water, with some noise of brightness."""
    wet = share[..., None] / 255
    noise = np.random.default_rng(3).normal(0, 2, (*share.shape, 1))
    return np.rint(wet * water + (1 - wet) * land + noise).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("water", [SEA, MUD], ids=["blue", "brown"])
@pytest.mark.parametrize("beside", [-2.0, 1.7, 2.0])
def test_a_shore_that_lies_beside_the_told_one_is_moved_there(beside: float, water: np.ndarray) -> None:
    share = told(LINE + 0.4)
    shown, right = pictured(told(LINE + 0.4 + beside), water), pictured(share, water)
    found = moved(shown, share).astype(int)
    wrong = np.abs(shown.astype(int) - right).max(-1)
    assert wrong.max() > 40
    # What stays is a quarter of the way from land to water, and the noise.
    assert np.abs(found - right).max() <= 0.25 * np.abs(water - LAND).max() + 8


def test_what_agrees_and_what_lies_away_from_the_line_stays_bit_for_bit() -> None:
    share = told(LINE + 0.4)
    right = pictured(share)
    np.testing.assert_array_equal(moved(right, share), right)
    shown = pictured(told(LINE + 2.4))
    # A pond that is not told, farther from the line than shores are moved.
    shown[10, LINE - 8] = SEA
    changed = (moved(shown, share) != shown).any(-1).any(0)
    assert set(np.flatnonzero(changed)) <= set(range(LINE - 4, LINE + 6))
    assert changed.any()


def test_a_lake_that_the_picture_does_not_show_a_narrow_river_and_snow_stay_as_they_are() -> None:
    share = told(LINE)
    hidden = pictured(share, LAND)
    np.testing.assert_array_equal(moved(hidden, share), hidden)
    river = np.zeros_like(share)
    river[:, 20:23] = 255
    shown = pictured(np.roll(river, 2, axis=1))
    np.testing.assert_array_equal(moved(shown, river), shown)
    snowy = pictured(told(LINE + 2))
    snowy[5:9] = SNOW
    found = moved(snowy, share)
    np.testing.assert_array_equal(found[5:9], snowy[5:9])
    assert (found != snowy).any()


def test_colours_of_a_side_that_is_far_off_tell_nothing_of_a_narrow_lake() -> None:
    lake = told(52)
    lake[:, 20:23] = 255
    shown = pictured(np.where(np.arange(WIDTH) < 40, np.roll(lake, 2, axis=1), lake).astype(np.uint8))
    np.testing.assert_array_equal(moved(shown, lake)[:, :35], shown[:, :35])


def test_a_pixel_that_is_moved_all_the_way_loses_what_is_neither_land_nor_water() -> None:
    share = told(LINE)
    shown = pictured(told(LINE + 2))
    shown[10, LINE] += np.array([0, 40, 0], np.uint8)
    assert np.abs(moved(shown, share)[10, LINE].astype(int) - SEA).max() < 12
