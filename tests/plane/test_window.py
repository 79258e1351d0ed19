import pickle

import numpy as np
import pytest
import rasterio.windows
from hypothesis import given
from hypothesis import strategies as st

from geoinfinite.errors import WindowError
from geoinfinite.plane.window import Window

edges = st.integers(-(2**40), 2**40)
sides = st.integers(0, 50)
windows = st.builds(lambda y, x, h, w: Window(y, y + h, x, x + w), edges, edges, sides, sides)
near = st.builds(
    lambda y, x, h, w: Window(y, y + h, x, x + w), st.integers(-9, 9), st.integers(-9, 9), sides, sides
)


def mask(window: Window) -> np.ndarray:
    """The window as pixels of a 120 x 120 array that starts at (-30, -30): the slow obvious version."""
    out = np.zeros((120, 120), bool)
    out[window.y0 + 30 : window.y1 + 30, window.x0 + 30 : window.x1 + 30] = True
    return out


@given(near, near)
def test_intersection_is_the_common_pixels(a: Window, b: Window) -> None:
    assert (mask(a.intersect(b)) == (mask(a) & mask(b))).all()


@given(near, near)
def test_contains_means_every_pixel(a: Window, b: Window) -> None:
    if b.size:
        assert a.contains(b) == (mask(b) <= mask(a)).all()


@given(windows, st.integers(2, 9))
def test_coarsen_then_refine_covers_with_less_than_one_cell_to_spare(window: Window, factor: int) -> None:
    cover = window.coarsen(factor).refine(factor)
    assert cover.contains(window)
    assert window.y0 - cover.y0 < factor
    assert cover.x1 - window.x1 < factor


@given(near, st.integers(1, 20))
def test_split_tiles_the_window_once(window: Window, side: int) -> None:
    total = np.zeros((120, 120), int)
    for cell in window.split(side):
        assert max(cell.shape) <= side
        total += mask(cell)
    assert (total == mask(window)).all()


def test_slices_address_the_pixels_inside_a_larger_array() -> None:
    big = Window(-7, 5, 100, 130)
    values = np.add.outer(np.arange(-7, 5) * 1000, np.arange(100, 130))
    y, x = Window(-2, 1, 111, 115).slices(big)
    assert values[y, x].tolist() == [[r * 1000 + c for c in range(111, 115)] for r in range(-2, 1)]


def test_slices_outside_are_refused() -> None:
    with pytest.raises(WindowError, match="is not inside"):
        Window(0, 3, 0, 3).slices(Window(0, 2, 0, 9))


@pytest.mark.parametrize("edge", [(3, 2, 0, 1), (0, 1, 5, 4)])
def test_inverted_windows_are_refused(edge: tuple[int, int, int, int]) -> None:
    with pytest.raises(WindowError, match="is inverted: need y0 <= y1"):
        Window(*edge)


@pytest.mark.parametrize("value", [1.0, "3", True, None])
def test_edges_that_are_not_integers_are_refused(value: object) -> None:
    with pytest.raises(WindowError, match="edges are integers"):
        Window(0, 5, 0, value)  # type: ignore[arg-type]


@given(windows)
def test_windows_travel(window: Window) -> None:
    assert pickle.loads(pickle.dumps(window)) == window
    assert hash(Window(*map(np.int64, (window.y0, window.y1, window.x0, window.x1)))) == hash(window)


def test_windows_in_other_libraries_forms() -> None:
    expected = Window(-4, 4, 10, 30)
    assert Window.of(expected) is expected
    assert Window.of(((-4, 4), (10, 30))) == expected
    assert Window.of([[-4, 4], [10, 30]]) == expected
    assert Window.of(rasterio.windows.Window(10, -4, 20, 8)) == expected
    assert Window.of(rasterio.windows.Window(10.0, -4.0, 20.0, 8.0)) == expected


@pytest.mark.parametrize("value", [(-4, 4, 10, 30), (1, 2), "abcd", None, ((1, 2),), ((1, 2), (3, 4, 5)), 7])
def test_what_is_no_window_is_refused_with_both_forms(value: object) -> None:
    with pytest.raises(WindowError, match=r"is not a window; write Window\(y0, .* or \(\(row0, row1\)"):
        Window.of(value)


def test_fractions_of_pixels_are_rounded_as_the_message_says() -> None:
    window = rasterio.windows.Window(10.2, -4, 20, 8.4)
    with pytest.raises(WindowError, match=r"fraction of .*; round it: \.round_offsets\(\)\.round_lengths"):
        Window.of(window)
    assert Window.of(window.round_offsets().round_lengths()).shape == (8, 20)
    with pytest.raises(WindowError, match="edges are integers"):
        Window.of(((0, 1.5), (0, 2)))
