"""DiffusionSat's ControlNet of frames from its published folder: images of a place at three times."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from adapters import bound, diffusionsat, in_world_units, off, small_satunet
from published import given as reference
from published import needs
from torch import Tensor

from geoinfinite.models.diffusers.inputs import Call
from geoinfinite.told import Frames

pytestmark = needs("diffusionsat_controlnet3d")
TAPS = 2e-5


@pytest.fixture(scope="module")
def given() -> dict[str, Tensor]:
    return reference("diffusionsat_controlnet3d")


@pytest.fixture(scope="module")
def tiles(given: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Any:
    place = tmp_path_factory.mktemp("frames")
    folder = diffusionsat("diffusionsat_controlnet3d", given, place, small_satunet(place))
    slots = {
        "prompt": ("0", "1"),
        "metadata": in_world_units(given["metadata"]),
        "frames": tuple(frames(given, row, (0, 1, 2)) for row in range(2)),
    }
    return bound(folder, slots)


def test_frames_are_read(tiles: Any, given: dict[str, Tensor]) -> None:
    wanted = given["hint_embedding"]
    assert off(tiles.said.compiled[2].read, wanted) < TAPS * float(wanted.abs().max())


def test_every_residual(tiles: Any, given: dict[str, Tensor]) -> None:
    found = residuals(tiles, given)
    names = [f"down_block_res_samples.{tap:02}" for tap in range(12)]
    for residual, name in zip(found, [*names, "mid_block_res_sample"], strict=True):
        wanted = given[name]
        assert off(residual, wanted) < TAPS * max(1.0, float(wanted.abs().max())), name


def test_frames_in_another_order(tiles: Any, given: dict[str, Tensor]) -> None:
    turned = tiles.retold({"frames": tuple(frames(given, row, (2, 0, 1)) for row in range(2))})
    wanted = given["mid_block_res_sample_frames_2_0_1"]
    assert off(residuals(turned, given)[-1], wanted) < TAPS * max(1.0, float(wanted.abs().max()))


def test_a_tile_without_frames_is_not_told_those_of_its_neighbour(
    tiles: Any, given: dict[str, Tensor]
) -> None:
    alone = residuals(tiles.retold({"frames": (None, frames(given, 1, (0, 1, 2)))}), given)
    both = residuals(tiles, given)
    assert all(float(residual[:1].abs().max()) == 0 for residual in alone)
    assert all(one[1:].equal(other[1:]) for one, other in zip(alone, both, strict=True))


def frames(given: dict[str, Tensor], row: int, order: tuple[int, ...]) -> Frames:
    """The frames of a row, as a condition tells them."""
    pixels = (given["controlnet_cond_uint8"][row].float() / 255).transpose(0, 1).numpy()
    facts = np.array(in_world_units(given["cond_metadata"][row].T))
    return Frames(pixels[list(order)], facts[list(order)])


def residuals(tiles: Any, given: dict[str, Tensor]) -> Any:
    """What the input of frames adds to a call."""
    times = torch.full((2,), float(given["timestep"]))
    call = Call(given["sample"], times, given["encoder_hidden_states"])
    with torch.inference_mode():
        return tiles.said.compiled[2].added(call, slice(0, 2)).residuals
