"""A text-to-image checkpoint with a ControlNet, solved here: the latents that its pipeline ends with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from safetensors.torch import load_file

from geoinfinite.models.diffusers.scheduler.reading import checkpoint_sampling

FIXTURE = Path(__file__).parents[3] / "shared" / "fixtures" / "mapsat"
pytestmark = pytest.mark.skipif(not FIXTURE.is_dir(), reason="the reference data are not at hand")
CHECKPOINT = FIXTURE / "checkpoint"


@pytest.fixture(scope="module")
def given() -> dict[str, Any]:
    return load_file(FIXTURE / "inputs.safetensors") | load_file(FIXTURE / "outputs.safetensors")


@pytest.fixture(scope="module")
def networks() -> tuple[Any, Any]:
    unet = UNet2DConditionModel.from_pretrained(CHECKPOINT / "unet").float().eval()
    control = ControlNetModel.from_pretrained(CHECKPOINT / "controlnet").float().eval()
    return unet, control


def guided(networks: tuple[Any, Any], given: dict[str, Any], guidance: float, strength: float) -> Any:
    """Return the pipeline's prediction of noise, ``(state, timestep) -> noise``."""
    unet, control = networks
    hint = given["hint_uint8"].float() / 255

    def answer(z: torch.Tensor, t: Any, words: torch.Tensor) -> torch.Tensor:
        down, middle = control(z, t, words, hint, strength, return_dict=False)
        return unet(
            z, t, words, down_block_additional_residuals=down, mid_block_additional_residual=middle
        ).sample

    def network(z: torch.Tensor, t: Any) -> torch.Tensor:
        told = answer(z, t, given["prompt_embeds"])
        if guidance == 1:
            return told
        untold = answer(z, t, given["negative_prompt_embeds"])
        return untold + guidance * (told - untold)

    return network


@pytest.mark.parametrize(
    ("wanted", "scheduler", "guidance", "strength"),
    [
        ("latents_ddim", "DDIMScheduler", None, 1.0),
        ("latents_pndm", None, None, 1.0),
        ("latents_unipc", "UniPCMultistepScheduler", None, 1.0),
        ("latents_unipc_control_scale_0_5_guidance_1", "UniPCMultistepScheduler", 1.0, 0.5),
    ],
)
@torch.inference_mode()
def test_final_latents_are_those_of_the_published_pipeline(
    networks: tuple[Any, Any],
    given: dict[str, Any],
    wanted: str,
    scheduler: str | None,
    guidance: float | None,
    strength: float,
) -> None:
    config = json.loads((CHECKPOINT / "scheduler" / "scheduler_config.json").read_text())
    sampling, steps = checkpoint_sampling(config, scheduler), int(given["num_inference_steps"])
    scale = float(given["guidance_scale"]) if guidance is None else guidance
    denoise = sampling.denoiser(guided(networks, given, scale, strength))
    start = sampling.start(steps) * given["latents"]
    z = sampling.as_solver()(denoise, start, sampling.sigmas(steps), eta=sampling.eta) * sampling.end(steps)
    assert float((z - given[wanted]).abs().max() / given[wanted].abs().max()) < 1e-4
    others = (given[name] for name in ("latents_ddim", "latents_pndm", "latents_unipc") if name != wanted)
    assert all(float((z - other).abs().max() / other.abs().max()) > 1e-3 for other in others)
