"""Boxes of vector files: their corners in order, what is visible, which are told, in every CRS and format."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import vector_files
from vector_files import carried, turned_box, write

from geoinfinite.conditions import KINDS, Boxes, Place
from geoinfinite.errors import WorldError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.recipe import condition_tables
from geoinfinite.testing import ConditionContract
from geoinfinite.told import Slot

SLOT = Slot("boxes", "boxes", most=20)
GRID = Grid("EPSG:32632", (499_990.0, 5_200_010.0), 20.0, (160, 200), factor=4, levels=2)
"""Level 1 has pixels of 5 m."""
EARTH = Grid("EPSG:4326", (-180.0, 90.0), 0.25, (720, 1440), factor=4, levels=3, periodic=True)
X, Y = 501_240.0, 5_199_260.0
"""The outer corner of pixel (150, 250) of level 1."""


def scattered(crs: str = GRID.crs) -> list[Any]:
    """Forty turned boxes about (X, Y), of which many lie over edges of tiles."""
    rng = np.random.default_rng(5)
    found = [
        turned_box(X + a, Y + b, c, d, e)
        for a, b, c, d, e in zip(
            *(
                rng.uniform(low, high, 40)
                for low, high in ((-300, 300), (-300, 300), (20, 90), (10, 50), (0, 180))
            ),
            strict=True,
        )
    ]
    return [carried(box, GRID.crs, crs) for box in found] if crs != GRID.crs else found


def told(path: str, window: Window, grid: Grid = GRID, level: int = 1, **more: Any) -> Any:
    slot = more.pop("slot", SLOT)
    condition = Boxes("boxes", path, column="class", **more)
    condition.check(slot, grid, level)
    return condition.told(Place(grid, level, window), slot)


class TestContract(ConditionContract):
    slot = SLOT
    grid = GRID

    def condition(self, tmp_path: Any) -> Boxes:
        classes = [f"kind {n % 3}" for n in range(40)]
        return Boxes("boxes", write(tmp_path / "b.fgb", GRID.crs, scattered(), {"class": classes}), "class")

    def change(self, condition: Any) -> None:
        boxes = [turned_box(X, Y, 70, 40, 20)]
        write(Path(condition.source), GRID.crs, boxes, {"class": ["other"]})


class TestContractInDegrees(TestContract):
    """From a file in another CRS without an index."""

    def condition(self, tmp_path: Any) -> Boxes:
        path = write(tmp_path / "b.geojson", "EPSG:4326", scattered("EPSG:4326"), {"class": list(range(40))})
        return Boxes("boxes", path, "class", least_visible=0.6)

    def change(self, condition: Any) -> None:
        boxes = [carried(turned_box(X, Y, 70, 40, 20), GRID.crs, "EPSG:4326")]
        write(Path(condition.source), "EPSG:4326", boxes, {"class": [3]})


class TestContractOverTheAntimeridian(TestContract):
    grid = EARTH
    level = 1
    window = Window(1500, 1604, 5700, 5834)

    def condition(self, tmp_path: Any) -> Boxes:
        rng = np.random.default_rng(3)
        spots = zip(rng.uniform(176, 184, 60), rng.uniform(-10, -4, 60), rng.uniform(0, 180, 60), strict=True)
        boxes = [turned_box((x + 180) % 360 - 180, y, 0.9, 0.4, angle) for x, y, angle in spots]
        return Boxes(
            "boxes", write(tmp_path / "b.fgb", "EPSG:4326", boxes, {"class": list(range(60))}), "class"
        )

    def change(self, condition: Any) -> None:
        write(Path(condition.source), "EPSG:4326", [turned_box(-179, -6, 0.9, 0.4)], {"class": [3]})


@pytest.mark.parametrize("start", range(4))
@pytest.mark.parametrize("step", [1, -1])
def test_corners_begin_upper_left_and_go_clockwise_however_the_file_has_them(
    tmp_path: Path, start: int, step: int
) -> None:
    """A box of 12 x 6 pixels of 5 m, whose upper left corner is 3 pixels right of and 4 below the tile's."""
    ring = np.add([(15, -20), (75, -20), (75, -50), (15, -50)], (X, Y))
    ring = np.roll(ring[::step], start, axis=0)
    path = write(tmp_path / "b.gpkg", GRID.crs, [shapely.Polygon(ring)], {"class": ["ship"]})
    found = told(path, Window(150, 182, 250, 290))
    wanted = [[[3, 4], [15, 4], [15, 10], [3, 10]]]
    np.testing.assert_array_equal(found.corners, wanted)
    np.testing.assert_array_equal(found.outlines, wanted)
    assert found.classes == ("ship",)


