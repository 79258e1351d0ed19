"""What maps paint where: colours, widths, order, edges of zones and of the Earth, broken shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio.features
import shapely
from map_towns import BUILDING, EARTH, GRID, LAND, WATER, X, Y, told
from PIL import Image, ImageDraw
from vector_files import carried, turned_box, write

from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.told import Slot


def test_areas_have_their_colours_at_their_places(tmp_path: Path) -> None:
    """A lake of 40 x 20 m with a building on it; a pixel is a metre."""
    lake, house = shapely.box(X + 10, Y - 40, X + 50, Y - 20), shapely.box(X + 20, Y - 36, X + 30, Y - 24)
    path = write(
        tmp_path / "m.gpkg", GRID.crs, [house, lake], {"building": ["yes", None], "natural": [None, "water"]}
    )
    found = told(path, Window(160, 220, 210, 280))
    wanted = np.empty((60, 70, 3), int)
    wanted[:] = LAND
    wanted[20:40, 10:50] = WATER
    outline = slice(23, 37), slice(19, 31)
    wanted[24:36, 20:30] = BUILDING
    same = (found == wanted).all(axis=-1)
    same[outline] = True
    assert same.all()
    assert (found[26:34, 22:28] == BUILDING).all()
    assert (found[24:36, 20] != BUILDING).any(axis=-1).all()


def test_edges_are_means_of_sixteen_samples(tmp_path: Path) -> None:
    """A quarter of a column of pixels is water: 4 of 16 samples of each."""
    path = write(
        tmp_path / "m.fgb", GRID.crs, [shapely.box(X + 10.75, Y - 40, X + 50, Y - 20)], {"natural": ["water"]}
    )
    found = told(path, Window(160, 220, 210, 280))
    mixed = np.round((3 * np.array(LAND) + np.array(WATER)) / 4)
    assert (found[20:40, 9] == LAND).all()
    assert (np.abs(found[20:40, 10] - mixed) <= 1).all()
    assert (found[20:40, 11] == WATER).all()


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:5070", "EPSG:32633"])
def test_masks_are_what_rasterio_burns_of_polygons_carried_by_pyproj(tmp_path: Path, crs: str) -> None:
    boxes = [turned_box(X + 60 * np.cos(n), Y + 50 * np.sin(n), 30 + 2 * n, 14, 25 * n) for n in range(9)]
    path = write(
        tmp_path / "m.fgb", crs, [carried(box, GRID.crs, crs) for box in boxes], {"class": ["ship"] * 9}
    )
    window = Window(60, 260, 100, 320)
    found = told(path, window, style="plain", column="class", colours={"ship": (255, 0, 7)})
    mask = rasterio.features.rasterize(boxes, window.shape, transform=GRID.transform(1, window))
    differing = (found != mask[..., None] * np.array([255, 0, 7])).any(axis=-1)
    # Vertices lie on a 256th of a pixel.
    assert differing.sum() < 0.003 * mask.sum()
    assert mask.sum() > 3000


def test_lines_have_their_widths(tmp_path: Path) -> None:
    """As PIL paints them on four times as many pixels: a tertiary road of 16.4 px with edges of 0.8."""
    ends = np.array([(15.0, 20.0), (70.0, 41.0), (58.0, 90.0)])
    road = shapely.LineString(ends * (1, -1) + (X, Y))
    path = write(tmp_path / "m.gpkg", GRID.crs, [road], {"highway": ["tertiary"]})
    found = told(path, Window(160, 270, 210, 310))
    fine = Image.new("RGB", (800, 880), LAND)
    for reach, colour in ((9.0, (143, 143, 143)), (8.2, (255, 255, 255))):
        area = shapely.LineString(ends * 8).buffer(reach * 8)
        ImageDraw.Draw(fine).polygon(list(area.exterior.coords), fill=colour)
    wanted = np.array(fine, int).reshape(110, 8, 100, 8, 3).mean(axis=(1, 3))
    assert np.abs(found - wanted).mean() < 0.5
    assert np.abs(found - wanted).max() < 60


def test_widths_in_metres_follow_the_ground(tmp_path: Path) -> None:
    """A road of 6.5 m and two edges of 0.4 at 60 degrees north has twice as many pixels of Web Mercator."""
    step = 0.5
    grid = Grid("EPSG:3857", (1_000_000.0, 8_400_000.0), step, (200, 200))
    for x, y, scale in ((1_000_050.0, 8_399_950.0, 2.0), (1_000_050.0, 0.0, 1.0)):
        place = grid if y else Grid("EPSG:3857", (1_000_000.0, 50.0), step, (200, 200))
        path = write(
            tmp_path / f"{scale}.fgb",
            "EPSG:3857",
            [shapely.LineString([(x - 99, y), (x + 99, y)])],
            {"highway": ["residential"]},
        )
        column = told(path, place.full(0), place, 0, style="geosynth")[:, 100]
        assert (column == 255).all(axis=-1).sum() == pytest.approx(6.5 / step * scale, abs=1.1)


def test_edges_of_all_roads_lie_under_all_roads(tmp_path: Path) -> None:
    """Crossings are open, and of the roads the greater lies above."""
    roads = [
        shapely.LineString([(X, Y - 50), (X + 100, Y - 50)]),
        shapely.LineString([(X + 50, Y), (X + 50, Y - 100)]),
    ]
    path = write(tmp_path / "m.fgb", GRID.crs, roads, {"highway": ["motorway", "residential"]})
    found = told(path, Window(160, 260, 210, 310))
    assert (found[50, 10:90] == (232, 146, 162)).all()
    assert (found[42:58, 50] == (232, 146, 162)).all()
    assert (found[10:40, 50] == 255).all()


def test_areas_are_drawn_from_the_largest_to_the_smallest_whatever_their_order(tmp_path: Path) -> None:
    boxes = [shapely.box(X + n * 4, Y - 60 + n * 4, X + 60 - n * 4, Y - n * 4) for n in range(4)]
    names = ["forest", "retail", "farmland", "grass"]
    pictures = []
    for order in ([0, 1, 2, 3], [2, 0, 3, 1]):
        path = write(
            tmp_path / "m.gpkg", GRID.crs, [boxes[n] for n in order], {"landuse": [names[n] for n in order]}
        )
        pictures.append(told(path, Window(160, 220, 210, 270)))
    np.testing.assert_array_equal(*pictures)
    assert [tuple(pictures[0][30, x]) for x in (2, 6, 10, 30)] == [
        (173, 209, 158),
        (255, 214, 209),
        (238, 240, 213),
        (205, 235, 176),
    ]


@pytest.mark.parametrize(
    "column",
    [
        {"other_tags": ['"building"=>"ship \\"A\\"","x"=>"y"']},
        {"tags": ['{"building": "house", "levels": 3}']},
        {"building": ["house"], "other_tags": ['"building"=>"no"']},
        {"building": [1]},
    ],
)
def test_tags_are_columns_or_stand_together_in_one(tmp_path: Path, column: dict[str, list[Any]]) -> None:
    path = write(tmp_path / "m.gpkg", GRID.crs, [shapely.box(X + 10, Y - 40, X + 50, Y - 20)], column)
    assert tuple(told(path, Window(160, 220, 210, 280))[30, 30]) == BUILDING


@pytest.mark.parametrize("text", ["{", "[1]", '"building"', "{" * 5000, '"building"=>NULL'])
def test_tags_that_are_none_draw_nothing(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "m.gpkg", GRID.crs, [shapely.box(X, Y - 40, X + 50, Y)], {"other_tags": [text]})
    assert (told(path, Window(160, 220, 210, 280)) == LAND).all()


def test_layers_of_one_file_are_drawn_together(tmp_path: Path) -> None:
    """As GDAL writes an extract; a layer of points, and one without tags, are left out."""
    path = tmp_path / "m.gpkg"
    write(path, GRID.crs, [shapely.box(X, Y - 60, X + 70, Y)], {"natural": ["water"]}, layer="multipolygons")
    road = carried(shapely.LineString([(X, Y - 30), (X + 70, Y - 30)]), GRID.crs, "EPSG:4326")
    write(path, "EPSG:4326", [road], {"highway": ["primary"]}, layer="lines", append=True)
    write(path, GRID.crs, [shapely.Point(X, Y)], {"highway": ["stop"]}, layer="points", append=True)
    write(path, GRID.crs, [shapely.Point(X, Y)], {"number": [3]}, layer="others", append=True)
    found = told(str(path), Window(160, 220, 210, 280))
    assert tuple(found[30, 35]) == (252, 214, 164)
    assert tuple(found[10, 35]) == WATER


def test_a_line_over_the_antimeridian_is_one_line(tmp_path: Path) -> None:
    """From a file in Web Mercator that counts beyond it, and from one in degrees that is cut at it."""
    half = 20_037_508.342789244
    beyond = write(
        tmp_path / "b.fgb",
        "EPSG:3857",
        [shapely.LineString([(half - 4e5, 0), (half + 4e5, 1e5)])],
        {"highway": ["road"]},
    )
    there = carried(shapely.LineString([(half - 4e5, 0), (half - 1, 5e4)]), "EPSG:3857", "EPSG:4326")
    again = carried(shapely.LineString([(1 - half, 5e4), (4e5 - half, 1e5)]), "EPSG:3857", "EPSG:4326")
    cut = write(tmp_path / "c.fgb", "EPSG:4326", [there, again], {"highway": ["road", "road"]})
    window = Window(1400, 1460, 5720, 5800)
    one, other = (told(path, window, EARTH) for path in (beyond, cut))
    assert (one == (221, 221, 221)).all(axis=-1).any(axis=0).sum() >= 80
    assert np.abs(one - other).max() <= 40
    moved = told(beyond, window.shift(0, -5760), EARTH)
    np.testing.assert_array_equal(one, moved)


def test_a_world_over_the_edge_of_a_zone_is_drawn_on_both_sides(tmp_path: Path) -> None:
    """Zone 32 ends at 12 degrees east."""
    x = 727_360.0
    grid = Grid("EPSG:32632", (x, 5_204_500.0), 10.0, (100, 200))
    roads = [
        shapely.LineString([(11.9, 46.95), (12.1, 46.95)]),
        shapely.LineString([(12.0, 46.9), (12.0, 47.0)]),
    ]
    paths = [
        write(
            tmp_path / f"{crs[5:]}.fgb",
            crs,
            [carried(shapely.segmentize(r, 1e-3), "EPSG:4326", crs) for r in roads],
            {"highway": ["road"] * 2},
        )
        for crs in ("EPSG:32632", "EPSG:32633", "EPSG:4326")
    ]
    pictures = [told(path, grid.full(0), grid, 0) for path in paths]
    assert (pictures[0] != LAND).any(axis=-1).any(axis=0).all()
    for picture in pictures[1:]:
        assert np.abs(picture - pictures[0]).max() <= 25


def test_a_lake_that_is_cut_at_the_antimeridian_is_whole_in_a_zone(tmp_path: Path) -> None:
    """Zone 1 from 179.98 degrees east to 179.98 degrees west."""
    grid = Grid("EPSG:32701", (177_000.0, 8_118_000.0), 20.0, (60, 220))
    halves = [shapely.box(179.9, -17.01, 180, -16.99), shapely.box(-180, -17.01, -179.9, -16.99)]
    path = write(tmp_path / "m.fgb", "EPSG:4326", halves, {"natural": ["water", "water"]})
    middle = grid.shape[0] // 2
    assert (told(path, grid.full(0), grid, 0)[middle - 5 : middle + 5] == WATER).all()


def test_what_is_beyond_the_level_is_drawn_where_it_reaches_in(tmp_path: Path) -> None:
    """The middle of a road of 18 px runs 5 px west of the level."""
    left = GRID.origin[0]
    path = write(
        tmp_path / "m.fgb",
        GRID.crs,
        [shapely.LineString([(left - 5, Y - 300), (left - 5, Y + 300)])],
        {"highway": ["primary"]},
    )
    found = told(path, Window(100, 140, 0, 20))
    assert (found[:, :3] == (252, 214, 164)).all()
    assert (found[:, 5:] == LAND).all()


def test_where_a_file_has_nothing_there_is_background(tmp_path: Path) -> None:
    path = write(tmp_path / "m.gpkg", GRID.crs, [turned_box(X, Y, 10, 8)], {"building": ["yes"]})
    far = Window(500, 530, 10, 50)
    assert (told(path, far) == LAND).all()
    assert (told(path, far, background=(1, 2, 3)) == (1, 2, 3)).all()
    assert (told(path, far, slot=Slot("hint", "raster")) == np.array(LAND) * 255).all()


BROKEN = {
    "crosses itself": shapely.Polygon([(0, 0), (40, -30), (40, 0), (0, -30)]),
    "has no area": shapely.Polygon([(0, 0), (40, -30), (0, 0)]),
    "is empty": shapely.Polygon(),
    "is missing": None,
    "is a point": shapely.Point(20, -10),
    "is a line without a length": shapely.LineString([(20, -10), (20, -10)]),
    "holds all": shapely.GeometryCollection(
        [shapely.box(0, -10, 30, 0), shapely.LineString([(0, 0), (9, 9)]), shapely.Point(3, 3)]
    ),
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_a_shape_that_is_broken_stops_no_map(tmp_path: Path, name: str) -> None:
    broken = (
        shapely.transform(BROKEN[name], lambda p: p + np.array([X, Y])) if BROKEN[name] is not None else None
    )
    shapes = [broken, turned_box(X + 50, Y - 50, 20, 20)]
    path = write(tmp_path / "m.gpkg", GRID.crs, shapes, {"building": ["yes"] * 2, "highway": ["road"] * 2})
    assert tuple(told(path, Window(160, 230, 210, 290))[50, 50]) == BUILDING


def test_a_country_about_a_tile_fills_it_wherever_its_corners_are(tmp_path: Path) -> None:
    """Of 20 000 corners hundreds of kilometres away those that do not matter are left out."""
    ring = shapely.Point(X, Y).buffer(250_000, quad_segs=5000)
    hole = shapely.box(X + 10, Y - 30, X + 20, Y - 10)
    path = write(tmp_path / "m.fgb", GRID.crs, [ring.difference(hole)], {"natural": ["water"]})
    found = told(path, Window(160, 220, 210, 280))
    assert (found[10:30, 10:20] == LAND).all()
    found[10:30, 10:20] = WATER
    assert (found == WATER).all()


def test_a_road_of_very_many_corners_is_drawn_piece_by_piece(tmp_path: Path) -> None:
    """A tile asks for its pieces alone, and is what all of it would be."""
    t = np.linspace(0, 1, 60_001)
    road = shapely.LineString(np.stack([X - 6000 + 12000 * t, Y - 30 + 20 * np.sin(t * 400)], axis=1))
    path = write(tmp_path / "m.fgb", GRID.crs, [road], {"highway": ["service"]})
    grid = Grid(GRID.crs, (X - 6000, Y + 500), 1.0, (1000, 12_000))
    window = Window(500, 560, 5980, 6040)
    found = told(path, window, grid, 0)
    middle = window.y0 - 500
    y = 30 - 20 * np.sin((window.x0 - 6000 + 6000 + np.arange(60) + 0.5) / 12000 * 400) - middle
    assert all((found[round(y[x] - 0.5), x] == 255).all() for x in range(60))
