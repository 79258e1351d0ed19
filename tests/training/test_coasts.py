"""Coasts of three places: sea where water is told, land elsewhere, none where there is water already."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from training.crops import Crops
from training.learner import SETTINGS
from training.scene import Scene
from training_scenes import scene, smooth

from training import coasts

SEA_RED, BLUE = 7, 40
HALF_A_COUNT = 0.5


def globe(least_row: int = 200) -> Scene:
    """Water below a row that falls to the right, a red that only the sea has, and one blue everywhere."""
    pixels = smooth(400, 520, 3)
    rows, columns = torch.arange(400)[:, None], torch.arange(520)[None]
    wet = rows > least_row + columns // 7
    pixels[0][wet], pixels[2] = SEA_RED, BLUE
    return scene("blue-marble", pixels, water=(wet * 255).to(torch.uint8), gsd_m=7421.0)


def test_a_mixed_pixel_has_the_share_of_both() -> None:
    land, sea = torch.zeros(5, 4, 6), torch.arange(72.0).reshape(3, 4, 6)
    land[:3] = 200 - 2 * torch.arange(72.0).reshape(3, 4, 6)
    water = torch.tensor([0.0, 51.0, 128.0, 255.0])[:, None].expand(4, 6)
    found = coasts.coast(land, sea, water)
    share = np.array([0, 0.2, 128 / 255, 1])[:, None]
    expected = land[:3].numpy() * (1 - share) + sea.numpy() * share
    assert np.abs(found[:3].numpy() - expected).max() <= HALF_A_COUNT
    assert torch.equal(found[3], water)
    assert torch.equal(found[4], torch.ones(4, 6))


@pytest.mark.parametrize("span", [coasts.SEA, coasts.COAST])
def test_a_window_has_so_much_water(span: tuple[float, float]) -> None:
    layer = next(iter(globe().layers()))
    allowed = torch.zeros(300, 400, dtype=torch.bool)
    allowed[60:, 100:] = True
    generator = torch.Generator().manual_seed(1)
    assert layer.water is not None
    for _ in range(8):
        found = coasts.window(layer, allowed, 60, span, generator)
        assert found is not None
        rows, columns = found
        assert rows.start >= 60
        assert columns.start >= 100
        assert layer.water[found].shape == (60, 60)
        wet = float((layer.water[found] > 0).double().mean())
        assert span[0] - 0.02 <= wet <= span[1] + 0.02


def test_no_window_is_found_where_there_is_no_water() -> None:
    layer, generator = next(iter(globe(least_row=1000).layers())), torch.Generator().manual_seed(1)
    assert coasts.window(layer, torch.ones(300, 400, dtype=torch.bool), 60, coasts.SEA, generator) is None


def test_crops_of_sources_without_water_get_coasts() -> None:
    land = scene("landsat", smooth(300, 420, 8) // 2 + 60)
    crops = Crops([globe(), land], SETTINGS, torch.Generator().manual_seed(4))
    region = crops.region(120, 80)
    # Labels do not tell them, for the globe's crops may have any.
    others = region.picture[:, 2].flatten(1).std(1) > 0.01
    told = region.water[:, 1, 0, 0] == 1
    assert 5 < int((others & told).sum()) < 0.4 * int(others.sum())
    for picture, water in zip(region.picture[others & told], region.water[others & told], strict=True):
        red = (picture[0] + 1) * 127.5
        # The raster that tells it may have cells of 16 px, which keep means but for what the edge cuts off.
        assert float((red - SEA_RED < 1).double().mean()) == pytest.approx(
            float(water[0].mean() + 1) / 2, abs=0.1
        )


def test_plain_crops_have_none() -> None:
    land = scene("landsat", smooth(300, 420, 8) // 2 + 60)
    region = Crops([globe(), land], SETTINGS, torch.Generator().manual_seed(4), plain=True).region(60, 80)
    assert float(region.water[region.gsd_m < 1000].abs().max()) == 0


@pytest.mark.parametrize(("source", "is_told"), [("blue-marble", True), ("blue-marble-fine", False)])
def test_water_that_pictures_do_not_follow_is_not_told(source: str, is_told: bool) -> None:
    # Stripes: no window is all sea, so that no coast can be put together.
    water = (torch.arange(420) % 20 < 10).expand(300, 420).to(torch.uint8) * 255
    marble = scene(source, smooth(300, 420, 5), water=water, gsd_m=700.0)
    region = Crops([marble], SETTINGS, torch.Generator().manual_seed(4)).region(30, 80)
    assert bool((region.water[:, 1] == 1).any()) == is_told


def test_a_picture_with_a_shore_of_its_own_is_left_alone() -> None:
    channels = torch.zeros(5, 40, 40)
    channels[4] = 1
    assert coasts.is_dry(channels)
    channels[3, :, :2] = 255
    assert not coasts.is_dry(channels)
    channels[4] = 0
    assert coasts.is_dry(channels)
