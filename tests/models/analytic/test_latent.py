import numpy as np
import pytest

from geoinfinite.diffusion.model import Cond
from geoinfinite.models.analytic.latent import (
    CHANNELS,
    HALO,
    LATENT,
    LENGTHS,
    LatentModel,
    LatentPlanetModel,
    LatentTiles,
    block_code,
    expand_code,
    project_code,
)
from geoinfinite.models.analytic.stationary import axis_modes

ROWS, COLUMNS = 9, 12
MARGIN = LatentModel.FACTS.margin


def code(tiles: int = 1) -> np.ndarray:
    """Draw codes from their prior."""
    rng, channels = np.random.default_rng(3), []
    for length in LENGTHS:
        rows, row_power = axis_modes(ROWS, length)
        columns, column_power = axis_modes(COLUMNS, length)
        white = rng.normal(size=(tiles, ROWS, COLUMNS)) * np.sqrt(np.outer(row_power, column_power))
        channels.append(rows.T @ white @ columns)
    return np.stack(channels, 1).astype(np.float32)


def parent() -> np.ndarray:
    y, x = np.mgrid[: ROWS + 2 * MARGIN, : COLUMNS + 2 * MARGIN]
    return np.stack([0.4 * np.sin(y), 0.02 * x, 0.3 * np.cos(y * x)])[None].astype(np.float32)


def bound(y: slice = slice(0, ROWS), x: slice = slice(0, COLUMNS)) -> LatentTiles:
    ground = parent()[..., y.start : y.stop + 2 * MARGIN, x.start : x.stop + 2 * MARGIN]
    return LatentModel().bind(Cond(ground, 100.0))


def test_the_block_code_is_orthonormal() -> None:
    np.testing.assert_allclose(block_code() @ block_code().T, np.eye(CHANNELS), atol=1e-6)
    z = code()
    assert expand_code(z).shape == (1, 3, ROWS * LATENT, COLUMNS * LATENT)
    np.testing.assert_allclose(project_code(expand_code(z)), z, atol=1e-5)


def test_blocks_lie_where_their_code_does() -> None:
    z = np.zeros((1, CHANNELS, ROWS, COLUMNS), np.float32)
    z[0, 2, 4, 7] = 1
    drawn = np.argwhere(expand_code(z)[0].any(0))
    assert drawn.min(0).tolist() == [16, 28]
    assert drawn.max(0).tolist() == [19, 31]
    slope = expand_code(z)[0, 0, 16, 28:32]
    assert slope[0] == -slope[3] > 0


def cropped(halo: int) -> tuple[np.ndarray, np.ndarray]:
    """Decode some tiles of a code with a halo in pixels, and crop the same pixels from the whole."""
    y, x, wide = slice(2, 6), slice(3, 9), halo // LATENT
    whole = bound().image(code())[..., 4 * y.start : 4 * y.stop, 4 * x.start : 4 * x.stop]
    y, x = slice(y.start - wide, y.stop + wide), slice(x.start - wide, x.stop + wide)
    tile = bound(y, x).image(code()[..., y, x])
    inner = slice(halo, -halo or None)
    return tile[..., inner, inner], whole


def test_a_tile_decoded_with_its_halo_is_the_crop_of_the_whole() -> None:
    np.testing.assert_array_equal(*cropped(HALO))


def test_a_tile_decoded_without_a_halo_is_not() -> None:
    tile, whole = cropped(0)
    assert np.abs(tile - whole).max() > 0.02
    np.testing.assert_array_equal(tile[..., 2:-2, 2:-2], whole[..., 2:-2, 2:-2])


@pytest.mark.parametrize("told", [True, False])
def test_encoding_comes_near_the_code_and_nearer_the_image(told: bool) -> None:
    tiles = bound() if told else LatentPlanetModel().bind(Cond(None, 100.0))
    image = tiles.image(code())
    again = tiles.encode(image)
    assert np.corrcoef(again.ravel(), code().ravel())[0, 1] > 0.95
    assert np.abs(tiles.image(again) - image).mean() < 0.1 * image.std()
    shift = np.full_like(image, 0.05)
    assert np.abs(tiles.encode(image + shift) - again)[:, 0].mean() > 0.02


def test_without_a_code_the_image_is_the_parent_smoothly_enlarged() -> None:
    image = bound().image(np.zeros((1, CHANNELS, ROWS, COLUMNS), np.float32))
    means = image.reshape(1, 3, ROWS, 4, COLUMNS, 4).mean((3, 5))
    inner = parent()[..., MARGIN:-MARGIN, MARGIN:-MARGIN]
    assert np.corrcoef(means.ravel(), inner.ravel())[0, 1] > 0.98


def test_the_denoiser_shrinks_codes_of_long_correlation_least() -> None:
    x = np.full((1, CHANNELS, 16, 16), 0.5, np.float32)
    kept = bound().denoise(x, 3.0).mean((0, 2, 3))
    assert kept[0] > kept[3] > kept[1] == kept[2]
