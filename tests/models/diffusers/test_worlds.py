"""Worlds drawn by diffusers checkpoints: the laws hold for weights that nobody trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import diffusers
import latents
import numpy as np
import pytest
import torch
from drawings import UNCACHED

from geoinfinite.engine import generate
from geoinfinite.errors import WorldError
from geoinfinite.models import from_pretrained
from geoinfinite.plane.resample import coarsen_mean
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import LevelSettings, Recipe
from geoinfinite.recipe.root import Root
from geoinfinite.samplers.presets import EarlySync, IndependentTiles

WHOLE, PART = Window(8, 48, 8, 56), Window(13, 41, 19, 46)


def tame(vae: Any) -> Any:
    """Bring images of random weights into the range, where clipping hides nothing."""
    vae.decoder.conv_out.weight.data *= 0.02
    return vae


@pytest.mark.parametrize(
    ("into", "out", "vae", "normalisation"),
    [
        (6, 3, None, "frozen"),
        (7, 4, latents.kl, "frozen"),
        (6, 3, latents.vq, "tile"),
    ],
)
def test_a_level_drawn_from_its_parent(
    tmp_path: Path, patch: Recipe, into: int, out: int, vae: Callable[[], Any] | None, normalisation: str
) -> None:
    coder = None if vae is None else tame(vae())
    sidecar = {"factor": 4, "margin": 2}
    folder = latents.write(tmp_path / "model", latents.unet(into, out), vae=coder, sidecar=sidecar)
    world = patch.replace(model=from_pretrained(folder, normalisation=normalisation))
    whole = generate(world, 1, WHOLE, resources=UNCACHED)
    y, x = PART.slices(WHOLE)
    np.testing.assert_array_equal(generate(world, 1, PART, resources=UNCACHED), whole[:, y, x])
    parent = generate(world, 0, WHOLE.coarsen(4)).astype(float)
    drawn = whole.astype(np.float32)
    np.testing.assert_allclose(coarsen_mean(drawn, 4), parent, atol=0.5)
    assert (drawn - parent.repeat(4, 1).repeat(4, 2)).std() > 2


def test_a_world_without_a_raster_begins_with_a_latent_checkpoint(tmp_path: Path, patch: Recipe) -> None:
    flow = diffusers.FlowMatchEulerDiscreteScheduler()
    folder = latents.write(tmp_path / "model", latents.unet(4, 4), flow, vae=tame(latents.kl()))
    sampler = EarlySync(steps=2, tile=32, stride=24, consistency="none")
    world = patch.replace(
        root=Root("generated"),
        grid=replace(patch.grid, shape=(36, 44)),
        levels=(LevelSettings(0, sampler, from_pretrained(folder)),),
    )
    full = world.grid.full(0)
    whole = generate(world, 0, full, resources=UNCACHED)
    assert whole.std((1, 2)).min() > 1
    part = Window(5, 31, 17, 43)
    y, x = part.slices(full)
    np.testing.assert_array_equal(generate(world, 0, part, resources=UNCACHED), whole[:, y, x])


# Networks that nobody trained stay within the range where they predict the image, or where it is clipped.
BETAS = latents.BETAS | {"prediction_type": "sample"}
V = {"prediction_type": "v_prediction"}
SCHEDULERS = {
    "ddim, clipped": (partial(diffusers.DDIMScheduler, **latents.BETAS, clip_sample_range=0.7), 10),
    "ddim, zero snr": (
        partial(
            diffusers.DDIMScheduler,
            **(BETAS | V),
            rescale_betas_zero_snr=True,
            timestep_spacing="trailing",
            clip_sample=False,
        ),
        10,
    ),
    "euler, linspace": (partial(diffusers.EulerDiscreteScheduler, **BETAS), 7),
    "euler, karras": (partial(diffusers.EulerDiscreteScheduler, **BETAS, use_karras_sigmas=True), 7),
    "euler, zero snr": (
        partial(
            diffusers.EulerDiscreteScheduler, **V, rescale_betas_zero_snr=True, timestep_spacing="trailing"
        ),
        10,
    ),
    "heun": (partial(diffusers.HeunDiscreteScheduler, **BETAS), 6),
    "dpm": (partial(diffusers.DPMSolverMultistepScheduler, **BETAS), 30),
    "dpm, karras": (partial(diffusers.DPMSolverMultistepScheduler, **BETAS, use_karras_sigmas=True), 9),
    "pndm": (partial(diffusers.PNDMScheduler, **(BETAS | V), skip_prk_steps=True, steps_offset=1), 9),
    "unipc": (partial(diffusers.UniPCMultistepScheduler, **BETAS), 12),
    "flow": (partial(diffusers.FlowMatchEulerDiscreteScheduler, shift=3.0), 8),
}


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_level_of_one_tile_is_what_diffusers_draws(tmp_path: Path, patch: Recipe, name: str) -> None:
    make, steps = SCHEDULERS[name]
    scheduler = make()
    network = latents.unet(3, 3)
    network.conv_out.weight.data *= 0.3
    folder = latents.write(tmp_path / "model", network, scheduler)
    sampler = IndependentTiles(
        solver="checkpoint", schedule="checkpoint", steps=steps, tile=16, stride=16, consistency="none"
    )
    world = patch.replace(
        root=Root("generated"),
        grid=replace(patch.grid, shape=(16, 16), levels=1),
        levels=(LevelSettings(0, sampler, from_pretrained(folder)),),
        dtype="float32",
    )
    full = world.grid.full(0)
    scheduler.set_timesteps(steps)
    x = torch.from_numpy(world.noise(0, 3)(full))[None] * float(getattr(scheduler, "init_noise_sigma", 1.0))
    for t in scheduler.timesteps:
        z = scheduler.scale_model_input(x, t) if hasattr(scheduler, "scale_model_input") else x
        with torch.inference_mode():
            x = scheduler.step(network(z, t).sample, t, x).prev_sample
    wanted = (x[0].numpy().clip(-1, 1) + 1) / 2
    assert wanted.std() > 0.02
    assert (np.abs(wanted - 0.5) == 0.5).mean() < 0.6
    np.testing.assert_allclose(generate(world, 0, full, resources=UNCACHED), wanted, atol=2e-4)


def test_a_level_whose_distance_the_network_does_not_know(tmp_path: Path, patch: Recipe) -> None:
    known = [300 / 4**level for level in range(1, 4)]
    folder = latents.write(
        tmp_path, latents.unet(6, 3, num_class_embeds=3), sidecar={"gsd": known, "factor": 4}
    )
    world = patch.replace(model=from_pretrained(folder))
    assert world.model.facts().gsds == tuple(known)
    (folder / "geoinfinite.json").write_text(
        '{"format": 1, "kind": "diffusers", "factor": 4, "gsd": [75.0, 18.75, 7.0]}'
    )
    with pytest.raises(WorldError, match=r"at level 3 knows ground .* of 75, 18.75, 7 m, and none .* 4.68"):
        patch.replace(model=from_pretrained(folder))
