"""ZoomLDM at several scales: each level drawn to the one above it, or to a coarse image that is given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import grounds
import numpy as np
import pytest
from affine import Affine
from drawings import caching
from published import needs
from published_worlds import checkpoint, world

from geoinfinite import World
from geoinfinite.conditions import Place
from geoinfinite.engine import generate
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.recipe.root import Root

pytestmark = needs("zoomldm")
ONE, OTHER = Window(300, 312, 300, 316), Window(292, 308, 308, 324)
"""Windows of the finest level that overlap, of whole blocks of either factor."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoint("zoomldm", tmp_path_factory.mktemp("zoomldm"))


def at_two_scales(model: Path, folder: Path, factor: int, consistency: str) -> World:
    """A world whose finest level has pixels of 1 m, and the level above it of ``factor`` metres."""
    steered = world("zoomldm", model, folder, "zone edge")
    grid = Grid(steered.grid.crs, steered.grid.origin, factor, (640 // factor,) * 2, factor=factor, levels=2)
    sampler = replace(steered.sampler, consistency=consistency, steps=1)
    return steered.replace(grid=grid, sampler=sampler)


def coarsened(pixels: np.ndarray, factor: int) -> np.ndarray:
    bands, rows, columns = pixels.shape
    blocks = pixels.astype(float).reshape(bands, rows // factor, factor, columns // factor, factor)
    return blocks.mean(axis=(2, 4))


def test_a_level_is_drawn_to_the_one_above(model: Path, tmp_path: Path) -> None:
    steered = at_two_scales(model, tmp_path, 2, "guide")
    fine = generate(steered, 1, ONE, resources=caching(None))
    above = generate(steered, 0, ONE.coarsen(2), resources=caching(None))
    np.testing.assert_array_equal(coarsened(fine, 2), above)
    assert fine.std() > coarsened(fine, 2).std()


def test_four_times_finer_than_a_given_image(model: Path, tmp_path: Path) -> None:
    steered = at_two_scales(model, tmp_path, 4, "project")
    x, y = steered.grid.origin
    values = grounds.noise((3, 160, 160), seed=19)
    image = grounds.write(tmp_path / "coarse.tif", values, "EPSG:32632", Affine(4, 0, x, 0, -4, y))
    finer = steered.replace(root=Root(image))
    fine, other = (generate(finer, 1, window, resources=caching(None)) for window in (ONE, OTHER))
    both = ONE.intersect(OTHER)
    np.testing.assert_array_equal(fine[:, *both.slices(ONE)], other[:, *both.slices(OTHER)])
    np.testing.assert_array_equal(
        coarsened(fine, 4), values[:, *ONE.coarsen(4).slices(Window(0, 160, 0, 160))]
    )
    assert fine.std() > coarsened(fine, 4).std()


def test_each_scale_is_told_its_own_vectors(model: Path, tmp_path: Path) -> None:
    steered = at_two_scales(model, tmp_path, 2, "guide")
    (slot,), (condition,) = steered.model.facts().slots, steered.conditions
    for level, side in ((0, 2), (1, 1)):
        start = 128 * (level + 1)
        tile = Window(start, start + steered.sampler.tile, start, start + steered.sampler.tile)
        vectors = condition.told(Place(steered.grid, level, tile), slot)
        assert vectors is not None
        assert vectors.shape == (24, side, side)
