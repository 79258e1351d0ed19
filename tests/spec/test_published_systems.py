"""Window law of published systems: from their published layout through conversion, on latents and pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawings import caching
from published_worlds import GROUNDS, SYSTEMS, checkpoint, world

from geoinfinite.engine import generate, resolve
from geoinfinite.engine.layer_drawing import LayerDrawing
from geoinfinite.plane.window import Window


@pytest.fixture(scope="module", params=SYSTEMS)
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def model(system: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoint(system, tmp_path_factory.mktemp(system))


@pytest.mark.parametrize("place", GROUNDS)
def test_windows_agree_where_they_overlap(system: str, model: Path, tmp_path: Path, place: str) -> None:
    # Floats hold what latents become to the last bit; bytes would hide differences.
    steered = world(system, model, tmp_path, place).replace(dtype="float32")
    middle = GROUNDS[place]().middle_pixel
    row, column = middle
    one = Window(row - 29, row + 8, column - 17, column + 24)
    other = Window(row - 6, row + 19, column - 31, column + 9)
    both = one.intersect(other)
    first, second = (generate(steered, 0, window, resources=caching(None)) for window in (one, other))
    np.testing.assert_array_equal(first[:, *both.slices(one)], second[:, *both.slices(other)])
    assert first.std() > 0.01


@pytest.mark.parametrize("place", GROUNDS)
def test_latents_agree_where_windows_overlap(system: str, model: Path, tmp_path: Path, place: str) -> None:
    level = resolve(world(system, model, tmp_path, place), 0)
    *solving, _ = level.drawn.layers
    row, column = (pixel // level.drawn.facts.latent for pixel in GROUNDS[place]().middle_pixel)
    one = Window(row - 9, row + 4, column - 7, column + 12)
    other = Window(row - 2, row + 9, column - 11, column + 5)
    both = one.intersect(other)
    drawing = [LayerDrawing(level, caching(None)) for _ in range(2)]
    first, second = (
        next(d.fused(tuple(solving), [w], [None])) for d, w in zip(drawing, (one, other), strict=True)
    )
    np.testing.assert_array_equal(first[:, *both.slices(one)], second[:, *both.slices(other)])
    assert first.std() > 0.1
