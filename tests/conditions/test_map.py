"""Maps drawn from vectors: equal in every window, colours where features are, styles, tags, hostile files."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import rasterio.features
import shapely
from PIL import Image, ImageDraw
from pyproj import Transformer
from vector_files import carried, turned_box, write

from geoinfinite.conditions import KINDS, Map, Place
from geoinfinite.conditions.burning import burnt
from geoinfinite.conditions.map_cells import Cells
from geoinfinite.conditions.map_strokes import Canvas, strokes_of, without_far_corners
from geoinfinite.conditions.map_style_file import STYLES, bundled
from geoinfinite.conditions.vectors import Features
from geoinfinite.errors import WorldError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.recipe import condition_tables
from geoinfinite.testing import ConditionContract
from geoinfinite.told import Slot

SLOT = Slot("hint", "raster", channels=3, span=(0.0, 1.0))
GRID = Grid("EPSG:32632", (499_990.0, 5_200_010.0), 4.0, (160, 200), factor=4, levels=2)
"""Level 1 has pixels of 1 m."""
EARTH = Grid("EPSG:4326", (-180.0, 90.0), 0.25, (720, 1440), factor=4, levels=2, periodic=True)
X, Y = 500_200.0, 5_199_850.0
"""The outer corner of pixel (160, 210) of level 1."""
LAND, WATER, BUILDING = (242, 239, 233), (170, 211, 223), (217, 208, 201)
COLUMNS = "highway", "building", "landuse", "natural", "other_tags"


def town(crs: str = GRID.crs) -> tuple[list[Any], dict[str, list[Any]]]:
    """Areas, lines and buildings about (X, Y), of which many lie over edges of tiles."""
    rng = np.random.default_rng(11)
    shapes: list[Any] = []
    tags: list[dict[str, str]] = []
    for n in range(30):
        x, y, size, angle = (
            X + rng.uniform(-90, 90),
            Y + rng.uniform(-90, 90),
            rng.uniform(4, 60),
            rng.uniform(0, 90),
        )
        shapes.append(turned_box(x, y, size, size * 0.7, angle))
        tags.append(
            [{"building": "yes"}, {"landuse": "forest"}, {"natural": "water"}, {"landuse": "retail"}][n % 4]
        )
    for n in range(14):
        walk = np.cumsum(rng.normal(0, 23, (5, 2)), axis=0) + np.array([X, Y])
        shapes.append(shapely.LineString(walk))
        tags.append({"highway": ["residential", "primary", "footway", "service"][n % 4]})
    shapes.append(shapely.MultiLineString([[(X - 80, Y), (X + 80, Y + 13)], [(X, Y - 70), (X + 11, Y + 70)]]))
    tags.append({"other_tags": '"railway"=>"tram","name"=>"T"'})
    placed = [carried(shape, GRID.crs, crs) for shape in shapes] if crs != GRID.crs else shapes
    return placed, {name: [said.get(name) for said in tags] for name in COLUMNS}


def told(path: str, window: Window, grid: Grid = GRID, level: int = 1, **more: Any) -> np.ndarray:
    """What a slot is told, as bytes ``(y, x, band)``."""
    slot = more.pop("slot", SLOT)
    condition = Map("hint", path, **({"style": "osm-carto-z17"} | more))
    condition.check(slot, grid, level)
    values: Any = condition.told(Place(grid, level, window), slot)
    return np.moveaxis(values * 255, 0, -1).round().astype(int)


class TestContract(ConditionContract):
    slot = SLOT
    grid = GRID
    window = Window(101, 215, 147, 280)

    def condition(self, tmp_path: Any) -> Map:
        shapes, tags = town()
        return Map("hint", write(tmp_path / "m.fgb", GRID.crs, shapes, tags), style="osm-carto-z17")

    def change(self, condition: Any) -> None:
        shapes, tags = town()
        write(Path(condition.source), GRID.crs, shapes[1:], {name: said[1:] for name, said in tags.items()})


class TestContractInDegrees(TestContract):
    """From a file in another CRS without an index, with widths in metres."""

    def condition(self, tmp_path: Any) -> Map:
        shapes, tags = town("EPSG:4326")
        return Map("hint", write(tmp_path / "m.geojson", "EPSG:4326", shapes, tags), style="geosynth")

    def change(self, condition: Any) -> None:
        write(Path(condition.source), "EPSG:4326", *town("EPSG:3857"))


class TestContractOfCells(TestContract):
    """Told on cells of three pixels, in a style of a file."""

    slot = Slot("hint", "raster", channels=3, span=(-1.0, 1.0), pixels=3)

    def condition(self, tmp_path: Any) -> Map:
        shapes, tags = town()
        style = tmp_path / "style.toml"
        style.write_text(
            'background = "#102030"\nsamples = 3\n[[layer]]\npaints = "lines"\n'
            'rules = [{ tags = { highway = "*" }, line = "#ff0000", width = 2.5 }]\n'
        )
        return Map("hint", write(tmp_path / "m.fgb", GRID.crs, shapes, tags), style_file=str(style))

    def change(self, condition: Any) -> None:
        style = Path(condition.style_file)
        style.write_text(style.read_text().replace("2.5", "3"))


class TestContractOverTheAntimeridian(TestContract):
    grid = EARTH
    window = Window(1500, 1604, 5700, 5834)

    def condition(self, tmp_path: Any) -> Map:
        rng = np.random.default_rng(3)
        west = [turned_box(x, y, 1.5, 0.9, 30) for x, y in rng.uniform((176, -10), (180, -4), (20, 2))]
        east = [shapely.transform(box, lambda p: p - (357, 0)) for box in west]
        road = shapely.LineString([(176, -9), (179, -5), (184, -7)])
        shapes = [*west, *east, road]
        tags = {"natural": ["water"] * 40 + [None], "highway": [None] * 40 + ["primary"]}
        return Map("hint", write(tmp_path / "m.fgb", "EPSG:4326", shapes, tags), style="osm-carto-z17")

    def change(self, condition: Any) -> None:
        write(Path(condition.source), "EPSG:4326", [turned_box(-179, -6, 0.9, 0.4)], {"natural": ["water"]})


@pytest.mark.parametrize(
    ("style", "crs", "pixels"),
    [("osm-carto-z17", "EPSG:32632", 1), ("geosynth", "EPSG:4326", 1), ("plain", "EPSG:3857", 2)],
)
def test_sixty_windows_are_parts_of_one(tmp_path: Path, style: str, crs: str, pixels: int) -> None:
    """No value of them differs; the large one reaches beyond the level."""
    path = write(tmp_path / "m.gpkg", crs, *town(crs))
    slot = Slot("hint", "raster", channels=3, span=(0.0, 1.0), pixels=pixels)
    condition, large = Map("hint", path, style=style), Window(40, 280, -40, 330)
    whole: Any = condition.told(Place(GRID, 1, large), slot)
    assert len(np.unique(whole.reshape(3, -1), axis=1).T) > 5
    rng, differing = np.random.default_rng(8), 0
    for y, x, height, width in rng.integers((20, -20, 1, 1), (100, 120, 40, 40), (60, 4)).tolist():
        part = Window(y, y + height, x, x + width).refine(2)
        told: Any = condition.told(Place(GRID, 1, part), slot)
        at = part.coarsen(pixels).slices(large.coarsen(pixels))
        differing += int((told != whole[:, *at]).sum())
    assert differing == 0


@pytest.mark.parametrize("pixels", [1, 3])
def test_corners_of_shapes_have_the_same_bits_in_every_window(pixels: int) -> None:
    """More than a million pixels from the origin; a rounded bit would move a pixel here and there."""
    grid = Grid("EPSG:32632", (X - 400_000.3, Y + 300_000.7), 0.3, (2_000_000, 2_000_000))
    shapes, tags = town()
    said = [{name: texts[n] for name, texts in tags.items() if texts[n]} for n in range(len(shapes))]
    features = Features("m", np.arange(len(shapes)), np.array(shapes, object), {}, GRID.crs)
    row, column = (int(v / 0.3 / pixels) for v in (300_000.7, 400_000.3))
    seen = []
    for y, x, side in (
        (row - 600, column - 600, 1200),
        (row - 71, column - 133, 97),
        (row + 11, column - 40, 64),
    ):
        canvas = Canvas(Cells(grid, 0, pixels), Window(y, y + side, x, x + side), bundled("osm-carto-z17"))
        found = [
            shapely.get_coordinates(shapely.geometry.shape(stroke.shape)) / 4 + (x, y)
            for stroke in strokes_of(features, said, canvas, 0)
        ]
        assert (np.concatenate(found) * 256 % 1 == 0).all()
        seen.append({corner.tobytes() for corner in np.concatenate(found)})
    assert min(map(len, seen)) > 100
    assert seen[1] | seen[2] <= seen[0]


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


def test_corners_that_are_left_out_do_not_matter() -> None:
    """What rasterio burns of stars with them and without them is equal, sample by sample."""
    rng, left_out = np.random.default_rng(6), 0
    for _ in range(60):
        angle, radius = np.sort(rng.uniform(0, 2 * np.pi, 80)), rng.uniform(5, 200, 80)
        star = np.stack([np.cos(angle), np.sin(angle)], 1) * radius[:, None] + rng.uniform(-60, 60, 2)
        points = np.round(star * 64) / 64
        nearby = without_far_corners(points, 40.0, 30.0)
        left_out += len(points) - len(nearby)
        np.testing.assert_array_equal(burnt_ring(points), burnt_ring(nearby))
    assert left_out > 500


def burnt_ring(points: np.ndarray) -> np.ndarray:
    ring = [*points.tolist(), *points[:1].tolist()]
    return burnt([({"type": "Polygon", "coordinates": [ring]}, 1)] if len(points) else [], (30, 40))


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


def test_styles_of_the_package_are_complete(tmp_path: Path) -> None:
    for name in STYLES:
        style = bundled(name)
        assert len(style.rules) > 8
        assert {"building", "highway", "natural"} <= style.painted_keys
    assert bundled("plain").samples == 1


def test_the_style_of_the_documentation_is_one(tmp_path: Path) -> None:
    """A driveway of 2 m, and other roads of 6 m above it."""
    page = (Path(__file__).parents[2] / "docs" / "conditions.md").read_text()
    (text,) = re.findall(r"```toml\n(background = .*?)```", page, re.DOTALL)
    (tmp_path / "mine.toml").write_text(text)
    roads = [shapely.LineString([(X, Y - y), (X + 60, Y - y)]) for y in (10.5, 30.5)]
    tags = {"highway": ["service"] * 2, "service": ["driveway", None]}
    path = write(tmp_path / "m.fgb", GRID.crs, roads, tags)
    found = told(path, Window(160, 220, 210, 270), style="", style_file=str(tmp_path / "mine.toml"))
    white = (found[:, 30] == 255).all(axis=-1)
    assert (int(white[:20].sum()), int(white[20:].sum())) == (1, 5)


OSM = """<osm version="0.6">{nodes}
<way id="11"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="4"/><nd ref="1"/>
<tag k="building" v="yes"/></way>
<way id="12"><nd ref="5"/><nd ref="6"/><tag k="highway" v="residential"/><tag k="surface" v="asphalt"/></way>
<way id="13"><nd ref="7"/><nd ref="8"/><nd ref="9"/><nd ref="10"/><nd ref="7"/><tag k="area" v="yes"/>
<tag k="highway" v="pedestrian"/></way></osm>"""


@pytest.mark.skipif("OSM" not in pyogrio.list_drivers(read=True), reason="this GDAL reads no OpenStreetMap")
def test_an_extract_of_openstreetmap_is_painted_as_gdal_converts_it(tmp_path: Path) -> None:
    """A building, a road, and a square whose tag stands among others in ``other_tags``."""
    corners = [
        (10, 10),
        (30, 10),
        (30, 30),
        (10, 30),
        (0, 45),
        (70, 45),
        (40, 5),
        (60, 5),
        (60, 25),
        (40, 25),
    ]
    x, y = np.array(corners, float).T * np.array([[1], [-1]]) + np.array([[X], [Y]])
    places = zip(*point_in_degrees(x, y), strict=True)
    nodes = "".join(f'<node id="{n}" lon="{a}" lat="{b}"/>' for n, (a, b) in enumerate(places, 1))
    (tmp_path / "city.osm").write_text(OSM.format(nodes=nodes))
    for layer in ("multipolygons", "lines"):
        facts, _, shapes, values = pyogrio.raw.read(str(tmp_path / "city.osm"), layer=layer)
        columns = dict(zip(facts["fields"], values, strict=True))
        known = {name: list(columns[name]) for name in columns if any(v is not None for v in columns[name])}
        path = tmp_path / "city.gpkg"
        write(path, "EPSG:4326", shapely.from_wkb(shapes), known, layer=layer, append=path.exists())
    found = told(str(path), Window(160, 220, 210, 280))
    assert tuple(found[20, 20]) == BUILDING
    assert tuple(found[45, 35]) == (255, 255, 255)
    assert tuple(found[15, 50]) == (221, 221, 232)


def point_in_degrees(x: Any, y: Any) -> Any:
    return Transformer.from_crs(GRID.crs, "EPSG:4326", always_xy=True).transform(x, y)


def test_a_world_file_holds_it(tmp_path: Path) -> None:
    path = write(tmp_path / "m.gpkg", GRID.crs, *town())
    condition = Map(
        "hint", path, style="plain", column="landuse", colours={"forest": (0, 90, 0), "7": (1, 1, 1)}
    )
    (table,) = condition_tables.written([condition], tmp_path)
    assert table["source"] == "m.gpkg"
    table["colours"] = dict(table["colours"])
    (again,) = condition_tables.read(json.loads(json.dumps([table])), KINDS, tmp_path)
    assert again == condition == pickle.loads(pickle.dumps(condition))
    own = {"kind": "map", "name": "hint", "source": "m.gpkg", "style_file": "s.toml"}
    (styled,) = condition_tables.read([own], KINDS, tmp_path)
    assert styled.style_file == str(tmp_path / "s.toml")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, r"condition.hint.style='' and style_file='': name one of the two; styles are osm-carto-z17"),
        ({"style": "plain", "style_file": "s.toml"}, r"style='plain' and style_file='s.toml': name one"),
        ({"style": "carto"}, r"condition.hint.style='carto' is not one of osm-carto-z17, geosynth, plain"),
        ({"style": "plain", "column": "class"}, r"column='class' and colours belong together: name the attr"),
        ({"style": "geosynth", "column": "c", "colours": {"a": (1, 2, 3)}}, r'write style = "plain"'),
        ({"style": "plain", "column": "c", "colours": {"a": (1, 2), "b": (1,)}}, r"equally many values"),
        ({"style": "plain", "column": "c", "colours": {"a": (1, 2, 300)}}, r"whole numbers from 0 to 255"),
        ({"style": "plain", "column": "c", "colours": {"a": ()}}, r"must name a colour for every class"),
        ({"style": "plain", "column": "c", "colours": "red"}, r"colours='red' must name a colour for every"),
        (
            {"style": "plain", "background": (0.5, 0, 0)},
            r"background=\(0.5, 0, 0\): a colour has whole numbers",
        ),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(WorldError, match=message):
        Map("hint", "m.gpkg", **settings)


def style(paints: str, rule: str, **more: Any) -> str:
    settings = "".join(f"{key} = {json.dumps(value)}\n" for key, value in more.items())
    return f'{settings}layer = [{{ paints = "{paints}", rules = [{{ {rule} }}] }}]'


ANY = 'tags = { building = "*" }'
STYLE_FILES = {
    "": r"s.toml' has no list of layer tables; add some",
    "]": r"s.toml' is no TOML \(.*\); mend it",
    "layer = []": r"has 0 rules; a style has at least one",
    "layer = [3]": r"s.toml': layer 1 is no table; write { paints = ... }",
    "colour = 3": r"'colour' is not one of background, unit, samples, layer",
    style("areas", ANY + ', fill = "#ffffff"'): r"background is missing; say its colour",
    style("areas", ANY + ', fill = "red"'): r"layer 1, rule 1: fill='red' is no colour; write one such as",
    style("areas", ANY): r"rule 1 paints areas, which have a fill and no casing",
    style("lines", ANY + ', fill = "#ffffff"'): r"rule 1 paints lines, which have a line and no fill",
    style("lines", ANY + ', line = "#ffffff"'): r"width=0; a colour and a positive width belong together",
    style(
        "lines", ANY + ', line = "#ffffff", width = 1e9'
    ): r"width=1e\+09 must be at least 0 and at most 1000",
    style("lines", ANY + ', line = "#ffffff", width = "1"'): r"width='1' must be a number",
    style("points", ANY): r"layer 1: paints='points' is not one of areas, lines",
    style("areas", 'fill = "#ffffff"'): r"rule 1 has no tags; say what it paints",
    style("areas", "tags = { a = 3 }"): r"tags must name texts for attributes",
    style(
        "areas", ANY + ', fill = "#ffffff"', background="#ffffff", samples=9
    ): r"samples=9 must be from 1 to 8",
    style(
        "areas", ANY + ', fill = "#ffffff"', background="#ffffff", unit="feet"
    ): r"unit='feet' is not one of pix",
}


@pytest.mark.parametrize("text", list(STYLE_FILES))
def test_a_style_file_that_is_not_understood_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.toml").write_text(text)
    path = write(tmp_path / "m.gpkg", GRID.crs, [turned_box(X, Y, 10, 8)], {"building": ["yes"]})
    with pytest.raises(WorldError, match=STYLE_FILES[text]):
        told(path, Window(0, 9, 0, 9), style="", style_file=str(tmp_path / "s.toml"))


def test_what_errors_about_styles_advise_is_understood(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(
        'background = "#f2efe9"\n[[layer]]\npaints = "areas"\nrules = [\n'
        '{ tags = { building = "*" }, fill = "#aad3df" },\n'
        '{ tags = { landuse = ["grass", "meadow"] }, fill = "#aad3df", line = "#aad3df", width = 1 } ]\n'
    )
    path = write(tmp_path / "m.gpkg", GRID.crs, [turned_box(X + 15, Y - 15, 12, 12)], {"building": ["yes"]})
    found = told(path, Window(160, 190, 210, 240), style="", style_file=str(tmp_path / "s.toml"))
    assert (tuple(found[15, 15]), tuple(found[2, 2])) == (WATER, LAND)


def test_files_that_cannot_be_painted(tmp_path: Path) -> None:
    box = [turned_box(X, Y, 10, 8)]
    good = write(tmp_path / "m.gpkg", GRID.crs, box, {"class": ["ship"], "n": [3]})
    bare = write(tmp_path / "bare.gpkg", None, box, {"building": ["yes"]})
    masks = {"style": "plain", "column": "class"}
    for path, settings, message in (
        (
            good,
            {},
            r"m.gpkg' has none of the attributes that are painted, .*building.*; it has class, n: name",
        ),
        (
            good,
            masks | {"column": "kind", "colours": {"a": (1, 2, 3)}},
            r"that are painted, kind; it has class, n",
        ),
        (
            good,
            masks | {"colours": {"boat": (1, 2, 3)}},
            r"has no colour for any class of .*: ship; name some",
        ),
        (
            good,
            masks | {"colours": {"ship": (1, 2)}},
            r"gives 2 bands of colour, and the slot 'hint' is told 3 bands",
        ),
        (good, masks | {"colours": {"ship": (1, 2)}, "background": (1,)}, r"equally many values"),
        (good, {"style": "plain", "background": (1,)}, r"background=\(1.0,\) must have 3 values"),
        (bare, {}, r"bare.gpkg' has no CRS; write one into it: ogr2ogr -a_srs"),
        (str(tmp_path / "none.fgb"), {}, r"none.fgb' does not exist"),
        (good, {"style": "", "style_file": "/none.toml"}, r"style_file='/none.toml' does not exist"),
    ):
        with pytest.raises(WorldError, match=message):
            told(path, Window(0, 9, 0, 9), **settings)
    assert told(good, Window(155, 165, 205, 215), **masks, colours={"ship": (1, 2, 3)})[5, 5].tolist() == [
        1,
        2,
        3,
    ]


def test_slots_that_are_told_no_colours_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "m.gpkg", GRID.crs, [turned_box(X, Y, 10, 8)], {"building": ["yes"]})
    for slot, message in (
        (
            Slot("hint", "raster", channels=10, encoding="sentinel2"),
            r"'hint' is told sentinel2; write kind = \"raster\"",
        ),
        (Slot("hint", "raster", channels=4), r"kind='map' gives 3 bands of colour, .* told 4 bands"),
        (Slot("hint", "text"), r"kind='map' cannot fill the slot 'hint', which is told text"),
    ):
        with pytest.raises(WorldError, match=message):
            told(path, Window(0, 9, 0, 9), slot=slot)
