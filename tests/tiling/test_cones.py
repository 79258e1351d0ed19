from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoinfinite.plane.window import Window
from geoinfinite.tiling import Decode, Lattice, Layer, Need, Solve, axis_weights, cone, fuse, tile_weights

SOLVE = Solve(range(3))
lattices = st.builds(
    lambda size, stride, y, x: Lattice(size, min(stride, size), (y, x)),
    st.integers(2, 40),
    st.integers(1, 40),
    st.integers(-50, 50),
    st.integers(-50, 50),
)
windows = st.builds(
    lambda y, x, h, w: Window(y, y + h, x, x + w),
    st.integers(-(10**9), 10**9),
    st.integers(-(10**9), 10**9),
    st.integers(1, 90),
    st.integers(1, 90),
)


def adding(layer: Layer, window: Window) -> set[tuple[int, int]]:
    """The tiles that add anything to a window, found pixel by pixel."""
    size, stride = layer.lattice.size, layer.lattice.stride
    kept = np.flatnonzero(axis_weights(size, stride, layer.profile))
    found = []
    for (low, high), at in zip(
        ((window.y0, window.y1), (window.x0, window.x1)), layer.lattice.origin, strict=True
    ):
        near = range((low - at) // stride - size - 2, (high - at) // stride + 3)
        found.append(
            [k for k in near if ((p := at + k * stride + kept) < high).any() and (p[p < high] >= low).any()]
        )
    return {(ky, kx) for ky in found[0] for kx in found[1]}


@settings(deadline=None)
@given(lattices, windows, st.sampled_from(["hann", "crop", "uniform"]))
def test_a_window_needs_the_tiles_that_add_to_it(lattice: Lattice, window: Window, profile: str) -> None:
    layer = Layer(lattice, SOLVE, profile)
    need = layer.need(window)
    assert set(need.indices) == adding(layer, window)
    assert need.tiles == len(set(need.indices))
    assert [*need.indices] == sorted(need.indices)
    assert need.hull.contains(window)


@settings(deadline=None)
@given(
    st.integers(2, 64),
    st.integers(1, 64),
    st.integers(1, 200),
    st.integers(1, 6),
    st.integers(-(10**8), 10**8),
)
def test_the_cone_grows_by_the_neighbours_that_overlap(
    size: int, stride: int, side: int, steps: int, at: int
) -> None:
    stride = min(size, stride)
    layers = tuple(Layer(Lattice(size, stride), Solve(range(i, i + 1))) for i in range(steps))
    counts = [len(need.rows) for need in cone(layers, Window(at, at + side, 0, 1))]
    overlap = -(-size // stride) - 1
    assert counts == [counts[-1] + 2 * overlap * j for j in reversed(range(steps))]


def test_a_layer_on_a_finer_plane_reads_whole_pixels_of_the_coarser_one() -> None:
    decoder = Layer(Lattice(32, 24), Decode(zoom=4, halo=8))
    solver = Layer(Lattice(8, 6), SOLVE)
    needs = cone((solver, decoder), Window(100, 101, -7, 30))
    assert needs[1].hull == Window(72, 104 + 24, -24, 56)
    assert needs[0].window == Window((72 - 8) // 4, (128 + 8) // 4, (-24 - 8) // 4, (56 + 8) // 4)
    assert needs[0].hull.contains(needs[0].window)


def test_a_turn_names_every_tile_once() -> None:
    layer = Layer(Lattice(32, 24), SOLVE, turn=4)
    need = layer.need(Window(0, 24, -37, 300))
    assert len([*need.indices]) > need.tiles == 2 * 4
    assert {layer.canonical(index) for index in need.indices} == {(y, x) for y in (-1, 0) for x in range(4)}


@pytest.mark.parametrize("profile", ["hann", "linear", "gaussian", "uniform"])
@pytest.mark.parametrize("origin", [(0, 0), (-5, 3)])
def test_a_constant_stays_one_beyond_the_outermost_tiles(profile: str, origin: tuple[int, int]) -> None:
    layer = Layer(Lattice(12, 5, origin), SOLVE, profile, rows=range(-1, 3), columns=range(2, 6))
    whole = layer.lattice.cover(layer.rows, layer.columns)
    blended = blend(layer.need(whole))
    np.testing.assert_allclose(blended, 3.0, rtol=3e-6)


def blend(need: Need) -> np.ndarray:
    lattice = need.layer.lattice
    weights = tile_weights(lattice.size, lattice.stride, need.layer.profile)
    threes = np.full((2, lattice.size, lattice.size), 3, np.float32)
    tiles = [(lattice.window(index), threes) for index in need.indices]
    return need.settle_edges(fuse(tiles, weights, need.window))


def test_edges_change_nothing_where_all_tiles_exist() -> None:
    bounded = Layer(Lattice(12, 5), SOLVE, rows=range(0, 9), columns=range(0, 9))
    inner = Window(7, 45, 7, 45)
    assert (blend(bounded.need(inner)) == blend(Layer(Lattice(12, 5), SOLVE).need(inner))).all()
    outer = bounded.need(Window(0, 20, 0, 20))
    assert (blend(outer)[:, 7:, 7:] == blend(bounded.need(Window(7, 20, 7, 20)))).all()


def test_edges_are_the_same_in_every_window() -> None:
    layer = Layer(Lattice(12, 5), SOLVE, rows=range(0, 3), columns=range(-2, 4))
    rng = np.random.default_rng(1)
    whole = Window(0, 22, -10, 27)
    tiles = {i: rng.standard_normal((1, 12, 12)).astype(np.float32) for i in layer.need(whole).indices}

    def drawn(window: Window) -> np.ndarray:
        need = layer.need(window)
        parts = [(layer.lattice.window(i), tiles[i]) for i in need.indices]
        return need.settle_edges(fuse(parts, tile_weights(12, 5, "hann"), window))

    reference = drawn(whole)
    for part in (Window(0, 1, -10, -9), Window(3, 9, -4, 20), Window(21, 22, 0, 27)):
        assert (drawn(part) == reference[:, *part.slices(whole)]).all()


def test_shifting_a_layer_shifts_its_tiles() -> None:
    layer = Layer(Lattice(12, 5, (1, 2)), SOLVE, rows=range(3), columns=range(3))
    here, there = layer.need(Window(3, 9, 4, 8)), layer.shift(100, -7).need(Window(103, 109, -3, 1))
    assert [*here.indices] == [*there.indices]
    assert there.hull == here.hull.shift(100, -7)
