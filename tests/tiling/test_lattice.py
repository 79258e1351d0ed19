import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoinfinite.errors import WorldError
from geoinfinite.plane.window import Window
from geoinfinite.tiling import Lattice

lattices = st.integers(1, 40).flatmap(lambda size: st.builds(Lattice, st.just(size), st.integers(1, size)))


@given(lattices, st.integers(-300, 300), st.integers(1, 90))
def test_span_is_every_tile_that_meets_the_pixels(lattice: Lattice, start: int, length: int) -> None:
    meets = [
        k
        for k in range(-700, 700)
        if k * lattice.stride < start + length and k * lattice.stride + lattice.size > start
    ]
    assert list(lattice.rows(Window(start, start + length, 0, 1))) == meets


@given(lattices, st.integers(0, 10**9))
def test_counts_follow_the_closed_form_wherever_the_window_is(lattice: Lattice, far: int) -> None:
    size, stride = lattice.size, lattice.stride
    window = Window(far, far + 70, -far, 50 - far)
    n = [(b - 1) // stride - -((size - 1 - a) // stride) + 1 for a, b in [(far, far + 70), (-far, 50 - far)]]
    assert lattice.count(window) == n[0] * n[1] == len(list(lattice.touching(window)))


def test_aligned_windows_cost_n_over_s_plus_overlap() -> None:
    assert Lattice(256, 128).count(Window(0, 1024, 4096, 5120)) == 9**2
    assert Lattice(128, 120).count(Window(0, 1200, 0, 1200)) == 11**2


@given(lattices, st.integers(-99, 99), st.integers(-99, 99))
def test_the_hull_holds_every_tile(lattice: Lattice, y: int, x: int) -> None:
    window = Window(y, y + 33, x, x + 21)
    hull, tiles = lattice.hull(window), [lattice.window(k) for k in lattice.touching(window)]
    assert all(hull.contains(tile) for tile in tiles)
    edges = np.array([(t.y0, t.y1, t.x0, t.x1) for t in tiles])
    assert (hull.y0, hull.x1) == (edges[:, 0].min(), edges[:, 3].max())


def test_gaps_between_tiles_are_refused() -> None:
    with pytest.raises(WorldError, match="stride=65 must be between 1 and tile=64"):
        Lattice(64, 65)
