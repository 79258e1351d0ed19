"""Outlines of windows as GeoJSON: across the antimeridian, round the Earth, over a pole."""

from __future__ import annotations

import pytest
from shapely.geometry import Point, shape

from geoinfinite.errors import StoreError
from geoinfinite.plane.crs import transformer
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.stores.files.footprint import footprint

EARTH = Grid("EPSG:4326", (-180.0, 90.0), 5.0, (36, 72), levels=2, periodic=True)


def test_a_window_on_one_side_is_a_polygon() -> None:
    geometry, bounds = footprint(EARTH, 0, Window(3, 9, 40, 51))
    assert geometry["type"] == "Polygon"
    assert bounds == [20, 45, 75, 75]
    assert shape(geometry).exterior.is_ccw
    assert shape(geometry).bounds == (20, 45, 75, 75)


@pytest.mark.parametrize("turns", [-2, -1, 0, 3])
def test_a_window_across_the_antimeridian_is_cut_there(turns: int) -> None:
    geometry, bounds = footprint(EARTH, 0, Window(3, 9, 68, 79).shift(0, 72 * turns))
    assert bounds == [160, 45, -145, 75]
    east, west = shape(geometry).geoms
    assert (east.bounds, west.bounds) == ((160, 45, 180, 75), (-180, 45, -145, 75))
    assert east.exterior.is_ccw
    assert west.exterior.is_ccw


def test_once_round_the_earth_is_one_box_wherever_it_begins() -> None:
    for start in (0, 17, -5):
        geometry, bounds = footprint(EARTH, 0, Window(30, 36, start, start + 72))
        assert bounds == [-180, -90, 180, -60] == list(shape(geometry).bounds)


def test_a_wide_window_keeps_its_width() -> None:
    _, bounds = footprint(EARTH, 0, Window(0, 36, 2, 70))
    assert bounds == [-170, -90, 170, 90]


def test_zones_at_the_antimeridian() -> None:
    zone = Grid("EPSG:32701", (100_000.0, 8_300_000.0), 5_000.0, (60, 160))
    geometry, bounds = footprint(zone, 0, Window(7, 33, 3, 151))
    west, east = bounds[0], bounds[2]
    assert 170 < west < 180
    assert -178 < east < -170
    to_degrees = transformer("EPSG:32701", "EPSG:4326").transform
    inside = [zone.transform(0) @ (column + 0.5, row + 0.5) for row, column in ((8, 4), (31, 149), (20, 9))]
    assert all(shape(geometry).contains(Point(*to_degrees(*place))) for place in inside)
    outside = [zone.transform(0) @ (column, row) for row, column in ((20, 1), (36, 70), (20, 153))]
    assert not any(shape(geometry).intersects(Point(*to_degrees(*place))) for place in outside)


@pytest.mark.parametrize(("epsg", "sign"), [(3413, 1), (3031, -1)])
def test_a_window_that_holds_a_pole_reaches_round_it(epsg: int, sign: int) -> None:
    polar = Grid(f"EPSG:{epsg}", (-2e6, 2e6), 1e5, (40, 40))
    geometry, bounds = footprint(polar, 0, Window(3, 38, 5, 37))
    south, north = sorted((90.0 * sign, bounds[1 if sign > 0 else 3]))
    assert bounds == [-180, south, 180, north]
    assert 60 < min(abs(south), abs(north)) < 80
    assert shape(geometry).bounds == tuple(bounds)
    beside, _ = footprint(polar, 0, Window(22, 38, 5, 37))
    assert not shape(beside).contains(Point(20, 89.9 * sign))


def test_grads_and_other_meridians_are_degrees_of_greenwich() -> None:
    paris = Grid("EPSG:4807", (-100.0, 50.0), 1.0, (100, 300))
    _, bounds = footprint(paris, 0, Window(0, 10, 100, 140))
    assert bounds == pytest.approx([2.337, 36, 2.337 + 36, 45], abs=0.02)


def test_sides_beyond_a_projection_are_refused() -> None:
    far = Grid("EPSG:32633", (-9e7, 9e7), 1e6, (180, 180))
    with pytest.raises(StoreError, match=r"has no outline in longitude and latitude: .*'EPSG:32633' does no"):
        footprint(far, 0, far.full(0))
