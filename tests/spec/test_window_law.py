"""Window law: a pixel is a pure function of (recipe, level, row, column), bit for bit."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import small_worlds
from drawings import UNCACHED, caching
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geoinfinite.engine import generate
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.tiling import MemoryTileCache

MAKERS = [small_worlds.patch_world, small_worlds.ring_world]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("level", [0, 1, 2])
def test_any_window_is_the_crop_of_the_whole(tmp_path: Path, make, level: int) -> None:
    world = make(tmp_path)
    whole = world.grid.full(level)
    reference = generate(world, level, whole, resources=UNCACHED)

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def check(data: st.DataObject) -> None:
        y0 = data.draw(st.integers(0, whole.y1 - 1))
        x0 = data.draw(st.integers(0, whole.x1 - 1))
        y1 = data.draw(st.integers(y0 + 1, min(y0 + 70, whole.y1)))
        x1 = data.draw(st.integers(x0 + 1, min(x0 + 70, whole.x1)))
        cache = data.draw(st.sampled_from([None, MemoryTileCache(2**18), MemoryTileCache(2**26)]))
        drawn = generate(world, level, Window(y0, y1, x0, x1), resources=caching(cache))
        assert (drawn == reference[:, y0:y1, x0:x1]).all()

    check()


@pytest.mark.parametrize("level", [0, 1, 2])
def test_the_earth_is_round(ring: Recipe, level: int) -> None:
    columns = ring.grid.shape_at(level)[1]
    left, right = columns // 3, columns // 4
    east = generate(ring, level, Window(3, 12, columns - left, columns), resources=UNCACHED)
    west = generate(ring, level, Window(3, 12, 0, right), resources=UNCACHED)
    for turn in (-2, 0, 1):
        shift = turn * columns
        across = generate(ring, level, Window(3, 12, shift - left, shift + right), resources=UNCACHED)
        assert (across == np.concatenate([east, west], axis=2)).all()


def test_the_antimeridian_is_no_seam(ring: Recipe) -> None:
    columns = ring.grid.shape_at(2)[1]
    around = generate(ring, 2, Window(0, 192, -96, columns - 96)).astype(float)
    root = ring.root.read(Window(0, 12, -6, 18)).astype(float)
    steps, root_steps = (np.abs(np.diff(pixels, axis=2)).mean((0, 1)) for pixels in (around, root))
    # How much of a step of the root is left where its two pixels meet; the sixth is the antimeridian.
    left = steps[15::16] / root_steps
    assert left[5] <= np.delete(left, 5).max()


def test_neither_order_nor_history_matters(patch: Recipe) -> None:
    windows = list(Window(20, 200, 33, 210).split(37))
    digest = {}
    for order in (windows, windows[::-1], windows[1::2] + windows[::2]):
        cache = MemoryTileCache(2**20)
        for window in order:
            pixels = generate(patch, 2, window, resources=caching(cache))
            digest.setdefault(window, set()).add(hashlib.sha256(pixels.tobytes()).hexdigest())
    assert all(len(d) == 1 for d in digest.values())


def test_seeds_and_names_make_other_worlds_that_keep_the_parent(patch: Recipe) -> None:
    window = Window(0, 40, 40, 80)
    one, two, three = (
        generate(w, 1, window) for w in (patch, patch.replace(seed=12), patch.replace(name="other"))
    )
    assert (one != two).mean() > 0.2
    assert (two != three).mean() > 0.2
    parent = patch.root.read(window.coarsen(4))
    for drawn in (one, two, three):
        means = drawn.reshape(3, 10, 4, 10, 4).mean((2, 4))
        assert (means == parent).all()


@pytest.mark.slow
def test_the_bundled_network_keeps_the_law() -> None:
    earth = worldfile.load("earth", Recipe)
    turn, y0 = earth.grid.shape_at(2)[1], 46 * earth.sampler.stride - 10
    # Over the corner of four tiles, on the antimeridian.
    big, small = Window(y0, y0 + 30, turn - 10, turn + 10), Window(y0 + 5, y0 + 20, turn - 2, turn + 9)
    reference = generate(earth, 2, big, resources=UNCACHED)
    for part in (small, Window(y0 + 29, y0 + 30, turn - 10, turn - 9)):
        y, x = part.slices(big)
        assert (generate(earth, 2, part, resources=UNCACHED) == reference[:, y, x]).all()
    again = generate(earth, 2, Window(y0 + 5, y0 + 20, -2, 9), resources=UNCACHED)
    assert (again == reference[:, 5:20, 8:19]).all()
