"""Brightness and colours: an orthonormal basis, units of the parent's own contrast, inverse formulas."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from geoinfinite.models.earth import network
from geoinfinite.models.earth.colours import (
    COLOUR_FLOOR,
    COLOUR_GAIN,
    NEARNESS,
    along_axes,
    condition,
    covariance,
    from_axes,
    reconstruct,
    residual,
)
from geoinfinite.models.earth.detail_files import CONTRAST
from geoinfinite.models.earth.settings import EarthSettings

SETTINGS = EarthSettings(factor=4, margin=6, unshuffle=4, gain=0.8, floor=0.02)


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def window(seed: int = 1) -> Tensor:
    return 0.3 * noise(2, 3, 20, 24, seed=seed).clamp(-2, 2)


def test_the_axes_are_orthonormal_and_the_first_is_grey() -> None:
    image = noise(2, 3, 5, 7)
    turned = along_axes(image)
    assert torch.allclose(turned.square().sum(1), image.square().sum(1), atol=1e-5)
    assert torch.allclose(from_axes(turned), image, atol=1e-6)
    grey = along_axes(image[:, :1].expand(-1, 3, -1, -1))
    assert torch.allclose(grey[:, 0], 3**0.5 * image[:, 0], atol=1e-6)
    assert float(grey[:, 1:].abs().max()) < 1e-6


def test_a_child_is_its_residual_and_its_parent() -> None:
    given = condition(window(), SETTINGS)
    child = noise(2, 3, 32, 48, seed=2)
    assert torch.allclose(reconstruct(residual(child, given), given), child, atol=1e-5)
    brighter = reconstruct(torch.tensor([1.0, 0.0, 0.0])[:, None, None], given) - given.base
    assert torch.allclose(brighter, (given.unit[:, :1] / 3**0.5).expand(-1, 3, -1, -1), atol=1e-6)


def test_base_is_that_of_the_older_kind() -> None:
    ours, theirs = condition(window(), SETTINGS), network.condition(window(), SETTINGS)
    assert torch.equal(ours.base, theirs.base)
    assert torch.equal(ours.features[:, :3], ours.base)


def test_a_grey_parent_gives_colour_its_least_unit() -> None:
    grey = window()[:, :1].expand(-1, 3, -1, -1)
    given = condition(grey, SETTINGS)
    least = SETTINGS.floor * COLOUR_FLOOR
    assert torch.allclose(given.unit[:, 1:], torch.full_like(given.unit[:, 1:], least), atol=2e-3)
    assert float(given.unit[:, 0].min()) > 5 * least


def test_units_grow_with_the_contrast_of_brightness_and_of_colour() -> None:
    parent = window()
    plain = replace(SETTINGS, floor=1e-6)
    once, twice = condition(parent, plain).unit, condition(2 * parent, plain).unit
    assert torch.allclose(twice, 2 * once, rtol=1e-3)
    # Of one deviation in every direction, brightness and colours have units in the ratio of the gains.
    flat = condition(0.2 * noise(1, 3, 412, 412), plain).unit.mean((0, 2, 3))
    assert flat[1] / flat[0] == pytest.approx(COLOUR_GAIN, rel=0.05)


def test_the_features_tell_both_units() -> None:
    settings = replace(SETTINGS, log_scale_mean=-2.0, log_scale_std=0.5)
    given = condition(window(), settings)
    assert given.features.shape == (2, 8, 32, 48)
    told = torch.stack([given.unit[:, 0], given.unit[:, 1]], 1).log()
    assert torch.allclose(given.features[:, 6:], (told + 2.0) / 0.5, atol=1e-5)


def test_the_parents_colours_are_told_by_the_weighted_covariance_of_nine_pixels() -> None:
    values = noise(2, 3, 8, 9)
    assert len(NEARNESS) == CONTRAST
    near = np.outer([1, 2, 1], [1, 2, 1]).ravel()
    for tile, y, x in ((0, 0, 0), (1, 5, 6), (0, 3, 2)):
        nine = values[tile, :, y : y + 3, x : x + 3].flatten(1).numpy()
        expected = np.cov(nine, aweights=near, ddof=0)
        np.testing.assert_allclose(
            covariance(values)[tile, :, :, y, x].numpy(), expected, rtol=1e-4, atol=1e-6
        )


def test_a_calm_field_near_a_bright_roof_keeps_its_small_unit() -> None:
    parent = torch.full((1, 3, 20, 24), -0.5)
    parent[..., 10, 12] = 1.0
    row = condition(parent, SETTINGS).unit[0, 0, 4 * (10 - SETTINGS.margin) + 2]
    roof = 4 * (12 - SETTINGS.margin)
    assert float(row[roof : roof + 4].min()) > 20 * SETTINGS.floor
    # Two pixels of the parent away, and as far again as bilinear interpolation reaches.
    calm = row[roof + 4 + 2 * 4 :]
    assert torch.allclose(calm, torch.full_like(calm, SETTINGS.floor), atol=0.1 * SETTINGS.floor)


def test_a_pixel_depends_on_four_parent_pixels_around_it() -> None:
    parent = window()
    moved = parent.clone()
    moved[..., 1, 1] += 1.0
    changed = (condition(moved, SETTINGS).features - condition(parent, SETTINGS).features).abs().amax((0, 1))
    assert float(changed.max()) == 0.0
    moved[..., 9, 9] += 1.0
    changed = (condition(moved, SETTINGS).features - condition(parent, SETTINGS).features).abs().amax((0, 1))
    rows, columns = (torch.nonzero(changed.amax(axis) > 0).flatten() for axis in (1, 0))
    centre = 4 * (9 - SETTINGS.margin)
    for found in (rows, columns):
        assert centre - 4 * 4 <= int(found.min())
        assert int(found.max()) <= centre + 3 + 4 * 4


def test_a_flat_parent_has_a_finite_slope() -> None:
    flat = torch.full((1, 3, 20, 20), 0.25, requires_grad=True)
    condition(flat, SETTINGS).features.square().sum().backward()
    assert flat.grad is not None
    assert bool(torch.isfinite(flat.grad).all())
