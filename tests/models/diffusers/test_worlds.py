"""Worlds drawn by diffusers checkpoints: the laws hold for weights that nobody trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import latents
import numpy as np
import pytest
from drawings import UNCACHED

from geoinfinite.engine import generate
from geoinfinite.models import from_pretrained
from geoinfinite.plane.resample import coarsen_mean
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import LevelSettings, Recipe
from geoinfinite.recipe.root import Root
from geoinfinite.samplers.presets import EarlySync

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