@pytest.mark.parametrize("degrees", [1, 20, 44, 46, 70, 89, 91, 135, 160, 179])
def test_corners_of_turned_boxes_are_where_they_are_and_in_order(tmp_path: Path, degrees: float) -> None:
    box = turned_box(X + 100, Y - 90, 80, 35, degrees)
    found = told(write(tmp_path / "b.fgb", GRID.crs, [box], {"class": ["a"]}), Window(150, 190, 250, 300))
    truth = (np.array(box.exterior.coords)[:4] - (X, Y)) / (5, -5)
    for corners in (found.corners[0], found.outlines[0]):
        distance = np.hypot(*np.moveaxis(corners[:, None] - truth[None], -1, 0))
        assert distance.min(axis=1).max() < 0.01
        assert distance.min(axis=0).max() < 0.01
        # Clockwise as one sees it is anticlockwise where y grows upwards.
        assert not shapely.LinearRing(corners * (1, -1)).is_ccw
        assert corners[0].sum() == corners.sum(axis=1).min()


def test_a_square_on_its_tip_begins_at_its_upper_corner(tmp_path: Path) -> None:
    ring = np.add([(50, -10), (90, -50), (50, -90), (10, -50)], (X, Y))
    path = write(tmp_path / "b.gpkg", GRID.crs, [shapely.Polygon(ring)], {"class": ["a"]})
    found = told(path, Window(150, 182, 250, 290))
    np.testing.assert_array_equal(found.corners, [[[10, 2], [18, 10], [10, 18], [2, 10]]])


EVERYWHERE = "EPSG:4326", "EPSG:3857", "EPSG:32633", "EPSG:5070", "EPSG:3413"
"""GeoJSON as it is written is in degrees; the other formats are in any CRS."""


@pytest.mark.parametrize(
    ("ending", "crs"),
    [(".geojson", "EPSG:4326"), *((ending, crs) for ending in (".gpkg", ".fgb") for crs in EVERYWHERE)],
)
def test_corners_are_carried_from_any_crs_and_format(tmp_path: Path, crs: str, ending: str) -> None:
    boxes = scattered()
    path = write(
        tmp_path / f"b{ending}", crs, [carried(box, GRID.crs, crs) for box in boxes], {"class": range(40)}
    )
    found = told(path, Window(90, 210, 190, 310), slot=Slot("boxes", "boxes"))
    assert len(found.classes) == 40
    for corners, said in zip(found.outlines, found.classes, strict=True):
        truth = (np.array(boxes[int(said)].exterior.coords)[:4] - (X - 300, Y + 300)) / (5, -5)
        distance = np.hypot(*np.moveaxis(corners[:, None] - truth[None], -1, 0))
        assert distance.min(axis=0).max() < 0.01


def test_a_crs_that_counts_westwards_and_southwards_is_carried_the_right_way_round(tmp_path: Path) -> None:
    grid = Grid("EPSG:32735", (700_000.0, 7_100_000.0), 5.0, (200, 200))
    box = turned_box(700_400.0, 7_099_500.0, 90.0, 40.0, 25.0)
    paths = [
        write(tmp_path / f"{crs[5:]}.fgb", crs, [carried(box, grid.crs, crs)], {"class": ["a"]})
        for crs in ("EPSG:4326", "EPSG:2053")
    ]
    one, other = (told(path, Window(80, 120, 60, 100), grid, 0) for path in paths)
    assert len(one.classes) == 1
    np.testing.assert_allclose(one.corners, other.corners, atol=0.01)


