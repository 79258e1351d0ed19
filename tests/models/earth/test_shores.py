"""Shores where water is told: mixed pixels split, nothing added where water says nothing of colour."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from geoinfinite.models.earth.colours import Condition, condition, from_axes, residual
from geoinfinite.models.earth.network import DETAIL_LIMIT
from geoinfinite.models.earth.settings import EarthSettings
from geoinfinite.models.earth.shores import shore, with_shore

SETTINGS = EarthSettings(factor=4, margin=6, unshuffle=4, gain=0.8, floor=0.02)
FACTOR, MARGIN = 4, 24
SEA, LAND = torch.tensor([-0.8, -0.6, 0.1]), torch.tensor([0.2, 0.0, -0.4])


def wet(height: int = 112, width: int = 128) -> Tensor:
    """Where there is water (H, W): beside a bent line, without any symmetry."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return x + 9 * torch.sin(y / 13.0) > 0.6 * width - 0.2 * y


def picture(water: Tensor, sea: Tensor = SEA, land: Tensor = LAND) -> Tensor:
    """Sea (1, 3, H, W) where there is water, land elsewhere."""
    return torch.where(water, sea[:, None, None], land[:, None, None])[None]


def inside(field: Tensor) -> Tensor:
    return field[..., MARGIN:-MARGIN, MARGIN:-MARGIN]


def told(water: Tensor) -> Tensor:
    share = inside(water).float()[None, None] * 2 - 1
    return torch.cat([share, torch.ones_like(share)], 1)


def given(child: Tensor) -> Condition:
    return condition(F.avg_pool2d(child, FACTOR), SETTINGS)


def added(plain: Condition, water: Tensor) -> Tensor:
    """In units of the image."""
    return from_axes(plain.unit * shore(plain, water, FACTOR))


def test_two_colours_are_split_where_the_water_is_told() -> None:
    child = picture(wet())
    plain = given(child)
    missing, left = (
        (inside(child) - x).square().mean().sqrt()
        for x in (plain.base, plain.base + added(plain, told(wet())))
    )
    assert float(missing) > 0.05
    assert float(left) < 0.1 * float(missing)
    # Water of another place does not fit.
    wrong = plain.base + added(plain, told(wet().flip(0)))
    assert float((inside(child) - wrong).square().mean().sqrt()) > 0.9 * float(missing)


def test_nothing_is_added_where_water_is_unknown_or_even() -> None:
    plain = given(picture(wet()))
    unknown = torch.zeros_like(told(wet()))
    even = told(torch.ones_like(wet()))
    for water in (unknown, even):
        assert float(added(plain, water).abs().max()) < 1e-6


def test_nothing_is_added_where_water_has_the_colour_of_land() -> None:
    plain = given(picture(wet(), land=SEA))
    assert float(added(plain, told(wet())).abs().max()) < 1e-5


def test_a_small_share_adds_a_small_change() -> None:
    plain = given(picture(wet()))
    water = told(wet())
    water[:, 0] = water[:, 0] * 0.01
    assert float(added(plain, water).abs().max()) < 0.05 * float(added(plain, told(wet())).abs().max())


def test_the_features_are_those_of_a_parent_that_was_enlarged_with_its_shore() -> None:
    plain, water = given(picture(wet())), told(wet())
    change = shore(plain, water, FACTOR)
    found = with_shore(plain, change)
    assert torch.allclose(found.base, plain.base + added(plain, water), atol=1e-5)
    assert torch.equal(found.features[:, :3], found.base)
    moved = (plain.features[:, 3:6] + change).clamp(-DETAIL_LIMIT, DETAIL_LIMIT)
    assert torch.allclose(found.features[:, 3:6], moved, atol=1e-4)
    assert float((moved.abs() < DETAIL_LIMIT).float().mean()) > 0.9
    assert float(with_shore(plain, 50 * change).features[:, 3:6].abs().max()) == DETAIL_LIMIT
    assert torch.equal(found.features[:, 6:], plain.features[:, 6:])
    assert torch.equal(found.unit, plain.unit)
    # What a child adds to either is one picture.
    child = inside(picture(wet()))
    assert torch.allclose(residual(child, found) + change, residual(child, plain), atol=1e-4)


@pytest.mark.parametrize("window", [slice(16, 64), slice(12, 52)])
def test_away_from_its_edges_a_tile_does_not_matter(window: slice) -> None:
    child = picture(wet(128, 144))
    whole = added(given(child), told(wet(128, 144)))
    rows = slice(window.start, window.stop + 2 * MARGIN)
    part = added(given(child[..., rows, :]), told(wet(128, 144)[rows]))
    edge = 3 * FACTOR
    assert torch.allclose(whole[..., window, :][..., edge:-edge, :], part[..., edge:-edge, :], atol=1e-5)
