"""Ice of level 0 in one colour."""

from __future__ import annotations

import numpy as np
from training.even_ice import AROUND, LEAST_BRIGHT, MOST_COLOUR, evened
from training.layer import Bytes

SNOW, SEA, SAND, BLUE_ICE = (230, 231, 233), (20, 60, 120), (205, 170, 125), (150, 190, 215)


def filled(colour: tuple[int, int, int]) -> Bytes:
    return np.full((30, 40, 3), colour, np.uint8)


def bright(picture: Bytes) -> np.ndarray:
    return picture.astype(float).mean(-1)


def test_a_spot_of_colour_fades_and_keeps_its_brightness() -> None:
    spotted = filled(SNOW)
    spotted[11, 17] = 243, 222, 238
    found = evened(spotted)
    np.testing.assert_allclose(bright(found), bright(spotted), atol=0.7)
    before, after = (np.ptp(picture[11, 17].astype(int) - SNOW) for picture in (spotted, found))
    assert before == 22
    assert after <= 1


def test_noise_of_colour_is_the_mean_of_the_neighbourhood() -> None:
    rng = np.random.default_rng(3)
    noisy = (np.array(SNOW) + rng.integers(-8, 9, (30, 40, 3))).astype(np.uint8)
    colour = noisy - bright(noisy)[..., None]
    reach = AROUND // 2
    wanted = colour[12 - reach : 13 + reach, 20 - reach : 21 + reach].mean((0, 1)) + bright(noisy)[12, 20]
    np.testing.assert_allclose(evened(noisy)[12, 20], wanted, atol=0.51)


def test_brightness_of_snow_stays() -> None:
    rows = filled(SNOW)
    rows[::2] -= 40
    np.testing.assert_allclose(bright(evened(rows)), bright(rows), atol=0.7)


def test_sea_sand_and_blue_ice_stay_and_do_not_colour_the_snow_beside_them() -> None:
    for other in (SEA, SAND, BLUE_ICE):
        halves = filled(SNOW)
        halves[:, 21:] = other
        np.testing.assert_array_equal(evened(halves), halves)


def test_limits_of_what_is_icy() -> None:
    for colour, changes in (
        ((LEAST_BRIGHT + 14, LEAST_BRIGHT, LEAST_BRIGHT - 14), True),
        ((LEAST_BRIGHT + 11, LEAST_BRIGHT - 3, LEAST_BRIGHT - 17), False),
        ((200 + MOST_COLOUR - 1, 200, 200), True),
        ((200 + MOST_COLOUR, 200, 200), False),
    ):
        spotted = filled(SNOW)
        spotted[14, 9] = colour
        assert bool((evened(spotted)[14, 9] != spotted[14, 9]).any()) == changes, colour


def test_the_neighbourhood_goes_round_the_globe_and_ends_at_the_poles() -> None:
    spotted = filled(SNOW)
    spotted[0, 0] = 250, 222, 222
    changed = (evened(spotted) != spotted).any(-1)
    assert changed[0, 0]
    row = filled(SNOW)
    row[:, 0] = 250, 222, 222
    assert (evened(row)[15, -1] != row[15, -1]).any()
    assert (evened(row)[15, 20] == row[15, 20]).all()