def test_a_rectangle_of_another_crs_is_a_quadrilateral_and_its_token_the_least_rectangle(
    tmp_path: Path,
) -> None:
    """In degrees at 60 degrees north a turned rectangle is sheared by half."""
    grid = Grid("EPSG:32633", (500_000.0, 6_660_000.0), 10.0, (300, 300))
    box = turned_box(15.02, 60.05, 0.02, 0.008, 30.0)
    found = told(write(tmp_path / "b.gpkg", "EPSG:4326", [box], {"class": ["a"]}), grid.full(0), grid, 0)
    outline, token = shapely.Polygon(found.outlines[0]), shapely.Polygon(found.corners[0])
    truth = shapely.transform(carried(box, "EPSG:4326", grid.crs), lambda p: (p - (5e5, 6.66e6)) / (10, -10))
    assert shapely.hausdorff_distance(outline, truth) < 0.01
    assert outline.area < 0.9 * token.area
    assert token.buffer(0.01).contains(outline)
    assert token.area == pytest.approx(shapely.minimum_rotated_rectangle(outline).area, rel=1e-3)
    sides = np.diff(np.concatenate([found.corners[0], found.corners[0][:1]]), axis=0)
    assert abs(sides[0] @ sides[1]) < 1e-3 * np.hypot(*sides[0]) * np.hypot(*sides[1])


CORNERED = {
    "an L": shapely.Polygon([(0, 0), (100, 0), (100, 20), (30, 20), (30, 60), (0, 60)]),
    "a triangle": shapely.Polygon([(0, 0), (90, 20), (30, 60)]),
    "a disc": shapely.Point(40, 40).buffer(33),
    "a hole in a square": shapely.difference(shapely.box(0, 0, 60, 50), shapely.box(20, 20, 30, 30)),
    "two parts": shapely.MultiPolygon([shapely.box(0, 0, 20, 10), shapely.box(60, 30, 90, 50)]),
    "crossing itself": shapely.Polygon([(0, 0), (80, 50), (80, 0), (0, 50)]),
}


@pytest.mark.parametrize("name", list(CORNERED))
def test_what_has_not_four_corners_is_told_as_its_least_rectangle(tmp_path: Path, name: str) -> None:
    shape = shapely.transform(CORNERED[name], lambda points: np.add(points, (X + 50, Y - 120)))
    path = write(tmp_path / "b.gpkg", GRID.crs, [shape], {"class": ["a"]})
    found = told(path, Window(150, 190, 250, 300))
    wanted = shapely.minimum_rotated_rectangle(shape).area / 25
    for corners in (found.corners[0], found.outlines[0]):
        assert shapely.Polygon(corners).area == pytest.approx(wanted, rel=2e-3)
        inside = shapely.transform(shapely.make_valid(shape), lambda points: (points - (X, Y)) / (5, -5))
        assert shapely.Polygon(corners).buffer(0.02).contains(inside)
    np.testing.assert_allclose(found.corners, found.outlines, atol=0.02)


def test_a_box_is_told_if_enough_of_it_is_visible(tmp_path: Path) -> None:
    """A box of 16 x 8 pixels slides out of the tile by two pixels each: a quarter of the seventh is in it."""
    boxes = [turned_box(X - 40 + 80 - 10 * n, Y - 25, 80, 40) for n in range(12)]
    path = write(tmp_path / "b.gpkg", GRID.crs, boxes, {"class": [str(n) for n in range(12)]})
    window = Window(150, 190, 250, 290)
    for least, count in ((1.0, 1), (0.5, 5), (0.26, 6), (0.25, 7), (0.0, 8)):
        found = told(path, window, least_visible=least)
        assert sorted(found.classes, key=int) == [str(n) for n in range(count)]
        for outline in found.outlines:
            polygon = shapely.Polygon(outline)
            assert polygon.intersection(shapely.box(0, 0, 40, 40)).area >= least * polygon.area
    assert told(path, window).outlines.min() < -11


