"""Text2Earth through this library's own adapter: text and zoom level, neither of them known, and guidance."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from geoinfinite.diffusion.model import Cond
from geoinfinite.models import from_pretrained
from geoinfinite.samplers.guidance import guidance_terms, guided

FIXTURE = Path(__file__).parents[3] / "shared" / "fixtures" / "text2earth"
pytestmark = pytest.mark.skipif(not FIXTURE.is_dir(), reason="the reference data are not at hand")
TOLERANCE = 1e-5
BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
GUIDANCE = 4.0


@pytest.fixture(scope="module")
def given() -> dict[str, Any]:
    return load_file(FIXTURE / "inputs.safetensors") | load_file(FIXTURE / "outputs.safetensors")


@pytest.fixture(scope="module")
def tiles(given: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The published network beside a scheduler and its prompts as they were encoded, told text and level."""
    folder = tmp_path_factory.mktemp("text2earth")
    shutil.copytree(FIXTURE / "checkpoint" / "unet", folder / "unet")
    diffusers.EulerDiscreteScheduler(**BETAS).save_pretrained(folder / "scheduler")
    rows = enumerate(given["encoder_hidden_states"])
    prompts = {f"place {row}": tokens.clone() for row, tokens in rows}
    silent = given["encoder_hidden_states_uncond"]
    assert bool((silent == silent[0]).all())
    save_file(prompts | {"": silent[0].clone()}, folder / "prompts.safetensors")
    reference = from_pretrained(folder)
    slots = {slot.name: slot.kind for slot in reference.facts().slots}
    assert slots == {"prompt": "text", "metadata": "metadata"}
    levels = tuple(np.array([level], np.float64) for level in given["google_level"].tolist())
    return reference.load("cpu").bind(Cond(None, 1.0, {"prompt": tuple(prompts), "metadata": levels}))


def prediction(given: dict[str, Any], tiles: Any, denoise: Any) -> torch.Tensor:
    """The noise that an estimate of clean data stands for."""
    sigma = float(tiles.model.checkpoint.noise.trained[int(given["timestep"])])
    x = given["sample"].double() * (1 + sigma**2) ** 0.5
    found: torch.Tensor = (x - denoise(x.float(), sigma)) / sigma
    return found


NOTHING = (None,) * 4
UNKNOWN = (np.array([np.nan]),) * 4


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, "noise_pred"),
        ({"metadata": NOTHING}, "noise_pred_level_unknown"),
        ({"metadata": UNKNOWN}, "noise_pred_level_unknown"),
        ({"prompt": NOTHING, "metadata": NOTHING}, "noise_pred_uncond"),
    ],
)
def test_the_network(given: dict[str, Any], tiles: Any, changes: dict[str, Any], wanted: str) -> None:
    found = prediction(given, tiles, tiles.retold(changes).denoise)
    assert float((found - given[wanted]).abs().max()) < TOLERANCE


def test_every_level_is_heard(given: dict[str, Any], tiles: Any) -> None:
    assert len({*given["google_level"].tolist()}) > 2
    known, unknown = given["noise_pred"], given["noise_pred_level_unknown"]
    told = given["google_level"] > 0
    moved = (known - unknown).abs().amax(dim=(1, 2, 3))
    assert bool((moved[told] > 100 * TOLERANCE).all())


def test_guidance_is_silent_in_text_and_level_at_once(given: dict[str, Any], tiles: Any) -> None:
    terms = guidance_terms({"prompt": GUIDANCE, "metadata": GUIDANCE})
    told = [tiles.retold({slot: NOTHING for slot in term.silent}) for term in terms]
    denoise = guided([(term.weight, tile.denoise) for term, tile in zip(terms, told, strict=True)])
    found = prediction(given, tiles, denoise)
    assert float((found - given["noise_pred_cfg4"]).abs().max()) < TOLERANCE * (2 * GUIDANCE - 1)
