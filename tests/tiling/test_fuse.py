import numpy as np

from geoinfinite.plane.window import Window
from geoinfinite.tiling import Lattice, fuse, tile_weights

LATTICE = Lattice(32, 24)
WEIGHTS = tile_weights(32, 24, "hann")


def field(window: Window) -> np.ndarray:
    y, x = np.mgrid[window.y0 : window.y1, window.x0 : window.x1]
    return np.stack([np.sin(0.7 * y) * x, np.cos(0.3 * x + y)]).astype(np.float32)


def tiles(window: Window, noisy: bool = False):
    for index in LATTICE.touching(window):
        where = LATTICE.window(index)
        jitter = np.random.default_rng([k % 1000 for k in index]).normal(size=(2, 32, 32)) if noisy else 0
        yield where, (field(where) + jitter).astype(np.float32)


def test_tiles_that_agree_fuse_to_the_field() -> None:
    window = Window(-37, 61, 1000, 1043)
    np.testing.assert_allclose(fuse(tiles(window), WEIGHTS, window), field(window), rtol=1e-5, atol=1e-4)


def test_any_window_is_the_crop_of_a_larger_one_bit_for_bit() -> None:
    big = Window(-50, 70, -33, 91)
    whole = fuse(tiles(big, noisy=True), WEIGHTS, big)
    for small in [Window(-50, -49, -33, -32), Window(-1, 30, 7, 55), Window(23, 25, -2, 91)]:
        y, x = small.slices(big)
        assert (fuse(tiles(small, noisy=True), WEIGHTS, small) == whole[:, y, x]).all()
