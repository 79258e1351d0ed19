"""Metadata as DiffusionSat embeds them, against its original classes."""

from __future__ import annotations

import published
import pytest
import torch

from geoinfinite.errors import ModelError
from geoinfinite.models.networks.metadata_embedder import MetadataEmbedder, sinusoids

SYSTEM = "diffusionsat_unet"
pytestmark = published.needs(SYSTEM)


@pytest.fixture(scope="module")
def tensors() -> dict[str, torch.Tensor]:
    state = published.folder_state(SYSTEM, "unet")
    kept, idle = MetadataEmbedder.renamed(published.under(state, "metadata_embedding."))
    assert not idle
    return kept


@pytest.fixture(scope="module")
def given() -> dict[str, torch.Tensor]:
    return published.given(SYSTEM)


def test_embeddings_of_every_item_and_their_sum(tensors, given) -> None:
    embedder = MetadataEmbedder.sized(tensors)
    each = torch.stack(embedder.each(given["metadata"]), 1)
    assert published.error(each, given["metadata_embedding_each"]) < 1e-6
    assert published.error(embedder(given["metadata"]), given["metadata_embedding_sum"]) < 2e-6


def test_the_control_network_embeds_both_vectors_with_its_own() -> None:
    given = published.given("diffusionsat_controlnet")
    state = published.folder_state("diffusionsat_controlnet", "controlnet")
    kept, _ = MetadataEmbedder.renamed(published.under(state, "metadata_embedding."))
    embedder = MetadataEmbedder.sized(kept)
    for told in ("metadata", "cond_metadata"):
        assert published.error(embedder(given[told]), given[f"{told}_embedding_sum"]) < 2e-6


def test_a_missing_item_goes_through_its_embedder(tensors, given) -> None:
    embedder = MetadataEmbedder.sized(tensors)
    skipped = torch.stack(embedder.each(given["metadata"]), 1)
    skipped[given["metadata"] == 0] = 0
    assert published.error(skipped.sum(1), given["metadata_embedding_sum"]) > 0.1


def test_autocast_leaves_it_alone(tensors, given) -> None:
    embedder = MetadataEmbedder.sized(tensors)
    exact = embedder(given["metadata"])
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(embedder(given["metadata"]), exact)


def test_a_tile_does_not_depend_on_its_neighbours(tensors, given) -> None:
    embedder = MetadataEmbedder.sized(tensors)
    alone = torch.cat([embedder(row[None]) for row in given["metadata"]])
    assert published.error(alone, embedder(given["metadata"])) < 1e-6


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.pop("3.linear_2.bias"), "lacks the tensor '3.linear_2.bias'"),
        (lambda t: t.update({"0.linear_3.bias": t["0.linear_2.bias"]}), "no place for .*'0.linear_3.bias'"),
        (lambda t: t.update({"6.linear_1.weight": t["6.linear_1.weight"][:, 1:]}), r"holds \(64, 15\)"),
        (lambda t: t.pop("0.linear_1.weight"), "lacks the tensor '0.linear_1.weight'"),
    ],
)
def test_tensors_that_make_no_embedder(tensors, change, says) -> None:
    changed = dict(tensors)
    change(changed)
    with pytest.raises(ModelError, match=f"the metadata embedder .*{says}.*; copy the whole checkpoint"):
        MetadataEmbedder.sized(changed)


def test_sinusoids_are_those_of_the_time() -> None:
    from diffusers.models.embeddings import Timesteps

    numbers = torch.tensor([0.0, 925.8798, 345.2111, 0.5])
    assert torch.equal(sinusoids(numbers, 32), Timesteps(32, True, 0)(numbers))
    # A year that was rounded to half precision is another one.
    assert float((sinusoids(numbers, 32) - sinusoids(numbers.half().float(), 32)).abs().max()) > 0.02


def test_an_odd_number_of_channels() -> None:
    tensors = {"0.linear_1.weight": torch.ones(4, 3)}
    with pytest.raises(ModelError, match=r"an even number of channels, and '0\.linear_1\.weight' takes 3"):
        MetadataEmbedder.sized(tensors)