def test_of_too_many_the_largest_visible_are_told_then_the_first(tmp_path: Path) -> None:
    """Numbers of features are those of the file; equal areas are told in their order."""
    sizes = [20, 60, 40, 60, 20, 60, 50]
    boxes = [turned_box(X + 100 + 17 * n, Y - 100 - 11 * n, size, size / 2) for n, size in enumerate(sizes)]
    path = write(tmp_path / "b.fgb", GRID.crs, boxes, {"class": [f"{n}" for n in range(7)]})
    every = told(path, Window(150, 200, 250, 310))
    areas = shapely.area(shapely.polygons(every.outlines))
    assert (np.diff(areas) <= 0).all()
    assert sorted(every.classes) == [f"{n}" for n in range(7)]
    for most in range(1, 7):
        some = told(path, Window(150, 200, 250, 310), slot=Slot("boxes", "boxes", most=most))
        assert some.classes == every.classes[:most]
        np.testing.assert_array_equal(some.corners, every.corners[:most])
    listed = write(tmp_path / "b.gpkg", GRID.crs, boxes, {"class": [f"{n}" for n in range(7)]})
    assert told(listed, Window(150, 200, 250, 310)).classes == ("1", "3", "5", "6", "2", "0", "4")
    # Of the largest, what lies in another tile does not count.
    assert told(listed, Window(150, 200, 250, 273)).classes[-1] != "4"


OVER_180 = {
    "west of it": turned_box(179.2, -17.1, 0.5, 0.3, 10),
    "east of it": turned_box(-179.3, -17.4, 0.5, 0.3, 40),
    "over it": turned_box(180.05, -16.6, 0.6, 0.25, 70),
}
GRIDS_OVER_180 = {
    "the Earth": (EARTH, 0),
    "mercator": (
        Grid(
            "EPSG:3857",
            (-20_037_508.342789244, 5e6),
            40_075_016.685578488 / 1440,
            (360, 1440),
            periodic=True,
        ),
        0,
    ),
    "degrees beyond": (Grid("EPSG:4326", (170.0, -10.0), 0.25, (60, 80)), 0),
    "zone 1": (Grid("EPSG:32701", (-100_000.0, 8_200_000.0), 20_000.0, (20, 30)), 0),
}


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:32760", "EPSG:32701"])
@pytest.mark.parametrize("name", list(GRIDS_OVER_180))
def test_boxes_of_both_sides_of_the_antimeridian_are_told(tmp_path: Path, crs: str, name: str) -> None:
    grid, level = GRIDS_OVER_180[name]
    boxes = {
        said: box if crs == "EPSG:4326" else carried(box, "EPSG:4326", crs) for said, box in OVER_180.items()
    }
    if crs == "EPSG:3857":
        # Beyond its edge Mercator has no names: the box over it would be as wide as the Earth.
        del boxes["over it"]
    path = write(tmp_path / "b.gpkg", crs, list(boxes.values()), {"class": list(boxes)})
    column, row = ~grid.transform(level) * vector_files.point(179.9, -17.0, grid.crs)
    for turns in (0, -1, 1) if grid.periodic else (0,):
        x = int(column) + turns * grid.shape[1]
        window = Window(int(row) - 12, int(row) + 12, x - 14, x + 14)
        found = told(path, window, grid, level)
        assert set(found.classes) == set(boxes)
        for said, outline in zip(found.classes, found.outlines, strict=True):
            lon, lat = np.array(OVER_180[said].exterior.coords)[:4].T
            east = np.where(lon < 0, lon + 360, lon) if grid.crs == "EPSG:4326" and not grid.periodic else lon
            points = np.stack(vector_files.point(east, lat, grid.crs), axis=1)
            truth = np.stack(~grid.transform(level) * tuple(points.T), axis=1) - (window.x0, window.y0)
            if grid.periodic:
                truth[:, 0] = (truth[:, 0] + 720) % 1440 - 720
            distance = np.hypot(*np.moveaxis(outline[:, None] - truth[None], -1, 0))
            assert distance.min(axis=0).max() < 0.02


def test_where_there_is_nothing_no_box_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "b.gpkg", GRID.crs, scattered(), {"class": range(40)})
    for window in (Window(0, 30, 700, 760), Window(-900, -800, -900, -800)):
        found = told(path, window)
        assert found.corners.shape == found.outlines.shape == (0, 4, 2)
        assert found.classes == ()
    bare = write(
        tmp_path / "none.fgb", GRID.crs, [], {"class": np.zeros(0, "int64")}, geometry_type="Polygon"
    )
    assert told(bare, Window(150, 190, 250, 300)).classes == ()
    # A place of which the file's CRS has no coordinates has no boxes.
    far = Grid("EPSG:4326", (-100.0, 10.0), 0.1, (50, 50))
    assert told(path, Window(0, 50, 0, 50), far, 0).classes == ()


