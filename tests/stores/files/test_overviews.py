"""Overviews are means of the pixels, rounded once: the coarser levels themselves where blocks agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import rio_cogeo
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geoinfinite.engine import generate
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.files.cog import write_cog
from geoinfinite.stores.files.overviews import block_means, overview_factors
from geoinfinite.stores.planning import plan_window


def test_an_overview_is_the_parent_level(patch: Recipe, tmp_path: Path) -> None:
    window = Window(64, 1184, 32, 1090)
    write_cog(plan_window(patch, 3, window), tmp_path / "a.tif")
    with rasterio.open(tmp_path / "a.tif", overview_level=1) as file:
        overview = file.read()
    parent = generate(patch, 2, Window(16, 296, 8, 273))
    # The last column of blocks is cut off, and has no pixel of the parent.
    assert overview.shape == parent.shape
    assert (overview[:, :, :-1] == parent[:, :, :-1]).all()
    assert not (overview[:, :, -1] == parent[:, :, -1]).all()


def test_the_least_overview_fits_a_block(patch: Recipe, tmp_path: Path) -> None:
    write_cog(plan_window(patch, 3, Window(7, 1200, 3, 1703)), tmp_path / "a.tif")
    assert rio_cogeo.cog_validate(tmp_path / "a.tif", strict=True, quiet=True) == (True, [], [])
    with rasterio.open(tmp_path / "a.tif") as file:
        assert file.overviews(1) == [2, 4]
        pixels = file.read(2).astype(float)
    with rasterio.open(tmp_path / "a.tif", overview_level=1) as file:
        overview = file.read(2)
    assert overview.shape == (299, 425)
    for row, column in ((0, 0), (255, 256), (256, 255), (298, 424), (297, 100)):
        block = pixels[4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        assert overview[row, column] == np.rint(block.mean())


@pytest.mark.parametrize(
    ("shape", "factors"),
    [((512, 512), []), ((1, 513), [2]), ((1025, 3), [2, 4]), ((10**7, 9), [2**k for k in range(1, 11)])],
)
def test_there_are_overviews_until_one_fits(shape: tuple[int, int], factors: list[int]) -> None:
    assert overview_factors(shape, smallest=512, part=1024) == factors


@given(
    st.sampled_from([np.uint8, np.uint16]).flatmap(
        lambda dtype: arrays(dtype, st.tuples(st.integers(1, 19), st.integers(1, 19)))
    )
)
def test_means_are_of_the_pixels_that_are_there(pixels: np.ndarray) -> None:
    for factor, means in zip((2, 4, 8), block_means(pixels, [2, 4, 8]), strict=True):
        assert means.dtype == pixels.dtype
        for (row, column), mean in np.ndenumerate(means):
            block = pixels[row * factor : (row + 1) * factor, column * factor : (column + 1) * factor]
            assert mean == np.rint(block.astype(np.float64).mean())


def test_means_of_floats_are_not_rounded() -> None:
    (means,) = block_means(np.array([[0.25, 0.5, 1.0]], np.float32), [2])
    assert means.tolist() == [[0.375, 1.0]]
