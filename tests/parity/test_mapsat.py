"""map-sat through this library's own adapter: network, guidance, solver and decoder as published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from geoinfinite.diffusion.model import Cond
from geoinfinite.models import from_pretrained
from geoinfinite.samplers.guidance import guidance_terms, guided

FIXTURE = Path(__file__).parents[3] / "shared" / "fixtures" / "mapsat"
pytestmark = pytest.mark.skipif(not FIXTURE.is_dir(), reason="the reference data are not at hand")
PROMPT = "convert this openstreetmap into its satellite view"
UNIPC = "UniPCMultistepScheduler"


@pytest.fixture(scope="module")
def given() -> dict[str, Any]:
    return load_file(FIXTURE / "inputs.safetensors") | load_file(FIXTURE / "outputs.safetensors")


def bound(given: dict[str, Any], strength: float = 1.0, **settings: Any) -> Any:
    hints = tuple((given["hint_uint8"].float() / 255).numpy())
    model = from_pretrained(FIXTURE / "checkpoint", **settings).load("cpu")
    return model.bind(Cond(None, 0.668, {"prompt": (PROMPT,) * 2, "hint": hints}, {"hint": strength}))


def denoiser(tiles: Any, scale: float) -> Any:
    terms = guidance_terms({"prompt": scale})
    told = [tiles.retold({slot: (None, None) for slot in term.silent}) for term in terms]
    return guided([(term.weight, tile.denoise) for term, tile in zip(terms, told, strict=True)])


def relative(found: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((found - wanted).abs().max() / wanted.abs().max())


def test_the_network_and_the_words(given: dict[str, Any]) -> None:
    tiles = bound(given)
    noise = tiles.model.checkpoint.noise
    sigma = float(noise.trained[481])
    z = given["latents"]
    x = z * (1 + sigma**2) ** 0.5
    # An error of the prediction is multiplied by sigma in the estimate of clean data.
    for told, name in (
        (tiles, "noise_pred_t481"),
        (tiles.retold({"hint": (None, None)}), "noise_pred_t481_without_control"),
    ):
        found = (x - told.denoise(x, sigma)) / sigma
        assert float((found - given[name]).abs().max()) < 1e-5
    assert float((tiles.said.compiled[0].rows - given["prompt_embeds"]).abs().max()) < 1e-5


@pytest.mark.parametrize(
    ("wanted", "scheduler", "scale", "strength"),
    [
        ("latents_pndm", None, 7.5, 1.0),
        ("latents_unipc", UNIPC, 7.5, 1.0),
        ("latents_unipc_control_scale_0_5_guidance_1", UNIPC, 1.0, 0.5),
    ],
)
def test_final_latents_of_the_published_solvers(
    given: dict[str, Any], wanted: str, scheduler: str | None, scale: float, strength: float
) -> None:
    assert float(given["guidance_scale"]) == 7.5
    tiles = bound(given, strength, scheduler=scheduler)
    sampling = from_pretrained(FIXTURE / "checkpoint", scheduler=scheduler).sampling()
    assert sampling is not None
    steps = int(given["num_inference_steps"])
    x = sampling.start(steps) * given["latents"]
    found = sampling.as_solver()(denoiser(tiles, scale), x, sampling.sigmas(steps), eta=sampling.eta)
    assert relative(found * sampling.end(steps), given[wanted]) < 1e-4


def test_the_decoded_picture(given: dict[str, Any]) -> None:
    tiles = bound(given, scheduler=UNIPC, normalisation="tile")
    found = torch.from_numpy(np.asarray(tiles.image(given["latents_unipc"])))
    assert relative(found, given["image_unipc"]) < 1e-4
