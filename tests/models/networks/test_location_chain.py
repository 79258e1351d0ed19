"""GeoSynth's location branch against its original classes."""

from __future__ import annotations

import published
import pytest
import torch
from stock_networks import control_of, unet_of

from geoinfinite.errors import ModelError
from geoinfinite.models.networks.location_chain import LocationChain

SYSTEM, CHECKPOINT, CONFIG = "geosynth_location", "geosynth_osm_text_loc-v2.ckpt", "cldm_v21.yaml"
TAPS = [*(f"{i:02d}" for i in range(12)), "mid"]
pytestmark = published.needs(SYSTEM)


@pytest.fixture(scope="module")
def given():
    return published.given(SYSTEM)


@pytest.fixture(scope="module")
def state():
    return published.ldm_state(SYSTEM, CHECKPOINT)


@pytest.fixture(scope="module")
def tensors(state):
    return published.under(published.cut(state, "control_model."), "loc_")


@pytest.fixture(scope="module")
def chain(tensors):
    return LocationChain.sized(LocationChain.renamed(tensors)[0])


@pytest.fixture(scope="module")
def networks(state):
    config = published.ldm_config(SYSTEM, CONFIG)["model"]["params"]
    return unet_of(state, config["unet_config"]["params"]), control_of(
        state, config["control_stage_config"]["params"]
    )


def time_of(control, given):
    return control.time_embedding(control.time_proj(given["timestep"]))


def test_shares_of_every_residual(chain, networks, given) -> None:
    shares = chain(given["location_embedding"], time_of(networks[1], given))
    assert len(shares) == len(TAPS)
    for tap, share in zip(TAPS, shares, strict=True):
        assert published.error(share, given[f"location_residual.{tap}"]) < 1e-6


@torch.inference_mode()
def test_the_network_with_and_without_a_place(chain, networks, given) -> None:
    unet, control = networks
    z, time, words = given["sample"], given["timestep"], given["context"]
    down, middle = control(z, time, words, given["hint_uint8"].float() / 255, return_dict=False)
    shares = chain(given["location_embedding"], time_of(control, given))
    nowhere = chain(torch.zeros_like(given["location_embedding"]), time_of(control, given))

    def answer(hint: float, place: float, told=shares):
        both = [hint * a + place * b[..., None, None] for a, b in zip([*down, middle], told, strict=True)]
        return unet(
            z, time, words, down_block_additional_residuals=both[:-1], mid_block_additional_residual=both[-1]
        ).sample

    assert published.error(answer(1, 1), given["eps"]) < 1e-5
    assert published.error(answer(1, 0), given["eps_without_location"]) < 1e-5
    assert published.error(answer(0.6, 1.3), given["eps_scales_0_6_1_3"]) < 1e-5
    # A vector of zeros is a place like any other.
    assert published.error(answer(1, 1, nowhere), given["eps_zero_location_vector"]) < 1e-5
    assert published.error(given["eps_zero_location_vector"], given["eps_without_location"]) > 1e-3


def test_only_what_has_influence_is_kept(tensors) -> None:
    kept, idle = LocationChain.renamed(tensors)
    assert len(idle) == 2 * len(TAPS)
    assert all("query_embed" in name or "key_embed" in name for name in idle)
    assert not any("in_proj" in name for name in kept)
    assert torch.equal(
        kept["blocks.12.value_proj.bias"], tensors["loc_middle_block.cross_attn.in_proj_bias"][64:]
    )


def test_blocks_form_a_chain(tensors, chain, networks, given) -> None:
    swapped = {
        name.replace("loc_blocks.2.", "_")
        .replace("loc_blocks.1.", "loc_blocks.2.")
        .replace("_", "loc_blocks.1.", 1)
        if name.startswith("loc_blocks.2.")
        else name.replace("loc_blocks.1.", "loc_blocks.2."): tensor
        for name, tensor in tensors.items()
    }
    other = LocationChain.sized(LocationChain.renamed(swapped)[0])
    place, time = given["location_embedding"], time_of(networks[1], given)
    assert published.error(other(place, time)[2], chain(place, time)[1]) > 1e-3


def test_a_tile_does_not_depend_on_its_neighbours(chain, networks, given) -> None:
    place, time = given["location_embedding"], time_of(networks[1], given)
    together = chain(place, time)
    for row in range(len(place)):
        alone = chain(place[row : row + 1], time[row : row + 1])
        for one, both in zip(alone, together, strict=True):
            # Relative to values of up to 5.
            assert published.error(one, both[row : row + 1]) < 5e-6


def test_autocast_leaves_it_alone(chain, networks, given) -> None:
    place, time = given["location_embedding"], time_of(networks[1], given)
    with torch.autocast("cpu", torch.bfloat16):
        shares = chain(place, time)
    assert all(torch.equal(a, b) for a, b in zip(shares, chain(place, time), strict=True))


def test_tensors_that_make_no_chain(tensors) -> None:
    without = {name: tensor for name, tensor in tensors.items() if "loc_blocks.4." not in name}
    with pytest.raises(ModelError, match=r"the location chain lacks the tensor 'blocks\.4\.ff_zero\.weight'"):
        LocationChain.sized(LocationChain.renamed(without)[0])
    more = tensors | {"loc_blocks.0.norm3.weight": torch.ones(32)}
    with pytest.raises(ModelError, match=r"has no place for the tensor 'blocks\.0\.norm3\.weight'"):
        LocationChain.sized(LocationChain.renamed(more)[0])
