from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import brentq

from geoinfinite.errors import WorldError
from geoinfinite.plane.quantise import BRIGHT_END, DARK_END, Encoding


@st.composite
def parents_and_details(draw: st.DrawFn) -> tuple[str, int, np.ndarray, np.ndarray]:
    dtype = draw(st.sampled_from(["uint8", "uint16"]))
    factor = draw(st.sampled_from([2, 3, 4]))
    shape = draw(st.tuples(st.integers(1, 2), st.integers(1, 4), st.integers(1, 5)))
    top = int(np.iinfo(dtype).max)
    value = st.one_of(st.integers(0, top), st.sampled_from([0, 1, 2, top - 1, top]))
    parent = draw(hnp.arrays(dtype, shape, elements=value))
    fine = (shape[0], shape[1] * factor, shape[2] * factor)
    spread = draw(st.sampled_from([0.0, 0.003, 0.1, 3.0]))
    seed = draw(st.integers(0, 2**32 - 1))
    x = np.random.default_rng(seed).normal(size=fine).astype(np.float32) * np.float32(spread)
    return dtype, factor, parent, x


def limits(mean: Any) -> tuple[Any, Any]:
    """The least and the greatest value of a block with a mean, all as shares of the range."""
    (dark, dark_left), (bright, bright_left) = DARK_END, BRIGHT_END
    return np.minimum(dark, dark_left * mean), 1 - np.minimum(bright, bright_left * (1 - mean))


