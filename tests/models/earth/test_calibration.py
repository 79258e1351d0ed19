"""Gains of parts of detail by resolution and by the parent's contrast."""

from __future__ import annotations

import math
from pathlib import Path

import latents
import pytest
import torch
from earth_networks import DETAIL, SHAPE, write_detail_network
from safetensors.torch import load_file, save_file
from torch import Tensor

from geoinfinite.errors import ModelError
from geoinfinite.models.earth.calibration import (
    CONTRASTS,
    FINEST,
    LOWEST,
    PAIR,
    PER_OCTAVE,
    RESOLUTIONS,
    Calibration,
    fine,
    parts,
)
from geoinfinite.models.earth.detail import DetailNetwork, load
from geoinfinite.models.earth.detail_files import read_shape
from geoinfinite.models.files import WEIGHTS


def detail() -> Tensor:
    return torch.from_numpy(latents.field(2, 3, 12, 8, seed=4))


def contrasts(place: float) -> Tensor:
    return torch.full((2, 1, 12, 8), LOWEST + place)


def metres(node: float) -> Tensor:
    """Of a place between nodes of resolution, for the first tile; the second tile lies beyond the last."""
    return torch.tensor([2.0 ** (FINEST + node / PER_OCTAVE), 1e9])


def matrices() -> Tensor:
    """Of stray colour, (2, 3, 3, 12, 8): near the projection onto another direction in every pixel."""
    across = torch.from_numpy(latents.field(2, 3, 12, 8, seed=7))
    across = across / across.norm(dim=1, keepdim=True)
    return 0.9 * across[:, :, None] * across[:, None]


def calibrated(gains: Tensor, log_unit: Tensor, gsd_m: Tensor, part: str = "gains") -> Tensor:
    calibration = Calibration()
    getattr(calibration, part).copy_(gains)
    found: Tensor = calibration(detail(), matrices(), log_unit, gsd_m)
    return found


def multiplied(gain: float) -> Tensor:
    """Detail with its brightness `gain` times as far from the means of squares of 2 x 2 pixels."""
    image = detail()
    means = image[:, :1].unfold(2, PAIR, PAIR).unfold(3, PAIR, PAIR).mean((-1, -2))
    enlarged = means.repeat_interleave(PAIR, 2).repeat_interleave(PAIR, 3)
    return torch.cat([enlarged + gain * (image[:, :1] - enlarged), image[:, 1:]], 1)


def test_the_parts_are_fine_brightness_fine_colour_that_is_not_stray_and_stray_colour() -> None:
    brightness, colour, stray = parts(detail(), matrices())
    torch.testing.assert_close(brightness, (multiplied(2) - detail())[:, :1])
    torch.testing.assert_close(stray, torch.einsum("bijyx,bjyx->biyx", matrices(), detail()))
    torch.testing.assert_close(colour, fine(detail()[:, 1:] - stray[:, 1:]))


@pytest.mark.parametrize("gain", [0.0, 0.6, 2.5])
def test_a_gain_of_colour_multiplies_fine_colour_that_is_not_stray(gain: float) -> None:
    found = calibrated(gain * ones(), contrasts(1.7), metres(11.2), "colour_gains")
    assert torch.equal(found[:, :1], detail()[:, :1])
    torch.testing.assert_close(found[:, 1:], detail()[:, 1:] + (gain - 1) * parts(detail(), matrices())[1])


@pytest.mark.parametrize("gain", [0.0, 0.6, 2.5])
def test_a_gain_of_stray_colour_multiplies_what_lies_across_the_colours_nearby(gain: float) -> None:
    found = calibrated(gain * ones(), contrasts(1.7), metres(11.2), "stray_gains")
    torch.testing.assert_close(found, detail() + (gain - 1) * parts(detail(), matrices())[2])


@pytest.mark.parametrize("part", ["colour_gains", "stray_gains"])
def test_gains_of_colour_are_those_of_a_resolution_and_a_contrast(part: str) -> None:
    gains = ones()
    gains[10, 2] = 3.0
    for node, place, gain in ((10.0, 2.0, 3.0), (10.5, 2.0, 2.0), (10.0, 1.5, 2.0), (12.0, 2.0, 1.0)):
        found = calibrated(gains, contrasts(place), metres(node), part)
        expected = calibrated(gain * ones(), contrasts(place), metres(node), part)
        torch.testing.assert_close(found[0], expected[0], rtol=1e-4, atol=1e-5)
        assert torch.equal(found[1], detail()[1])


def ones() -> Tensor:
    return torch.ones(RESOLUTIONS, CONTRASTS)


def test_gains_of_one_change_no_bit() -> None:
    spread = torch.from_numpy(latents.field(2, 1, 12, 8, seed=5)) * 3
    assert torch.equal(calibrated(ones(), spread, metres(3.3)), detail())
    alone = calibrated(1.7 * ones(), spread, metres(3.3))
    assert torch.equal(alone[:, 1:], detail()[:, 1:])


