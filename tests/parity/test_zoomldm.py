"""ZoomLDM from its published checkpoint: its summarizer, its network at every magnification, its codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from adapters import answer, bound, check_codes, converted, guided_answer, off
from published import given as reference
from published import needs
from torch import Tensor

from geoinfinite.models import from_pretrained

pytestmark = needs("zoomldm")
SAME = 1e-5
GUIDANCE = 2.0
NATIVE_M = 1.0
"""Metres of ground along a pixel of the finest magnification; every other sees 2, 4 or 8 times as much."""


@pytest.fixture(scope="module")
def given() -> dict[str, Tensor]:
    return reference("zoomldm")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return converted("zoomldm", tmp_path_factory.mktemp("ema"))


def told(folder: Path, given: dict[str, Tensor], grid: str, magnification: int) -> Any:
    return bound(folder, {"embedding": tuple(given[f"ssl_feat_{grid}"])}, NATIVE_M * 2**magnification)


@pytest.mark.parametrize(
    ("grid", "magnification", "tokens"),
    [
        ("level0", 0, "level0"),
        ("level0", 3, "level0_mag3"),
        ("level1", 1, "level1"),
        ("level2", 2, "level2"),
        ("level2_rect", 2, "level2_rect"),
        ("level3", 3, "level3"),
        ("level3_pooled", 3, "level3_pooled"),
    ],
)
def test_the_tokens_of_every_magnification(
    folder: Path, given: dict[str, Tensor], grid: str, magnification: int, tokens: str
) -> None:
    tiles = told(folder, given, grid, magnification)
    assert off(tiles.said.compiled[0].rows, given[f"summarizer_tokens_{tokens}"]) < SAME


@pytest.mark.parametrize("level", [0, 1, 3])
def test_the_network(folder: Path, given: dict[str, Tensor], level: int) -> None:
    tiles = told(folder, given, f"level{level}", level)
    found = answer(tiles, given["sample"], given["timestep"])
    assert off(found, given[f"eps_level{level}_ema"]) < SAME
    # The raw weights are others.
    assert off(found, given[f"eps_level{level}"]) > 1e-3


def test_raw_weights_when_asked_for(given: dict[str, Tensor], tmp_path: Path) -> None:
    raw = converted("zoomldm", tmp_path, weights="raw")
    for level in (0, 1, 3):
        found = answer(told(raw, given, f"level{level}", level), given["sample"], given["timestep"])
        assert off(found, given[f"eps_level{level}"]) < SAME


def test_where_nothing_is_known(folder: Path, given: dict[str, Tensor]) -> None:
    nothing = bound(folder, {"embedding": (None, None)}, NATIVE_M * 2)
    found = answer(nothing, given["sample"], given["timestep"])
    assert off(found, given["eps_uncond_ema"]) < SAME


def test_guidance(folder: Path, given: dict[str, Tensor]) -> None:
    found = guided_answer(
        told(folder, given, "level1", 1), given["sample"], given["timestep"], {"embedding": 2.0}
    )
    assert off(found, given["eps_cfg2_level1_ema"]) < SAME * (2 * 2.0 - 1)


def test_codes_and_decoded_images(folder: Path, given: dict[str, Tensor]) -> None:
    check_codes(told(folder, given, "level1", 1), given)


def test_sampling_is_as_published(folder: Path) -> None:
    model = from_pretrained(folder)
    settings, noise = model.default_sampler(), model.sampling()
    assert noise is not None
    assert (noise.solver, settings.steps, settings.guidance) == ("plms", 50, GUIDANCE)
