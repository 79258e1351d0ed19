"""Grids on every kind of CRS: what may be one, how wide a turn is, and boxes over the seam."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from pyproj import Transformer
from pyproj.database import query_crs_info
from pyproj.exceptions import CRSError

from geoinfinite.errors import WindowError, WorldError
from geoinfinite.plane.crs import parse_crs, turn
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window

EQUATOR = 40_075_016.685578488
MERCATOR = Grid("EPSG:3857", (-EQUATOR / 2, EQUATOR / 2), EQUATOR / 360, (360, 360), levels=2, periodic=True)
DEGREES = Grid("EPSG:4326", (-180.0, 90.0), 1.0, (180, 360), levels=2)
ROUND = replace(DEGREES, periodic=True)


@pytest.mark.parametrize(
    ("crs", "place"),
    [
        ("EPSG:3857", (-EQUATOR / 2, EQUATOR / 2)),
        ("EPSG:3395", (-EQUATOR / 2, EQUATOR / 2)),
        ("EPSG:4087", (-EQUATOR / 2, EQUATOR / 4)),
        ("ESRI:54034", (-EQUATOR / 2, EQUATOR / 4)),
        ("EPSG:3832", (-EQUATOR / 2, EQUATOR / 2)),
    ],
)
@pytest.mark.parametrize(
    "box", [(178, -1, -178, 1), (-31.5, -1, -28.5, 1), (177, -3, 180, -2), (-180, 4, -178, 5)]
)
def test_a_box_over_any_meridian_is_as_wide_as_elsewhere(
    crs: str, place: tuple[float, float], box: tuple[float, float, float, float]
) -> None:
    grid = Grid(crs, place, EQUATOR / 3600, (3600, 3600), periodic=True)
    window = grid.window(0, box, "EPSG:4326")
    width = (box[2] - box[0]) % 360
    assert 10 * width <= window.width <= 10 * width + 2
    centre = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(
        box[0] + width / 2, (box[1] + box[3]) / 2
    )
    column = (centre[0] - place[0]) / grid.resolution
    assert (column - window.x0) % 3600 == pytest.approx(window.width / 2, abs=1)


def test_a_box_once_round_is_every_column() -> None:
    assert MERCATOR.window(0, (-180, -1, 180, 1), "EPSG:4326") == Window(178, 182, 0, 360)


@pytest.mark.parametrize("box", [(178, -1, -178, 1), (170, -40, -120, 3)])
def test_where_a_projected_grid_ends_a_box_over_its_end_is_refused(box: tuple[float, ...]) -> None:
    grid = replace(MERCATOR, periodic=False)
    with pytest.raises(WindowError, match=r"bounds=\(17.*over the line where EPSG:3857 is cut.* two sides"):
        grid.window(0, box, "EPSG:4326")
    west, south, east, north = box
    sides = [
        grid.window(0, side, "EPSG:4326") for side in ((west, south, 180, north), (-180, south, east, north))
    ]
    assert (sides[0].x1, sides[1].x0) == (360, 0)


def over_the_line() -> tuple[float, float, float, float]:
    """A box in UTM zone 1 from 179.5 east to 179 west."""
    return Transformer.from_crs("EPSG:4326", "EPSG:32601", always_xy=True).transform_bounds(
        179.5, 10, -179, 11
    )


def test_a_utm_box_over_the_antimeridian() -> None:
    assert ROUND.window(0, over_the_line(), "EPSG:32601") == Window(78, 81, 359, 362)
    for moved, x0 in ((0.0, 179), (-360.0, 539)):
        beyond = replace(DEGREES, origin=(moved, 90.0))
        if moved == 0:
            assert beyond.window(0, over_the_line(), "EPSG:32601") == Window(78, 81, x0, x0 + 3)
    with pytest.raises(
        WindowError, match=r"lies over the antimeridian, where this grid ends .*; ask for the two sides"
    ):
        DEGREES.window(0, over_the_line(), "EPSG:32601")


def test_a_grid_that_lies_across_the_antimeridian_has_boxes_across_it() -> None:
    fiji = Grid("EPSG:4326", (170.0, 0.0), 0.5, (60, 40))
    assert fiji.window(0, (178, -2, -178, -1)) == Window(2, 4, 16, 24)
    assert fiji.window(0, (-179, -2, -178, -1)) == Window(2, 4, 22, 24)
    assert replace(fiji, origin=(-190.0, 0.0)).window(0, (178, -2, -178, -1)) == Window(2, 4, 16, 24)


@pytest.mark.parametrize("box", [(10, 0, 5, 1), (181, 0, -181, 1), (-60, 0, -120, 1), (180, 0, 1, 1)])
@pytest.mark.parametrize("grid", [DEGREES, ROUND, MERCATOR])
def test_west_and_east_swapped_are_not_a_way_round_the_earth(grid: Grid, box: tuple[float, ...]) -> None:
    with pytest.raises(
        WindowError, match=re.escape(f"bounds=({box[0]:g}, {box[1]:g}, {box[2]:g}, {box[3]:g}) is inverted")
    ):
        grid.window(1, box, "EPSG:4326")


def test_a_box_over_the_pole() -> None:
    assert ROUND.window(0, (-4e6, -4e6, 4e6, 4e6), "EPSG:3413").y0 == 0
    polar = Grid("EPSG:3413", (-4e6, 4e6), 1e5, (80, 80))
    assert (
        polar.window(0, (170, 70, -170, 75), "EPSG:4326").size
        < polar.window(0, (-180, 70, 180, 89), "EPSG:4326").size
    )


def test_a_turn_is_in_the_units_of_the_crs() -> None:
    assert [turn(crs) for crs in ("EPSG:4326", "EPSG:4807", "EPSG:4901", "EPSG:3857")] == [
        360,
        400,
        400,
        None,
    ]
    assert Grid("EPSG:4807", (-200, 100), 400 / 24, (12, 24), periodic=True).period(0) == 24
    with pytest.raises(WorldError, match=r"resolution = 400 grads, not 360.0; set grid.periodic = false"):
        Grid("EPSG:4807", (-180, 90), 15.0, (12, 24), periodic=True)


def test_a_turn_is_one_to_a_part_of_a_pixel() -> None:
    rounded = Grid("EPSG:4326", (-180, 90), 0.0083333333, (21600, 43200), periodic=True)
    assert rounded.period(0) == 43200
    with pytest.raises(WorldError, match=r"columns \* resolution = 360 degrees") as said:
        replace(rounded, resolution=0.00833)
    better = float(re.search(r"grid\.resolution = (\S+)\)", str(said.value))[1])
    assert replace(rounded, resolution=better).period(0) == 43200
    assert replace(rounded, resolution=0.00833, periodic=False).period(0) is None


@pytest.mark.parametrize(
    ("crs", "message"),
    [
        ("EPSG:4978", "is a Geocentric CRS, whose axes are not"),
        ("EPSG:5773", "is a Vertical CRS, whose axes are not"),
        ('LOCAL_CS["plan",UNIT["metre",1]]', "is a Engineering CRS, whose axes are not"),
        ("{" * 3000, "is not a coordinate reference system"),
        ('{"a":' * 3000, "is not a coordinate reference system"),
    ],
)
def test_a_grid_lies_on_the_earths_surface(crs: str, message: str) -> None:
    with pytest.raises(WorldError, match=message) as said:
        replace(DEGREES, crs=crs)
    assert len(str(said.value)) < 400


@pytest.mark.parametrize(
    ("crs", "flat"),
    [
        ("EPSG:4979", "EPSG:4326"),
        ("EPSG:7415", "EPSG:28992"),
        ("EPSG:9518", "EPSG:4326"),
        ("EPSG:5554", "EPSG:25831"),
    ],
)
def test_a_grid_with_heights_is_refused_and_its_horizontal_part_named(crs: str, flat: str) -> None:
    grid = Grid("EPSG:32633", (4e5, 5e6), 30.0, (20, 30))
    with pytest.raises(WorldError, match=f"has heights, and pixels have none; .*grid.crs = '{flat}'"):
        replace(grid, crs=crs)
    assert replace(grid, crs=flat).geobox(0, Window(0, 2, 0, 3)).crs == flat


def test_a_level_for_a_size_of_pixels() -> None:
    grid = Grid("EPSG:32632", (399_960.0, 5_300_040.0), 60.0, (700, 900), factor=3, levels=4)
    assert [grid.level_for(gsd_m=size) for size in (100, 60, 59, 20, 3)] == [0, 0, 1, 1, 3]
    assert ROUND.level_for(resolution=0.25) == 1
    assert ROUND.level_for(gsd_m=ROUND.gsd_m(1)) == 1
    with pytest.raises(
        WindowError,
        match=r"gsd_m=1 is finer than the finest level, 3, which has 2.2",
    ):
        grid.level_for(gsd_m=1)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({}, "give one of the two"),
        ({"gsd_m": 3, "resolution": 3}, "give one of the two"),
        ({"gsd_m": -1}, "pixels have a positive finite size"),
        ({"resolution": float("nan")}, "pixels have a positive finite size"),
    ],
)
def test_a_level_wants_one_size(sizes: dict[str, float], message: str) -> None:
    with pytest.raises(WindowError, match=message):
        ROUND.level_for(**sizes)


def test_a_crs_with_a_null_character_is_refused() -> None:
    with pytest.raises(WorldError, match=r"grid.crs='EPSG:4326.*junk' is not a coordinate reference system"):
        replace(DEGREES, crs="EPSG:4326\0junk")


@pytest.mark.parametrize("text", ["x" * 5000, "../" * 2000, "é" * 201])
def test_what_is_too_long_for_a_name_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(
        CRSError, match=rf"it is a name of {len(text)} characters, and none has more than 200"
    ):
        parse_crs(text)
    with pytest.raises(WorldError, match="is not a coordinate reference system that PROJ knows") as said:
        replace(DEGREES, crs=text)
    assert len(str(said.value)) < 300


def test_every_name_of_a_crs_is_short_enough_and_definitions_may_be_long() -> None:
    names = [info.name for info in query_crs_info()]
    assert max(map(len, names)) <= 200
    assert parse_crs("WGS 84 / UTM zone 33N").to_epsg() == 32633
    wkt = parse_crs("EPSG:5070").to_wkt()
    assert len(wkt) > 200
    assert parse_crs(wkt).to_epsg() == 5070


def test_a_name_that_was_refused_is_refused_again_for_the_same_reason() -> None:
    said = []
    for _ in range(2):
        with pytest.raises(CRSError, match="nowhere at all") as error:
            parse_crs("nowhere at all")
        said.append(str(error.value))
    assert said[0] == said[1]