def test_boxes_that_are_nothing_on_a_level_are_not_told_there(tmp_path: Path) -> None:
    path = write(tmp_path / "b.gpkg", GRID.crs, [turned_box(X, Y, 8, 4)], {"class": ["car"]})
    coarse = Grid("EPSG:32632", (0.0, 6_000_000.0), 100_000.0, (20, 20))
    assert told(path, coarse.full(0), coarse, 0).classes == ()
    assert told(path, Window(140, 160, 240, 260)).classes == ("car",)


def test_all_layers_with_the_column_are_told(tmp_path: Path) -> None:
    path = tmp_path / "two.gpkg"
    write(path, GRID.crs, [turned_box(X + 60, Y - 60, 40, 20)], {"class": ["ship"]}, layer="ships")
    degrees = carried(turned_box(X + 150, Y - 60, 60, 20), GRID.crs, "EPSG:4326")
    write(path, "EPSG:4326", [degrees], {"class": ["plane"]}, layer="planes", append=True)
    write(path, GRID.crs, [shapely.Point(X, Y)], {"name": ["tower"]}, layer="points", append=True)
    assert told(str(path), Window(150, 190, 250, 300)).classes == ("plane", "ship")


def test_it_is_written_in_world_files_and_travels(tmp_path: Path) -> None:
    path = write(tmp_path / "b.gpkg", GRID.crs, scattered(), {"class": range(40)})
    table = {"kind": "boxes", "name": "boxes", "source": "b.gpkg", "column": "class", "least_visible": 0.5}
    (condition,) = condition_tables.read([table], KINDS, tmp_path)
    assert condition == Boxes("boxes", path, "class", least_visible=0.5)
    assert condition_tables.written([condition], tmp_path) == [table]
    assert pickle.loads(pickle.dumps(condition)) == condition


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"column": ""}, r"condition.boxes.column='' is no name of an attribute; name one"),
        ({"least_visible": 1.5}, r"condition.boxes.least_visible=1.5 must be at least 0 and at most 1"),
        ({"source": ""}, r"condition.boxes.source='' is not the path of a file; name one"),
        ({"levels": "all"}, r"condition.boxes.levels='all' is no list of levels"),
    ],
)
def test_settings_that_have_no_meaning(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(WorldError, match=message):
        Boxes(**{"name": "boxes", "source": "b.gpkg", "column": "class", **settings})


def test_classes_are_those_of_the_model(tmp_path: Path) -> None:
    """At load, before anything is drawn; the remedies are to rename, and to remove."""
    slot = Slot("boxes", "boxes", most=20, classes=("ship", "plane"))
    for ending in vector_files.DRIVERS:
        boxes = [carried(box, GRID.crs, "EPSG:4326") for box in scattered()[:3]]
        path = write(tmp_path / f"b{ending}", "EPSG:4326", boxes, {"class": ["ship", "blimp", "plane"]})
        condition = Boxes("boxes", path, "class")
        with pytest.raises(
            WorldError,
            match=r"column='class' holds the class 'blimp'; the slot 'boxes' knows ship, plane; rename it",
        ):
            condition.check(slot, GRID, 1)
        renamed = write(Path(path), "EPSG:4326", boxes, {"class": ["ship", "ship", "plane"]})
        assert len(told(renamed, Window(90, 210, 190, 310), slot=slot).classes) == 3
        removed = write(Path(path), "EPSG:4326", boxes[::2], {"class": ["ship", "plane"]})
        assert len(told(removed, Window(90, 210, 190, 310), slot=slot).classes) == 2
    bare = write(tmp_path / "n.gpkg", GRID.crs, scattered()[:2], {"class": ["ship", None]})
    with pytest.raises(WorldError, match=r"holds the class None; every box has one; rename it, or remove"):
        Boxes("boxes", bare, "class").check(SLOT, GRID, 1)


def test_a_column_that_is_missing_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "b.gpkg", GRID.crs, scattered()[:2], {"class": ["a", "b"], "height": [1, 2]})
    with pytest.raises(WorldError, match=r"column='kind' is no attribute of .*b.gpkg'; it has class, height"):
        Boxes("boxes", path, "kind").check(SLOT, GRID, 1)


