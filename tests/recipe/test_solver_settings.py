"""What a sampler's settings come to: shares of fresh noise that are said, left to the solver, or zero."""

from __future__ import annotations

import tomllib
from pathlib import Path

import diffusers
import latents
import numpy as np
import pytest
from drawings import UNCACHED

from geoinfinite.engine.generate import generate
from geoinfinite.models import ModelReference, from_pretrained
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.recipe.solver_settings import sampling_of
from geoinfinite.samplers import IndependentTiles

ANALYTIC = ModelReference("analytic:gaussian")


@pytest.mark.parametrize(
    ("solver", "said", "used"),
    [
        ("euler_ancestral", None, 1.0),
        ("euler_ancestral", 0.0, 0.0),
        ("euler_ancestral", 0.3, 0.3),
        ("ddim", None, 0.0),
        ("ddim", 0.0, 0.0),
        ("euler", 0.0, 0.0),
        ("euler", None, 0.0),
    ],
)
def test_fresh_noise_is_what_was_said_or_the_solver_s_own(
    solver: str, said: float | None, used: float
) -> None:
    solving = sampling_of(IndependentTiles(solver=solver, eta=said), ANALYTIC)
    assert (solving.eta, solving.solver.eta or 0.0)[solving.eta is None] == used


@pytest.mark.parametrize(("said", "used"), [(None, 1.0), (0.0, 0.0), (0.5, 0.5)])
def test_a_checkpoint_s_own_share_gives_way_to_what_was_said(
    tmp_path: Path, said: float | None, used: float
) -> None:
    scheduler = diffusers.DDPMScheduler(**latents.BETAS, clip_sample=False)
    reference = from_pretrained(latents.write(tmp_path, latents.unet(1, 1), scheduler))
    own = IndependentTiles(solver="checkpoint", schedule="checkpoint", steps=10, eta=said)
    assert sampling_of(own, reference).eta == used


def test_no_fresh_noise_draws_the_pixels_of_euler(patch: Recipe) -> None:
    window = Window(3, 27, 6, 31)

    def drawn(solver: str, eta: float | None) -> np.ndarray:
        sampler = IndependentTiles(solver=solver, eta=eta, tile=32, stride=24)
        return generate(patch.replace(sampler=sampler), 1, window, resources=UNCACHED)

    euler = drawn("euler", None)
    np.testing.assert_array_equal(drawn("euler_ancestral", 0.0), euler)
    np.testing.assert_array_equal(drawn("euler_ancestral", None), drawn("euler_ancestral", 1.0))
    assert np.abs(drawn("euler_ancestral", None).astype(int) - euler).max() > 2


@pytest.mark.parametrize("eta", [None, 0.0, 0.5])
def test_world_files_leave_out_what_is_left_to_the_solver(patch: Recipe, eta: float | None) -> None:
    world = patch.replace(sampler=IndependentTiles(solver="ddim", eta=eta, tile=32, stride=24))
    text = worldfile.dump(world)
    assert tomllib.loads(text)["sampler"].get("eta") == eta
    fields = worldfile.parse(text, where="world", folder=Path())
    assert fields["sampler"] == world.sampler
