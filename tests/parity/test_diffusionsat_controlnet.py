"""DiffusionSat's ControlNet from its published folder: coarse bands of Sentinel-2 and their metadata."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from adapters import answer, bound, diffusionsat, in_world_units, off
from published import given as reference
from published import needs
from torch import Tensor

from geoinfinite.told.sentinel import BANDS, DEVIATIONS, MEANS, normalised

pytestmark = needs("diffusionsat_controlnet")
SAME = 1e-5


def product_numbers(hint: Tensor) -> tuple[Any, ...]:
    """Numbers of Sentinel-2 products that become the bytes of a hint."""
    means = np.array([MEANS[band] for band in BANDS])[:, None, None]
    deviations = np.array([DEVIATIONS[band] for band in BANDS])[:, None, None]
    shares = (hint.double().numpy() + 0.5) / 255
    return tuple((means - 2 * deviations + shares * 4 * deviations).astype(np.float32))


@pytest.fixture(scope="module")
def given() -> dict[str, Tensor]:
    return reference("diffusionsat_controlnet")


@pytest.fixture(scope="module")
def folder(given: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return diffusionsat("diffusionsat_controlnet", given, tmp_path_factory.mktemp("control"))


@pytest.fixture(scope="module")
def slots(given: dict[str, Tensor]) -> dict[str, Any]:
    return {
        "prompt": ("0", "1"),
        "metadata": in_world_units(given["metadata"]),
        "hint": product_numbers(given["controlnet_cond_uint8"]),
        "hint_metadata": in_world_units(given["cond_metadata"]),
    }


def test_bands_become_the_bytes_of_the_training(given: dict[str, Tensor], slots: dict[str, Any]) -> None:
    for told, wanted in zip(slots["hint"], given["controlnet_cond_uint8"], strict=True):
        np.testing.assert_array_equal(normalised(told, BANDS), (wanted.float() / 255).numpy())


def test_the_hint_and_its_metadata(folder: Path, given: dict[str, Tensor], slots: dict[str, Any]) -> None:
    compiled = bound(folder, slots).said.compiled[2]
    assert off(compiled.read, given["hint_embedding"]) < SAME
    both = given["metadata_embedding_sum"] + given["cond_metadata_embedding_sum"]
    assert off(compiled.labels.rows, both) < SAME


def test_the_network(folder: Path, given: dict[str, Tensor], slots: dict[str, Any]) -> None:
    for strength, wanted in (({}, "noise_pred"), ({"hint": 0.7}, "noise_pred_scale_0_7")):
        tiles = bound(folder, slots, strength=strength)
        assert off(answer(tiles, given["sample"], given["timestep"]), given[wanted]) < SAME, wanted
    tiles = bound(folder, slots).retold({"hint": (None, None)})
    found = answer(tiles, given["sample"], given["timestep"])
    assert off(found, given["noise_pred_without_control"]) < SAME


def test_a_hint_is_told_as_10_m_unless_said(
    folder: Path, given: dict[str, Tensor], slots: dict[str, Any]
) -> None:
    own = [np.array(row) for row in slots["metadata"]]
    for row in own:
        row[2] = 10.0
    said = bound(folder, slots | {"hint_metadata": tuple(own)})
    unsaid = bound(folder, {name: rows for name, rows in slots.items() if name != "hint_metadata"})
    one, other = (answer(tiles, given["sample"], given["timestep"]) for tiles in (said, unsaid))
    assert one.equal(other)
