"""Where a tile lies: the middle of its canonical window, on every grid and beyond its edges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from grounds import GRIDS
from pyproj import Transformer

import geoinfinite as gi
from geoinfinite.conditions import Location, Place
from geoinfinite.errors import WorldError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.testing import ConditionContract
from geoinfinite.told import Slot

LOCATION = Slot("location", "location")
EARTH = Grid("EPSG:4326", (-180.0, 90.0), 0.75, (240, 480), factor=4, levels=2, periodic=True)


class TestLocation(ConditionContract):
    slot = LOCATION

    def condition(self, tmp_path: Any) -> Location:
        return Location("location")


class TestLocationOnTheEarth(TestLocation):
    """Across the antimeridian."""

    grid = EARTH
    level = 0
    window = Window(40, 104, 440, 520)


@pytest.mark.parametrize("crs", [*GRIDS, "EPSG:3413", "EPSG:32760"])
def test_it_is_the_middle_of_the_tile(crs: str) -> None:
    polar = Grid(crs, (-410_000.0, 390_000.0), 2500.0, (240, 320), factor=4, levels=2)
    grid, window = GRIDS.get(crs, polar), Window(40, 104, 24, 98)
    x, y = grid.transform(1) * (61, 72)
    wanted = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    told = Location("location").told(Place(grid, 1, window), LOCATION)
    assert told.dtype == np.float64
    np.testing.assert_allclose(told, wanted, rtol=0, atol=1e-12)


def test_it_is_the_same_once_round_the_earth_and_within_the_degrees() -> None:
    location = Location("location")
    for shift, lon in ((0, 172.5), (40, -157.5)):
        windows = [Window(20, 61, 450 + shift + turn, 490 + shift + turn) for turn in (-480, 0, 960)]
        told = [location.told(Place(EARTH, 0, window), LOCATION) for window in windows]
        for one in told:
            np.testing.assert_array_equal(one, [lon, 90 - 40.5 * 0.75])
    middle = location.told(Place(EARTH, 0, Window(0, 2, 470, 490)), LOCATION)
    np.testing.assert_array_equal(middle, [-180.0, 89.25])


def test_beyond_the_level_it_is_the_nearest_pixel_s() -> None:
    grid = GRIDS["EPSG:32632"]
    x, y = grid.transform(0) * (0.5, 0.5)
    wanted = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(x, y)
    told = Location("location").told(Place(grid, 0, Window(-64, 0, -70, -6)), LOCATION)
    np.testing.assert_allclose(told, wanted, rtol=0, atol=1e-12)


def test_it_is_written_and_read(tmp_path: Path) -> None:
    world = gi.World.for_model(
        "analytic:conditional", crs="EPSG:32632", bounds=(5e5, 5.196e6, 5.04e5, 5.2e6), resolution=20
    )
    file = tmp_path / "world.toml"
    world.save(file)
    table = '\n[[condition]]\nkind = "location"\nname = "prompt"\nstrength = 0.5\nlevels = [0]\n'
    file.write_text(file.read_text() + table)
    with pytest.raises(WorldError, match="kind='location' cannot fill the slot 'prompt', which is told text"):
        gi.World.load(file).array(level=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": ""}, r"condition.name='' is not the name of a slot"),
        ({"levels": "0"}, r"condition.place.levels='0' is no list of levels; write \[\] for all"),
        ({"strength": -1}, r"condition.place.strength=-1 must be at least 0 and at most 100"),
        ({"guidance": np.inf}, r"condition.place.guidance=inf must be a finite number"),
    ],
)
def test_settings_that_have_no_meaning(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(WorldError, match=message):
        Location(**{"name": "place", **settings})
