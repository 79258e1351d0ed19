"""The closed-form conditional models: means by what is told, guided in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from geoinfinite.diffusion.model import Cond
from geoinfinite.models.analytic.conditional import (
    BANDS,
    DEVIATION,
    LENGTHS_OF_CODE,
    LENGTHS_PX,
    ConditionalLatentModel,
    ConditionalModel,
    colour_of,
    roughness_of,
    shift_of,
    spread,
)
from geoinfinite.models.analytic.latent import project_code

ROWS, COLUMNS = 12, 16


def field(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def posterior_mean(
    x: np.ndarray, mean: np.ndarray, deviation: float, length: float, sigma: float
) -> np.ndarray:
    """E[x0 | x] of one channel by dense algebra in double precision."""
    rows, columns = (np.exp(-np.abs(np.subtract.outer(np.arange(n), np.arange(n))) / length) for n in x.shape)
    prior = deviation**2 * np.kron(rows, columns)
    gain = prior @ np.linalg.inv(prior + sigma**2 * np.eye(len(prior)))
    away = (x.astype(float) - mean).ravel()
    return mean + (gain @ away).reshape(x.shape)


@pytest.mark.parametrize("sigma", [0.02, 0.3, 9.0])
def test_pixels(sigma: float) -> None:
    x, hints = field(2, BANDS, ROWS, COLUMNS), field(2, BANDS, ROWS, COLUMNS, seed=1)
    facts = np.array([12.5, 47.0, 0.4]), np.array([-170.0, -30.0, np.nan])
    told = {"prompt": ("a wood", None), "hint": tuple(hints), "metadata": facts}
    found = ConditionalModel().bind(Cond(None, 10.0, told, {"hint": 0.5})).denoise(x, sigma)
    for tile, words in enumerate(("a wood", None)):
        colour = colour_of(words) + shift_of(facts[tile])
        for band in range(BANDS):
            mean = colour[band] + 0.5 * hints[tile, band].astype(float)
            deviation = DEVIATION * roughness_of(facts[tile])
            wanted = posterior_mean(x[tile, band], mean, deviation, LENGTHS_PX[band], sigma)
            np.testing.assert_allclose(found[tile, band], wanted, atol=5e-6)


def test_clouds_smooth_and_places_shift() -> None:
    assert roughness_of(None) == roughness_of(np.array([0, 0, np.nan])) == 1
    assert roughness_of(np.array([0, 0, 1.0])) == 0.25
    np.testing.assert_allclose(shift_of(np.array([180.0, -90.0, 0.5])), [0.1, -0.1, 0])
    np.testing.assert_array_equal(shift_of(np.array([np.nan, np.nan, 0.5])), np.zeros(3))


def test_codes() -> None:
    x, hint = field(1, 4, 5, 6), field(BANDS, 20, 24, seed=1)
    bound = ConditionalLatentModel().bind(Cond(None, 10.0, {"prompt": ("a wood",), "hint": (hint,)}))
    mean = project_code(colour_of("a wood")[None, :, None, None] + hint[None])[0].astype(float)
    found = bound.denoise(x, 0.3)
    for channel, length in enumerate(LENGTHS_OF_CODE):
        wanted = posterior_mean(x[0, channel], mean[channel], DEVIATION, length, 0.3)
        np.testing.assert_allclose(found[0, channel], wanted, atol=5e-6)


@pytest.mark.parametrize("cells", [1, 2, 5])
def test_vectors_are_spread_linearly_between_their_middles(cells: int) -> None:
    vectors = field(3, cells, cells)
    rows, columns = ((np.arange(n) + 0.5) * cells / n - 0.5 for n in (ROWS, COLUMNS))
    at = np.meshgrid(rows.clip(0, cells - 1), columns.clip(0, cells - 1), indexing="ij")
    wanted = [map_coordinates(channel.astype(float), at, order=1) for channel in vectors]
    np.testing.assert_allclose(spread(vectors, ROWS, COLUMNS), wanted, atol=1e-6)


def test_texts_have_colours_of_their_own() -> None:
    texts = ["a wood", "a Wood", "wood", "Wälder", "a wood "]
    assert len({tuple(colour_of(text).tolist()) for text in texts}) == len(texts)
    assert (colour_of("") == colour_of(None)).all()


def test_a_model_of_codes_decodes_what_it_encodes() -> None:
    bound = ConditionalLatentModel().bind(Cond(None, 10.0))
    code = field(1, 4, 8, 9)
    image = bound.image(code)
    assert image.shape == (1, BANDS, 32, 36)
    inner = np.s_[:, :, 2:-2, 2:-2]
    away = bound.image(bound.encode(image)) - image
    assert away[inner].std() < 0.05 * image.std()
