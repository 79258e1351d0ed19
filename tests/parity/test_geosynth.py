"""GeoSynth-Location from its published checkpoint: a hint, a place, and how strongly each acts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from adapters import answer, base, bound, converted, off, prompts_of
from published import given as reference
from published import needs
from torch import Tensor

from geoinfinite.models import from_pretrained

pytestmark = needs("geosynth_location")
SAME = 1e-5
GUIDANCE = 7.5


@pytest.fixture(scope="module")
def given() -> dict[str, Tensor]:
    return reference("geosynth_location")


@pytest.fixture(scope="module")
def folder(given: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("geosynth")
    return converted("geosynth_location", place, base=base(place / "base", prompts_of(given["context"])))


def told(folder: Path, given: dict[str, Tensor], **strength: float) -> Any:
    slots = {
        "prompt": ("0", "1"),
        "hint": tuple(given["hint_uint8"].float() / 255),
        "location": tuple(given["location_embedding"][:, :, None, None]),
    }
    return bound(folder, slots, strength=strength)


def test_the_network(folder: Path, given: dict[str, Tensor]) -> None:
    tiles = told(folder, given)
    for changes, wanted in (
        ({}, "eps"),
        ({"location": (None, None)}, "eps_without_location"),
        ({"hint": (None, None), "location": (None, None)}, "eps_without_control"),
        ({"location": (given["location_embedding"][0].numpy() * 0,) * 2}, "eps_zero_location_vector"),
    ):
        found = answer(tiles.retold(changes), given["sample"], given["timestep"])
        assert off(found, given[wanted]) < SAME, wanted


def test_strengths_of_hint_and_place(folder: Path, given: dict[str, Tensor]) -> None:
    tiles = told(folder, given, hint=0.6, location=1.3)
    assert off(answer(tiles, given["sample"], given["timestep"]), given["eps_scales_0_6_1_3"]) < SAME


def test_a_zero_vector_is_a_place(given: dict[str, Tensor]) -> None:
    assert off(given["eps_zero_location_vector"], given["eps_without_location"]) > 1e-3


def test_a_place_acts_beside_a_hint_only(folder: Path, given: dict[str, Tensor]) -> None:
    tiles = told(folder, given).retold({"hint": (None, None)})
    assert off(answer(tiles, given["sample"], given["timestep"]), given["eps_without_control"]) < SAME


def test_sampling_is_as_published(folder: Path) -> None:
    model = from_pretrained(folder)
    settings, noise = model.default_sampler(), model.sampling()
    assert noise is not None
    assert (noise.solver, settings.steps, settings.guidance) == ("plms", 50, GUIDANCE)


def test_a_tile_that_is_told_nothing_is_not_told_what_its_neighbour_is(
    folder: Path, given: dict[str, Tensor]
) -> None:
    tiles = told(folder, given)
    hints = tuple((given["hint_uint8"].float() / 255).numpy())
    places = tuple(given["location_embedding"][:, :, None, None].numpy())
    for changes, wanted in (
        ({"location": (None, places[1])}, "eps_without_location"),
        ({"hint": (None, hints[1]), "location": (None, places[1])}, "eps_without_control"),
    ):
        found = answer(tiles.retold(changes), given["sample"], given["timestep"])
        assert off(found[:1], given[wanted][:1]) < SAME, wanted
        assert off(found[1:], given["eps"][1:]) < SAME, wanted
