from pathlib import Path

import numpy as np
import pytest
import small_worlds
from drawings import on_parent
from scipy import ndimage

from geoinfinite.engine import generate
from geoinfinite.engine.parent_pixels import read_extended, within_grid
from geoinfinite.errors import ModelError, WindowError
from geoinfinite.models import reference
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Numerics, Recipe


def test_level_zero_is_the_root(patch: Recipe) -> None:
    window = Window(3, 9, 4, 20)
    assert (generate(patch, 0, window) == small_worlds.revealing(20, 28)[:, 3:9, 4:20]).all()


def test_a_deeper_level_looks_like_its_parent(patch: Recipe) -> None:
    child = generate(patch, 1, patch.grid.full(1)).astype(float)
    parent = small_worlds.revealing(20, 28).astype(float)
    for flipped in (parent[:, ::-1], parent[:, :, ::-1], parent[::-1]):
        right = np.abs(child - ndimage.zoom(parent, (1, 4, 4), order=0)).mean()
        assert right < np.abs(child - ndimage.zoom(flipped, (1, 4, 4), order=0)).mean() / 2


def test_levels_add_detail(patch: Recipe) -> None:
    child = generate(patch, 1, Window(24, 60, 24, 60)).astype(float)
    blocks = child.reshape(3, 9, 4, 9, 4)
    assert blocks.std((2, 4)).mean() > 3


@pytest.mark.parametrize("window", [Window(-1, 3, 0, 3), Window(0, 3, 0, 113), Window(79, 81, 0, 1)])
def test_pixels_that_the_grid_does_not_have(patch: Recipe, window: Window) -> None:
    with pytest.raises(WindowError, match="reaches outside the grid, whose bounds are"):
        generate(patch, 1, window)


@pytest.mark.parametrize("level", [0, 2])
def test_an_empty_window_is_an_empty_array(patch: Recipe, level: int) -> None:
    drawn = generate(patch, level, Window(3, 3, 4, 9))
    assert (drawn.shape, drawn.dtype) == ((3, 0, 5), np.uint8)


def test_a_model_that_returns_nonsense_is_an_error_not_black_pixels(
    patch: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(reference.ANALYTIC, "analytic:broken", "odd_models:Broken")
    patch = patch.replace(model="analytic:broken")
    with pytest.raises(ModelError, match="returned values that are not finite at level 1"):
        generate(patch, 1, Window(0, 8, 0, 8))


def test_cuda_without_a_device_says_so() -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(ModelError, match="torch sees no CUDA device"):
        ModelReference("bundled:earth-small").load("cuda")


def test_micro_batches_change_bits_at_most(patch: Recipe) -> None:
    window = Window(10, 60, 20, 90)
    one = generate(patch, 1, window).astype(int)
    other = generate(patch.replace(numerics=Numerics(micro_batch=5)), 1, window).astype(int)
    assert np.abs(one - other).max() <= 1


def test_float_worlds_are_drawn_too(tmp_path: Path) -> None:
    values = small_worlds.revealing(20, 28).astype(np.float32) / 255
    plain = small_worlds.patch_world(tmp_path)
    small_worlds.write_root(Path(plain.root.source), values, plain.grid.crs, plain.grid.origin, 300.0)
    world = plain.replace(dtype="float32")
    child = generate(world, 1, Window(0, 40, 8, 60))
    assert child.dtype == np.float32
    means = child.reshape(3, 10, 4, 13, 4).mean((2, 4))
    np.testing.assert_allclose(means, values[:, :10, 2:15], atol=1e-6)


def position(window: Window) -> np.ndarray:
    y, x = np.mgrid[window.y0 : window.y1, window.x0 : window.x1]
    return (1000 * y + x % 24)[None]


def test_reading_past_the_edges_repeats_the_last_pixel_and_wraps_round_the_earth(
    ring: Recipe, patch: Recipe
) -> None:
    beyond = read_extended(position, ring.grid, 0, Window(-2, 14, -3, 30))
    rows = np.arange(-2, 14).clip(0, 11) * 1000
    columns = np.arange(-3, 30) % 24
    assert (beyond[0] == np.add.outer(rows, columns)).all()
    beyond = read_extended(position, patch.grid, 0, Window(15, 24, -3, 5))
    rows = np.arange(15, 24).clip(0, 19) * 1000
    assert (beyond[0] == np.add.outer(rows, np.arange(-3, 5).clip(0, 27))).all()


def test_within_the_grid_is_what_must_be_read(ring: Recipe, patch: Recipe) -> None:
    assert within_grid(ring.grid, 0, Window(-2, 14, -3, 30)) == Window(0, 12, -3, 21)
    assert within_grid(patch.grid, 0, Window(-2, 14, -3, 30)) == Window(0, 14, 0, 28)


def test_drawing_reads_only_the_parent_window_that_it_needs(patch: Recipe) -> None:
    asked: list[Window] = []

    def read(window: Window) -> np.ndarray:
        asked.append(window)
        return patch.root.read(window)

    on_parent(patch, 1, Window(48, 56, 72, 80), read)
    assert asked == [Window(4, 20, 10, 28)]
