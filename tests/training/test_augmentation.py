"""How crops are changed: noise of parents, colours of the land, heights that are there to be squashed."""

from __future__ import annotations

import pytest
import torch
from torch import Generator
from training_scenes import rough, scene

from training import augmentation


def seeded(seed: int = 5) -> Generator:
    return Generator().manual_seed(seed)


def test_three_in_ten_parents_have_noise_and_none_is_blurred() -> None:
    rows, columns = torch.meshgrid(torch.arange(20), torch.arange(24), indexing="ij")
    chequered = (200.0 * ((rows + columns) % 2) + 20) / 127.5 - 1
    parent = chequered.expand(400, 3, 20, 24)
    change = augmentation.noisy(parent, seeded()) - parent
    deviation = change.std((1, 2, 3))
    assert float((deviation > 1e-5).float().mean()) == pytest.approx(augmentation.NOISY_SHARE, abs=0.07)
    assert float(deviation.max()) == pytest.approx(augmentation.MOST_NOISE, rel=0.1)
    # A blur would take contrast away from the squares.
    contrast = (change * (2.0 * ((rows + columns) % 2) - 1)).mean((1, 2, 3))
    assert float(contrast.abs().max()) < 0.1 * augmentation.MOST_NOISE


def test_colours_are_those_of_land_that_is_neither_dark_nor_bright() -> None:
    pixels = torch.full((3, 200, 300), 90, dtype=torch.uint8)
    pixels[:, :50], pixels[:, 50:100] = 5, 250
    water = torch.zeros(200, 300, dtype=torch.uint8)
    pixels[:, 100:150], water[100:150] = 60, 255
    colours = augmentation.colours_of_land(scene("blue-marble", pixels, water=water))
    assert torch.equal(colours, torch.full((len(colours), 3), 90.0))
    assert len(colours) > 100


def test_a_colour_moves_the_mean_and_keeps_the_picture() -> None:
    picture = rough(60, 80, 3).float() / 4 + 90
    other = torch.tensor([[140.0, 70.0, 100.0]])
    moved = augmentation.recoloured(picture, other, seeded())
    own, mean = picture.mean((1, 2)), moved.mean((1, 2))
    share = (mean - own) / (other[0] - own)
    assert float(share.min()) > 0
    assert float(share.max()) < 1
    assert float(share.max() - share.min()) < 0.05
    gain = moved.std((1, 2)) / picture.std((1, 2))
    assert float(gain.min()) > 0.69
    assert float(gain.max() - gain.min()) < 0.02


@pytest.mark.parametrize("turn", [0, 1])
def test_a_crop_is_squashed_from_rows_that_are_there(turn: int) -> None:
    layer = next(scene("landsat", rough(700, 640, 2)).layers())
    found = {augmentation.squashed(layer, (10, 20), 100, turn, seeded(seed)) for seed in range(20)}
    assert max(found) > 200
    # The layer ends 110 px below and right of another corner, too early for most heights.
    ends = (590, 530)
    near = [augmentation.squashed(layer, ends, 100, turn, seeded(seed)) for seed in range(20)]
    assert max(near) <= 110
    assert near.count(100) > 10
