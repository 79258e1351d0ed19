"""Training noise: diffusers' scheduler file from settings, held against the buffers of the checkpoint."""

from __future__ import annotations

from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from geoinfinite.errors import ModelError
from geoinfinite.models.converting.parts import Tensors
from geoinfinite.models.converting.schedule import scale_factor, scheduler_json

SAID: dict[str, Any] = {"linear_start": 0.0015, "linear_end": 0.0195, "timesteps": 1000}


def buffers(
    schedule: str = "scaled_linear", dtype: torch.dtype = torch.float32, **said: Any
) -> dict[str, Any]:
    """Those that ldm registers, by the formulas of Rombach et al., in NumPy."""
    said = SAID | said
    power = 2 if schedule == "scaled_linear" else 1
    ends = said["linear_start"] ** (1 / power), said["linear_end"] ** (1 / power)
    betas = np.linspace(*ends, said["timesteps"]) ** power
    return {
        "betas": torch.tensor(betas).to(dtype),
        "alphas_cumprod": torch.tensor(np.cumprod(1 - betas)).to(dtype),
    }


@pytest.mark.parametrize(
    ("said", "schedule"),
    [
        ({}, "scaled_linear"),
        ({"beta_schedule": "linear", "timesteps": 250}, "scaled_linear"),
        ({"beta_schedule": "sqrt_linear", "linear_start": 1e-4, "linear_end": 0.02}, "linear"),
        ({"linear_start": 0.00085, "linear_end": 0.012}, "scaled_linear"),
    ],
)
def test_the_noise_is_that_of_diffusers_and_of_the_buffers(said: dict[str, Any], schedule: str) -> None:
    held = buffers(schedule, **said)
    found = scheduler_json(SAID | said, held)
    theirs = diffusers.DDIMScheduler.from_config(found)
    assert theirs.config.beta_schedule == schedule
    assert torch.allclose(theirs.alphas_cumprod, held["alphas_cumprod"], rtol=1e-4, atol=1e-6)
    assert (found["prediction_type"], found["clip_sample"]) == ("epsilon", False)


@pytest.mark.parametrize(("word", "wanted"), [("eps", "epsilon"), ("v", "v_prediction"), ("x0", "sample")])
def test_what_a_network_answers(word: str, wanted: str) -> None:
    assert scheduler_json(SAID | {"parameterization": word}, {})["prediction_type"] == wanted
    assert scheduler_json(SAID, {}, wanted)["prediction_type"] == wanted
    other = {"eps": "v", "v": "x0", "x0": "eps"}[word]
    with pytest.raises(ModelError, match=rf"parameterization='{other}' must be '{word}'"):
        scheduler_json(SAID | {"parameterization": other}, {}, wanted)


def test_half_precision_is_near_enough_for_betas_alone() -> None:
    held = buffers(dtype=torch.float16)
    assert scheduler_json(SAID, {"betas": held["betas"]})["num_train_timesteps"] == 1000


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"linear_end": 0.02},
            r"last\.ckpt: 'betas' is 0\.0005 from that of linear_start, linear_end and times",
        ),
        ({"timesteps": 999}, r"last\.ckpt: 'betas' has shape \[1000\], and timesteps=999"),
        ({"linear_start": 0}, r"linear_start=0 must be a number above 0 to 1"),
        ({"linear_start": "0.1"}, r"linear_start='0\.1' must be a number"),
        ({"timesteps": 10**9}, r"timesteps=1000000000 must be a whole number from 1 to 100000"),
        ({"beta_schedule": "cosine"}, r"beta_schedule='cosine' must be one of 'linear', 'sqrt_linear'"),
        ({"parameterization": "noise"}, r"parameterization='noise' must be one of 'eps', 'v', 'x0'"),
    ],
)
def test_settings_of_another_checkpoint(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ModelError, match=says):
        scheduler_json(SAID | change, Tensors(buffers(), "last.ckpt"))


def test_a_setting_that_is_missing_is_named() -> None:
    with pytest.raises(ModelError, match="linear_end is missing; it must be a number above 0"):
        scheduler_json({"linear_start": 0.1}, {})


def test_buffers_that_are_not_finite_are_no_noise() -> None:
    held = buffers()
    held["alphas_cumprod"][3] = torch.nan
    with pytest.raises(ModelError, match=r"'alphas_cumprod' is nan from that of linear_start"):
        scheduler_json(SAID, held)


def test_the_factor_of_codes() -> None:
    said = {"scale_factor": 0.18215}
    assert scale_factor(said, {}) == 0.18215
    assert scale_factor({}, {}) == 1.0
    # What the training measured comes before what the settings say.
    assert scale_factor(said, {"scale_factor": torch.tensor(0.25)}) == 0.25
    for wrong in (torch.tensor([0.1, 0.2]), torch.tensor(0.0), torch.tensor(-1.0)):
        with pytest.raises(ModelError, match=r"'scale_factor' is no number above 0"):
            scale_factor(said, {"scale_factor": wrong})
    with pytest.raises(ModelError, match=r"scale_factor=-1 must be a number above 0"):
        scale_factor({"scale_factor": -1}, {})
