import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from geoinfinite.diffusion.noise import COLUMNS, ROWS, NoiseField, noise_key
from geoinfinite.errors import WindowError, WorldError
from geoinfinite.plane.grid import MOST_PIXELS, Grid
from geoinfinite.plane.window import Window
from geoinfinite.recipe.compatibility import LARGEST

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


def test_the_deepest_levels_lie_on_the_plane_of_noise_with_their_tiles() -> None:
    beyond = 2 * LARGEST["chart"]
    assert [most + beyond for most in MOST_PIXELS] == [ROWS[1], COLUMNS[1]]
    with pytest.raises(WorldError, match=r"grid.levels=12 is too deep: .*; set grid.levels = 11$"):
        dataclasses.replace(EARTH, levels=12)
    deep = dataclasses.replace(EARTH, levels=11)
    rows, columns = deep.shape_at(10)
    corner = Window(rows + beyond - 2, rows + beyond, columns - 1, columns + 1)
    assert NoiseField(noise_key("earth", 42), 10, 3, deep.period(10))(corner, 0).shape == (3, 2, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"origin": (float("nan"), 90)}, "grid.origin=nan must be a finite number"),
        ({"origin": (0, 1e308)}, "grid.origin=.* must be a finite number up to 1e15"),
        ({"origin": "ab"}, r"grid.origin='ab' must be \[left, top\]"),
        ({"resolution": 10**400}, "grid.resolution=10*... must be a finite number"),
        ({"resolution": 1e-15}, "grid.resolution=1e-15 is too small beside the coordinates"),
        ({"shape": (10**30, 5)}, "grid.shape=.* must be .* at most"),
        ({"shape": (2.5, 5)}, "grid.shape=2.5 must be an integer"),
        ({"shape": (1, 2, 3)}, r"grid.shape=\(1, 2, 3\) must be \[rows, columns\]"),
        ({"levels": 10**30}, "grid.levels=10*... must be at least 1 and at most 64|at most 64"),
        ({"factor": 10**30}, "grid.factor=10* must be at least 2 and at most 256"),
        ({"levels": True}, "grid.levels=True must be an integer"),
    ],
)
def test_numbers_without_measure_are_refused(change: dict, message: str) -> None:
    with pytest.raises(WorldError, match=message) as said:
        dataclasses.replace(UTM, **change)
    assert len(str(said.value)) < 300


@pytest.mark.parametrize("bounds", [(1, 2, 3), "abcd", None, (1, 2, "x", 4), (10**400, 0, 1, 1)])
def test_boxes_are_four_numbers(bounds: object) -> None:
    with pytest.raises(WindowError, match="is not four numbers; give west south east north"):
        UTM.window(0, bounds)  # type: ignore[arg-type]
