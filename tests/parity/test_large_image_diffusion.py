"""Large-Image-Diffusion from its published checkpoint: its token, its network, its codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from adapters import answer, bound, check_codes, converted, guided_answer, off
from published import given as reference
from published import needs
from torch import Tensor

from geoinfinite.models import from_pretrained

pytestmark = needs("large_image_diffusion")
SAME = 1e-5


@pytest.fixture(scope="module")
def given() -> dict[str, Tensor]:
    return reference("large_image_diffusion")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return converted("large_image_diffusion", tmp_path_factory.mktemp("converted"))


@pytest.fixture(scope="module")
def tiles(folder: Path, given: dict[str, Tensor]) -> Any:
    return bound(folder, {"embedding": tuple(given["ssl_embedding"][:, :, None, None])})


def test_the_token_is_of_the_direction(tiles: Any, folder: Path, given: dict[str, Tensor]) -> None:
    assert off(tiles.said.compiled[0].rows, given["tokens"]) < SAME
    longer = bound(folder, {"embedding": tuple(3 * given["ssl_embedding"][:, :, None, None])})
    assert off(longer.said.compiled[0].rows, given["tokens"]) < SAME
    nothing = tiles.retold({"embedding": (None,) * 3})
    assert off(nothing.said.compiled[0].rows, given["tokens_uncond"]) < SAME


def test_tokens_of_windows(folder: Path, given: dict[str, Tensor]) -> None:
    windows = bound(folder, {"embedding": tuple(given["window_embedding_slerp"][:, :, None, None])})
    assert off(windows.said.compiled[0].rows, given["window_tokens"]) < SAME


def test_the_network(tiles: Any, given: dict[str, Tensor]) -> None:
    assert off(answer(tiles, given["sample"], given["timestep"]), given["eps_cond"]) < SAME
    nothing = tiles.retold({"embedding": (None,) * 3})
    assert off(answer(nothing, given["sample"], given["timestep"]), given["eps_uncond"]) < SAME


def test_guidance_of_weight_3_is_of_scale_4(tiles: Any, given: dict[str, Tensor]) -> None:
    found = guided_answer(tiles, given["sample"], given["timestep"], {"embedding": 4.0})
    assert off(found, given["eps_guided_w3"]) < SAME * (2 * 4.0 - 1)


def test_sampling_is_as_published(folder: Path) -> None:
    model = from_pretrained(folder)
    settings = model.default_sampler()
    assert (settings.solver, settings.steps, settings.guidance) == ("ddim", 50, 4.0)
    # Networks were asked at 1000, 980 .. 20, one more than the index of the noise.
    assert model.load("cpu").checkpoint.sidecar["timestep_offset"] == 1


def test_codes_and_decoded_images(tiles: Any, given: dict[str, Tensor]) -> None:
    check_codes(tiles, given)