@pytest.mark.parametrize(
    "shape",
    [
        shapely.LineString([(X + 50, Y - 50), (X + 80, Y - 60)]),
        shapely.Point(X + 50, Y - 50),
        shapely.Polygon([(X + 50, Y - 50), (X + 80, Y - 60), (X + 50, Y - 50)]),
    ],
)
def test_a_feature_without_an_area_is_named_where_it_is_met(tmp_path: Path, shape: Any) -> None:
    path = write(
        tmp_path / "b.gpkg", GRID.crs, [turned_box(X + 90, Y - 90, 30, 20), shape], {"class": ["a", "b"]}
    )
    with pytest.raises(
        WorldError, match=r"b.gpkg': feature 2 has no area; boxes are polygons: remove it, or"
    ):
        told(path, Window(150, 190, 250, 300))
    buffered = write(
        Path(path), GRID.crs, [turned_box(X + 90, Y - 90, 30, 20), shape.buffer(5)], {"class": ["a", "b"]}
    )
    assert sorted(told(buffered, Window(150, 190, 250, 300)).classes) == ["a", "b"]


@pytest.mark.parametrize("ending", [".gpkg", ".geojson"])
@pytest.mark.parametrize("nothing", [None, shapely.Polygon()])
def test_a_feature_without_a_geometry_is_named_at_load(tmp_path: Path, ending: str, nothing: Any) -> None:
    box = carried(turned_box(X + 90, Y - 90, 30, 20), GRID.crs, "EPSG:4326")
    path = write(tmp_path / f"b{ending}", "EPSG:4326", [box, nothing], {"class": ["a", "b"]})
    number = 2 if ending == ".gpkg" else 1
    with pytest.raises(WorldError, match=rf"feature {number} has no geometry; boxes are polygons: remove it"):
        Boxes("boxes", path, "class").check(SLOT, GRID, 1)
    removed = write(Path(path), "EPSG:4326", [box], {"class": ["a"]})
    assert told(removed, Window(150, 190, 250, 300)).classes == ("a",)


def test_coordinates_that_have_no_place_are_named(tmp_path: Path) -> None:
    """Between a place on the grid and numbers that are none."""
    wild = shapely.Polygon([(9.01, 46.94), (9.02, 46.94), (1e30, 46.95), (9.01, 46.95)])
    path = write(tmp_path / "b.gpkg", "EPSG:4326", [wild], {"class": ["a"]})
    with pytest.raises(
        WorldError, match=r"feature 1 has no place in the grid's CRS, EPSG:32632; cut out what"
    ):
        told(path, Window(150, 190, 250, 300))
    cut = shapely.intersection(wild, shapely.box(8.9, 46.8, 9.03, 47.0))
    assert told(write(Path(path), "EPSG:4326", [cut], {"class": ["a"]}), GRID.full(1)).classes == ("a",)


def test_files_that_name_other_files_are_refused(tmp_path: Path) -> None:
    inner = write(tmp_path / "b.gpkg", GRID.crs, scattered(), {"class": range(40)})
    pipeline = {"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline ! read {inner}"}
    (tmp_path / "g.geojson").write_text(json.dumps(pipeline))
    (tmp_path / "v.vrt").write_text(f"<OGRVRTDataSource><OGRVRTLayer name='b'><SrcDataSource>{inner}")
    for name, message in (
        ("g.geojson", r"g.geojson' cannot be read"),
        ("v.vrt", r"v.vrt' is not a GeoPackage, FlatGeobuf, GeoJSON or Parquet file; convert it"),
    ):
        with pytest.raises(WorldError, match=message):
            Boxes("boxes", str(tmp_path / name), "class").check(SLOT, GRID, 1)


def test_boxes_need_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    condition = Boxes(
        "boxes", write(tmp_path / "b.gpkg", GRID.crs, scattered(), {"class": range(40)}), "class"
    )
    # An import of what is not installed.
    monkeypatch.setitem(__import__("sys").modules, "pyogrio", None)
    with pytest.raises(
        WorldError, match=r"read vectors need pyogrio, .*: pip install 'geoinfinite\[vector\]'"
    ):
        condition.check(SLOT, GRID, 1)
