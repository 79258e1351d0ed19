"""Stray colour: detail along the direction in which the parent's colours vary least nearby."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from geoinfinite.models.earth.colours import AXES, condition, residual
from geoinfinite.models.earth.settings import EarthSettings
from geoinfinite.models.earth.stray import ROUNDING, least_varied, matrices, stray_part

SETTINGS = EarthSettings(factor=4, margin=6, unshuffle=4, gain=0.8, floor=0.02)
WATER, LAND, SAND = [-0.8, -0.5, 0.1], [-0.3, 0.2, -0.6], [0.6, 0.3, -0.1]


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def covariances(seed: int = 3) -> Tensor:
    """(2, 3, 3, 4, 5), of deviations that are of 1, 0.1 and 0.01 along some directions."""
    turned = np.linalg.qr(noise(2, 4, 5, 3, 3, seed=seed).double().numpy())[0]
    found = turned @ np.diag([1.0, 1e-2, 1e-4]) @ np.swapaxes(turned, -1, -2)
    return torch.from_numpy(np.moveaxis(found, (3, 4), (1, 2)))


def mixed(*colours: list[float]) -> Tensor:
    """A parent (1, 3, 22, 24) of which every pixel is a mixture of some colours, in shares of its own."""
    shares = torch.softmax(2 * noise(1, len(colours), 22, 24, seed=5), 1)
    return torch.einsum("bkyx,kc->bcyx", shares, torch.tensor(colours))


def stray_of(parent: Tensor, colour: Tensor) -> Tensor:
    """What is stray (1, 3, T, T), in red, green and blue, of one colour everywhere on a parent."""
    given = condition(parent, SETTINGS)
    detail = residual(given.base + colour[:, None, None], given)
    return torch.einsum(
        "byxa,ac->bcyx", (given.unit * stray_part(detail, given.stray)).movedim(1, -1), axes()
    )


def axes() -> Tensor:
    return torch.tensor(AXES)


def normal(*colours: list[float]) -> Tensor:
    """The direction that three colours do not vary in."""
    first, second, third = (torch.tensor(colour) for colour in colours)
    across = torch.linalg.cross(second - first, third - first)
    return across / across.norm()


def test_it_is_the_inverse_covariance_over_its_trace() -> None:
    found = np.moveaxis(least_varied(covariances()).numpy(), (1, 2), (3, 4))
    rounded = np.moveaxis(covariances().numpy(), (1, 2), (3, 4)) + ROUNDING * np.eye(3)
    inverse = np.linalg.inv(rounded)
    np.testing.assert_allclose(
        found, inverse / np.trace(inverse, axis1=3, axis2=4)[..., None, None], atol=1e-9
    )


def test_single_precision_is_enough_where_one_direction_hardly_varies() -> None:
    exact, found = least_varied(covariances()), least_varied(covariances().float())
    np.testing.assert_allclose(found.numpy(), exact.numpy(), atol=2e-3)


def test_a_flat_parent_has_no_direction_and_a_finite_slope() -> None:
    flat = torch.zeros(1, 3, 3, 2, 2, requires_grad=True)
    found = least_varied(flat)
    torch.testing.assert_close(found.detach(), (torch.eye(3) / 3)[None, :, :, None, None].expand_as(found))
    found.square().sum().backward()
    assert flat.grad is not None
    assert bool(torch.isfinite(flat.grad).all())


def test_of_detail_in_units_it_takes_what_it_would_of_colours() -> None:
    unit = 0.1 + noise(2, 3, 4, 5, seed=6).abs()
    colours, directions = noise(2, 3, 4, 5, seed=7), noise(2, 3, 3, 4, 5, seed=8)
    found = unit * stray_part(colours / unit, matrices(directions.flatten(1, 2), unit))
    torch.testing.assert_close(
        found, torch.einsum("bijyx,bjyx->biyx", directions, colours), atol=1e-5, rtol=1e-4
    )


def test_colours_between_those_of_the_parent_are_not_stray() -> None:
    parent, across = mixed(WATER, LAND, SAND), normal(WATER, LAND, SAND)
    within = torch.tensor(SAND) - torch.tensor(LAND)
    assert float((within @ across).abs()) < 1e-6
    assert float(stray_of(parent, within).norm(dim=1).median()) < 0.02 * float(within.norm())
    beyond = stray_of(parent, 0.3 * across)
    torch.testing.assert_close(beyond.mean((0, 2, 3)), 0.3 * across, atol=0.02, rtol=0)


def test_of_two_colours_everything_beside_their_line_is_half_stray() -> None:
    parent = mixed(WATER, SAND)
    along = torch.tensor(SAND) - torch.tensor(WATER)
    beside = torch.linalg.cross(along, torch.tensor([0.3, -0.7, 0.2]))
    assert float(stray_of(parent, along).norm(dim=1).median()) < 0.01 * float(along.norm())
    torch.testing.assert_close(stray_of(parent, beside).mean((0, 2, 3)), beside / 2, atol=0.03, rtol=0)


@pytest.mark.parametrize("place", [(5, 7), (9, 4)])
def test_it_depends_on_two_parent_pixels_around(place: tuple[int, int]) -> None:
    """One of the neighbourhood, and as far again as bilinear interpolation reaches."""
    parent = mixed(WATER, LAND, SAND)
    moved = parent.clone()
    y, x = (at + SETTINGS.margin for at in place)
    moved[..., y, x] += torch.tensor([0.5, -0.5, 0.3])
    one, other = (as_one_number(condition(image, SETTINGS).stray, parent) for image in (parent, moved))
    rows, columns = ((one != other).any(axis).nonzero().flatten() for axis in (1, 0))
    for found, at in ((rows, place[0]), (columns, place[1])):
        assert 4 * (at - 2) <= int(found.min())
        assert int(found.max()) <= 4 * (at + 2) + 3


def as_one_number(stray: Tensor, parent: Tensor) -> Tensor:
    """The diagonals of matrices, which no unit changes, as one number a pixel."""
    assert stray.shape[-2:] == tuple(4 * (side - 2 * SETTINGS.margin) for side in parent.shape[-2:])
    return stray[0, 0, 0] + 2 * stray[0, 1, 1]


def test_units_change_no_part_along_an_axis() -> None:
    parent = mixed(WATER, LAND, SAND)
    once, twice = (condition(parent, replace(SETTINGS, gain=gain)).stray for gain in (0.8, 1.6))
    for axis in range(3):
        torch.testing.assert_close(once[:, axis, axis], twice[:, axis, axis])
