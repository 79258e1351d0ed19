"""DiffusionSat's U-Net from its published folder: a place, a resolution, a date."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from adapters import answer, bound, diffusionsat, in_world_units, off
from published import given as reference
from published import needs
from torch import Tensor

from geoinfinite.models import from_pretrained

pytestmark = needs("diffusionsat_unet")
SAME = 1e-5


@pytest.fixture(scope="module")
def given() -> dict[str, Tensor]:
    return reference("diffusionsat_unet")


@pytest.fixture(scope="module")
def tiles(given: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = diffusionsat("diffusionsat_unet", given, tmp_path_factory.mktemp("unet"))
    prompts = tuple(str(row) for row in range(4))
    return bound(folder, {"prompt": prompts, "metadata": in_world_units(given["metadata"])})


def test_metadata_are_added_up(tiles: Any, given: dict[str, Tensor]) -> None:
    assert off(tiles.said.compiled[1].rows, given["metadata_embedding_sum"]) < SAME


def test_metadata_in_units_of_the_world(tiles: Any, given: dict[str, Tensor]) -> None:
    raw = [*given["metadata_raw"].numpy(), None, None]
    found = tiles.retold({"metadata": tuple(raw)}).said.compiled[1].rows
    assert off(found[:3], given["metadata_embedding_sum"][:3]) < SAME


def test_the_network(tiles: Any, given: dict[str, Tensor]) -> None:
    found = answer(tiles, given["sample"], given["timestep"])
    assert off(found, given["noise_pred"]) < SAME
    at_one_time = answer(tiles, given["sample"], given["timestep_scalar"])
    assert off(at_one_time, given["noise_pred_timestep_scalar"]) < SAME
    # What is not known still goes through its embedder.
    unknown = tiles.retold({"metadata": (None,) * 4})
    found = answer(unknown, given["sample"], given["timestep"])
    assert off(found, given["noise_pred_all_metadata_missing"]) < SAME


def test_sampling_is_as_published(given: dict[str, Tensor], tmp_path: Path) -> None:
    model = from_pretrained(diffusionsat("diffusionsat_unet", given, tmp_path))
    settings, noise = model.default_sampler(), model.sampling()
    assert noise is not None
    assert (noise.solver, settings.steps, settings.guidance) == ("ddim", 100, 1.0)