@pytest.mark.parametrize("gain", [0.0, 0.6, 2.5])
def test_a_gain_multiplies_brightness_within_squares_of_two_pixels(gain: float) -> None:
    torch.testing.assert_close(calibrated(gain * ones(), contrasts(1.7), metres(11.2)), multiplied(gain))


@pytest.mark.parametrize(("node", "gain"), [(9.0, 1.0), (9.25, 1.5), (10.0, 3.0), (10.5, 2.0), (11.0, 1.0)])
def test_a_resolution_between_two_nodes_has_the_gain_between_theirs(node: float, gain: float) -> None:
    gains = ones()
    gains[10] = 3.0
    found = calibrated(gains, contrasts(1.4), metres(node))
    torch.testing.assert_close(found[0], multiplied(gain)[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found[1], detail()[1])


@pytest.mark.parametrize(
    ("place", "gain"), [(-7.0, 5.0), (0.0, 5.0), (0.5, 3.0), (1.0, 1.0), (2.5, 1.5), (3.0, 2.0), (40.0, 2.0)]
)
def test_a_contrast_between_two_nodes_has_the_gain_between_theirs(place: float, gain: float) -> None:
    gains = ones()
    gains[:, 0], gains[:, CONTRASTS - 1] = 5.0, 2.0
    found = calibrated(gains, contrasts(place), metres(20))
    torch.testing.assert_close(found, multiplied(gain), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("gsd_m", "node"), [(1e-4, 0), (1e7, RESOLUTIONS - 1)])
def test_a_resolution_beyond_the_last_node_has_its_gain(gsd_m: float, node: int) -> None:
    gains = ones()
    gains[node] = 4.0
    found = calibrated(gains, contrasts(0.3), torch.tensor([gsd_m, 30.0]))
    torch.testing.assert_close(found, torch.stack([multiplied(4)[0], detail()[1]]))


def test_every_pixel_has_the_gain_of_its_own_contrast() -> None:
    gains = ones()
    gains[:, CONTRASTS - 1] = 0.0
    log_unit = contrasts(0.0)
    log_unit[1, 0, 5, 3] = LOWEST + CONTRASTS - 1
    changed = (calibrated(gains, log_unit, metres(4)) != detail()).nonzero().tolist()
    assert changed == [[1, 0, 5, 3]]


def test_a_network_has_the_gain_of_its_own_contrast_and_resolution(tmp_path: Path) -> None:
    network = saved(tmp_path / "network")
    noise, features, stray, gsd_m, aspect = told()
    features[:, 6] = torch.where(torch.arange(16) < 8, LOWEST, LOWEST + CONTRASTS - 1)
    plain = network(noise, features, stray, gsd_m, aspect)
    node = round((math.log2(30.0) - FINEST) * PER_OCTAVE)
    network.calibration.gains[node - 1 : node + 2, CONTRASTS - 1] = 0.0
    found = network(noise, features, stray, gsd_m, aspect)
    assert torch.equal(found[..., :8], plain[..., :8])
    assert torch.equal(found[:, 1:], plain[:, 1:])
    flat, before = (fine(x[:, :1, :, 8:]).abs() for x in (found, plain))
    assert float(flat.max()) < 1e-5 < float(before.mean())


@pytest.mark.parametrize(
    "missing", [("gains", "colour_gains", "stray_gains"), ("colour_gains", "stray_gains")]
)
def test_a_network_that_was_saved_without_gains_draws_as_it_did(
    tmp_path: Path, missing: tuple[str, ...]
) -> None:
    folder = write_detail_network(tmp_path / "network")
    before = load(folder, read_shape(folder, DETAIL))(*told())
    tensors = load_file(folder / WEIGHTS)
    for name in missing:
        del tensors[f"calibration.{name}"]
    save_file(tensors, folder / WEIGHTS)
    assert torch.equal(load(folder, read_shape(folder, DETAIL))(*told()), before)


def test_gains_of_another_shape_are_refused(tmp_path: Path) -> None:
    folder = write_detail_network(tmp_path / "network")
    tensors = load_file(folder / WEIGHTS)
    tensors["calibration.gains"] = tensors["calibration.gains"][:5].contiguous()
    save_file(tensors, folder / WEIGHTS)
    with pytest.raises(
        ModelError, match=r"does not fit .*calibration\.gains.*copy the whole checkpoint again"
    ):
        load(folder, read_shape(folder, DETAIL))


def saved(folder: Path) -> DetailNetwork:
    write_detail_network(folder)
    return load(folder, read_shape(folder, DETAIL))


def told() -> tuple[Tensor, ...]:
    """Noise, features, stray colour, metres and aspect of one tile."""
    field = torch.from_numpy(latents.field(1, SHAPE.inputs, 16, 16, seed=6))
    stray = torch.from_numpy(latents.field(1, 9, 16, 16, seed=9)).reshape(1, 3, 3, 16, 16)
    return field[:, :3], field[:, 3:].clone(), stray, torch.tensor([30.0]), torch.ones(1)
