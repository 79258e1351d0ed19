import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from geoinfinite.errors import WindowError, WorldError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window

EARTH = Grid("EPSG:4326", (-180.0, 90.0), 360 / 5400, (2700, 5400), factor=4, levels=8, periodic=True)
UTM = Grid("EPSG:32632", (399_960.0, 5_300_040.0), 60.0, (700, 900), factor=3, levels=5)

levels = st.integers(0, 4)


@st.composite
def utm_windows(draw: st.DrawFn) -> tuple[int, Window]:
    level = draw(levels)
    rows, columns = UTM.shape_at(level)
    y0, x0 = draw(st.integers(0, rows - 1)), draw(st.integers(0, columns - 1))
    return level, Window(y0, draw(st.integers(y0 + 1, rows)), x0, draw(st.integers(x0 + 1, columns)))


@given(utm_windows())
def test_window_to_bounds_and_back(case: tuple[int, Window]) -> None:
    level, window = case
    assert UTM.window(level, UTM.bounds(level, window)) == window


@given(utm_windows())
def test_geobox_has_the_window_bounds(case: tuple[int, Window]) -> None:
    level, window = case
    box = UTM.geobox(level, window)
    assert box.shape == window.shape
    assert tuple(box.extent.boundingbox) == pytest.approx(UTM.bounds(level, window))


@given(utm_windows())
def test_a_child_window_covers_its_parents_ground(case: tuple[int, Window]) -> None:
    level, window = case
    if level < 4:
        assert UTM.bounds(level + 1, window.refine(3)) == pytest.approx(UTM.bounds(level, window))


def test_bounds_in_another_crs_cover_every_corner() -> None:
    window = Window(100, 300, 50, 700)
    left, bottom, right, top = UTM.bounds(0, window, "EPSG:4326")
    carry = Transformer.from_crs("EPSG:32632", "EPSG:4326", always_xy=True)
    west, south, east, north = UTM.bounds(0, window)
    for x, y in [(west, south), (west, north), (east, south), (east, north)]:
        lon, lat = carry.transform(x, y)
        assert left - 1e-9 <= lon <= right + 1e-9
        assert bottom - 1e-9 <= lat <= top + 1e-9
    assert UTM.window(0, (left, bottom, right, top), "EPSG:4326").contains(window)


def test_antimeridian_bounds_run_past_the_last_column() -> None:
    window = EARTH.window(1, (179.9, -1.0, -179.9, 1.0))
    assert window.x0 < EARTH.shape_at(1)[1] < window.x1
    assert window.width == 12


def test_deep_levels_are_exact_in_pixels_far_from_the_origin() -> None:
    window = Window(40_000_000, 40_000_001, 88_000_000, 88_000_003)
    assert EARTH.window(7, EARTH.bounds(7, window)) == window


def test_ground_sample_distances_of_the_earth() -> None:
    assert [round(EARTH.gsd_m(level), 1) for level in (0, 1, 3, 5)] == [7421.3, 1855.3, 116.0, 7.2]
    assert UTM.gsd_m(1) == 20.0


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ((7.6, 45.8, 7.0, 46.2), "is inverted: need west < east"),
        ((7.0, 46.2, 7.6, 45.8), "inverted or empty: need south < north"),
        ((7.0, 45.8, 7.0, 46.2), "inverted or empty: need west < east"),
        ((7.0, 89.0, 7.6, 91.0), "reaches outside the grid"),
        ((float("nan"), 45.8, 7.6, 46.2), "is not finite"),
    ],
)
def test_bad_boxes_say_what_is_wrong(bounds: tuple[float, float, float, float], message: str) -> None:
    with pytest.raises(WindowError, match=message):
        EARTH.window(3, bounds)


def test_boxes_beyond_a_grid_that_does_not_wrap() -> None:
    with pytest.raises(WindowError, match="reaches outside the grid"):
        UTM.window(0, (399_000, 5_299_000, 401_000, 5_300_000))


@pytest.mark.parametrize("level", [-1, 5])
def test_levels_that_do_not_exist(level: int) -> None:
    with pytest.raises(WindowError, match=f"level={level} does not exist: this grid has levels 0 to 4"):
        UTM.shape_at(level)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"crs": "EPSG:99999999"}, "grid.crs='EPSG:99999999' is not a coordinate reference system"),
        ({"factor": 1}, "grid.factor=1 must be at least 2"),
        ({"levels": 0}, "grid.levels=0 must be at least 1"),
        ({"resolution": -1.0}, "grid.resolution=-1.0 must be a positive"),
        ({"shape": (0, 5)}, "grid.shape=.* must be"),
        ({"resolution": 0.06}, "columns . resolution = 360 degrees"),
    ],
)
def test_grids_that_cannot_be(change: dict, message: str) -> None:
    fields = {
        "crs": "EPSG:4326",
        "origin": (-180, 90),
        "resolution": 360 / 5400,
        "shape": (2700, 5400),
        "levels": 3,
        "periodic": True,
    }
    with pytest.raises(WorldError, match=message):
        Grid(**{**fields, **change})