def block_means(x: np.ndarray, factor: int) -> np.ndarray:
    bands, rows, columns = x.shape
    return x.reshape(bands, rows // factor, factor, columns // factor, factor).mean((2, 4), dtype=np.float64)


@settings(max_examples=200, deadline=None)
@given(parents_and_details())
def test_integer_levels_coarsen_to_their_parent_exactly(
    case: tuple[str, int, np.ndarray, np.ndarray],
) -> None:
    dtype, factor, parent, x = case
    settled = Encoding(dtype).settle(x, parent, factor)
    assert settled.dtype == dtype
    assert (block_means(settled, factor) == parent).all()


@settings(max_examples=50, deadline=None)
@given(parents_and_details())
def test_blocks_well_within_range_keep_detail(
    case: tuple[str, int, np.ndarray, np.ndarray],
) -> None:
    dtype, factor, parent, x = case
    encoding = Encoding(dtype)
    top = encoding.range[1]
    settled = encoding.settle(x, parent, factor).astype(np.float64)
    detail = (x.astype(np.float64) + 1) * top / 2
    wanted = detail - np.repeat(np.repeat(block_means(detail, factor) - parent, factor, 1), factor, 2)
    bands, rows, columns = wanted.shape
    fine = np.repeat(np.repeat(parent.astype(np.float64), factor, 1), factor, 2)
    least, most = limits(fine / top)
    least, most = least * top, most * top
    fits = ((wanted >= least) & (wanted <= most)).reshape(
        bands, rows // factor, factor, columns // factor, factor
    )
    inside = np.repeat(np.repeat(fits.all((0, 2, 4)), factor, 0), factor, 1)
    assert (np.abs(settled - wanted)[:, inside] <= 1 + top * 1e-5).all()


def four_generations_under(value: int) -> np.ndarray:
    """The 256 x 256 descendants of one pixel, with detail of 8 counts on every level."""
    detail = np.random.default_rng(5).normal(size=(4, 1, 256, 256)).astype(np.float32) / 16
    level = np.full((1, 1, 1), value, np.uint8)
    for generation in range(4):
        side = 4 ** (generation + 1)
        level = Encoding("uint8").settle(detail[generation, :, :side, :side], level, 4)
    return level


def test_descendants_of_bright_pixels_keep_detail() -> None:
    """Blocks without detail show as rectangles: without a reserve 59 % of these are flat."""
    level = four_generations_under(249)
    blocks = level.reshape(64, 4, 64, 4)
    assert (blocks.max((1, 3)) > blocks.min((1, 3))).all()
    assert (level == 255).mean() < 0.03


def test_descendants_of_dark_pixels_stay_off_black() -> None:
    """A pixel near black is a black rectangle below: without a reserve these are one in eight."""
    assert (four_generations_under(24) <= 3).mean() < 0.06


@settings(max_examples=60, deadline=None)
@given(
    st.floats(4, 250),
    st.floats(1, 60),
    st.integers(0, 2**32 - 1),
    st.sampled_from([2, 3, 4]),
)
def test_a_block_near_the_end_is_the_nearest_one_with_its_mean_between_its_limits(
    mean: float, spread: float, seed: int, factor: int
) -> None:
    """By squares; SciPy finds it as a quadratic programme would."""
    values = mean + np.random.default_rng(seed).normal(size=(factor, factor)) * spread
    settled = settled_block(values, mean)
    least, most = limits(mean / 255)
    np.testing.assert_allclose(settled, nearest_block(values, mean, 255 * least, 255 * most), atol=0.02)


def settled_block(values: np.ndarray, mean: float) -> np.ndarray:
    """One block in a world of floats, in counts of 255."""
    x = (values / 127.5 - 1).astype(np.float32)[None]
    parent = np.full((1, 1, 1), mean / 255, np.float32)
    return Encoding("float32").settle(x, parent, len(values))[0] * 255.0


def nearest_block(values: np.ndarray, mean: float, least: float, most: float) -> np.ndarray:
    def surplus(shift: float) -> float:
        return float((values + shift).clip(least, most).mean() - mean)

    return (values + brentq(surplus, -2000, 2000, xtol=1e-9)).clip(least, most)


def test_an_edge_between_ice_and_sea_stays_an_edge() -> None:
    """Pixels above the limit are held back there; the others do not lose their contrast for them."""
    values = np.full((4, 4), 243.0)
    values[0] = 40, 44, 52, 243
    settled = settled_block(values, float(values.mean()))
    assert np.ptp(settled[0]) > 150
    assert settled[1:].min() > settled[0, :3].max() + 130


def test_a_pixel_that_is_held_back_keeps_its_hue() -> None:
    """Forest beside snow, whose blue would be below black: by itself it would leave the snow yellow."""
    forest, snow = np.array([20.0, 30.0, -10.0]), np.array([235.0, 240.0, 230.0])
    values = np.broadcast_to(forest[:, None, None], (3, 4, 4)).copy()
    values[:, 1:3, 1:3] = snow[:, None, None]
    parent = values.mean((1, 2), keepdims=True)
    settled = Encoding("float32").settle(
        (values / 127.5 - 1).astype(np.float32), (parent / 255).astype(np.float32), 4
    )
    np.testing.assert_allclose(settled.mean((1, 2), keepdims=True) * 255, parent, atol=1e-3)
    lines = (settled * 255 - parent) / (values - parent)
    np.testing.assert_allclose(lines, np.broadcast_to(lines[:1], lines.shape), rtol=0.02)
    assert np.ptp(settled[1] * 255) > 110


@pytest.mark.parametrize("end", [0.0, 1.0])
def test_a_band_at_the_end_of_the_range_takes_no_contrast_from_the_others(end: float) -> None:
    x = (np.random.default_rng(9).normal(size=(2, 4, 4)) * 0.2).astype(np.float32)
    parent = np.array([0.5, end], np.float32)[:, None, None]
    settled = Encoding("float32").settle(x, parent, 4)
    np.testing.assert_allclose(settled[0], Encoding("float32").settle(x[:1], parent[:1], 4)[0])
    assert np.ptp(settled[0]) > 0.3
    assert (settled[1] == end).all()


@pytest.mark.parametrize("mean", [0.0, 0.4, 254.8, 255.0])
def test_contrast_far_beyond_the_range_leaves_the_mean(mean: float) -> None:
    values = np.random.default_rng(6).normal(size=(4, 4)) * 4000
    settled = settled_block(values, mean)
    np.testing.assert_allclose(settled.mean(), mean, atol=1e-4)
    assert settled.min() >= 0
    assert settled.max() <= 255


def test_float_levels_keep_means_to_rounding() -> None:
    rng = np.random.default_rng(3)
    parent = rng.uniform(0, 1, (2, 5, 7)).astype(np.float32)
    parent[0, 0] = 0
    parent[1, 2] = 1
    settled = Encoding("float32").settle(rng.normal(size=(2, 20, 28)).astype(np.float32), parent, 4)
    assert np.abs(block_means(settled, 4) - parent).max() < 1e-6
    assert settled.min() >= 0
    assert settled.max() <= 1


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_values_survive_the_way_there_and_back(dtype: str) -> None:
    values = np.linspace(0, np.iinfo(dtype).max, 999).astype(dtype)[None, None]
    assert (Encoding(dtype).settle(Encoding(dtype).to_unit(values)) == values).all()


def test_unknown_dtypes_are_refused() -> None:
    with pytest.raises(WorldError, match="dtype='int8' is not one of uint8, uint16, float32"):
        Encoding("int8")
