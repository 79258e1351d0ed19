"""Large-Image-Diffusion's embedder against its original class."""

from __future__ import annotations

import published
import pytest
import torch

from geoinfinite.errors import ModelError
from geoinfinite.models.networks.patch_embedder import PatchEmbedder

SYSTEM = "large_image_diffusion"
pytestmark = published.needs(SYSTEM)


@pytest.fixture(scope="module")
def given():
    return published.given(SYSTEM)


@pytest.fixture(scope="module")
def tensors():
    state = published.ldm_state(SYSTEM, "naip_ssl/checkpoints/last.ckpt")
    kept, idle = PatchEmbedder.renamed(published.under(state, "cond_stage_model."))
    assert not idle
    return kept


def test_tokens(tensors, given) -> None:
    embedder = PatchEmbedder.sized(tensors)
    assert published.error(embedder(given["ssl_embedding"]), given["tokens"]) < 1e-6
    assert published.error(embedder(given["window_embedding_slerp"]), given["window_tokens"]) < 1e-6
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(embedder(given["ssl_embedding"]), embedder(given["ssl_embedding"]))
        assert published.error(embedder(given["ssl_embedding"]), given["tokens"]) < 1e-6


def test_nothing_said_is_a_vector_of_zeros(tensors, given) -> None:
    embedder = PatchEmbedder.sized(tensors)
    zeros = torch.zeros_like(given["ssl_embedding"])
    for null in (embedder(zeros), embedder.null(len(zeros))):
        assert torch.equal(null, given["tokens_uncond"])
    assert torch.equal(null[0, 0], tensors["patch_fc.bias"])
    assert float(null.abs().max()) > 0.1


def test_a_tile_does_not_depend_on_its_neighbours(tensors, given) -> None:
    embedder = PatchEmbedder.sized(tensors)
    alone = torch.cat([embedder(row[None]) for row in given["ssl_embedding"]])
    assert published.error(alone, embedder(given["ssl_embedding"])) < 1e-6


def test_length_is_no_information_but_direction_is(tensors, given) -> None:
    embedder, vectors = PatchEmbedder.sized(tensors), given["ssl_embedding"]
    assert published.error(embedder(7 * vectors), given["tokens"]) < 1e-6
    # Standardised, as ZoomLDM does, they would be other tokens.
    standard = (vectors - vectors.mean(-1, keepdim=True)) / vectors.std(-1, keepdim=True)
    assert published.error(embedder(standard), given["tokens"]) > 1e-3


def test_without_normalisation(tensors, given) -> None:
    plain = PatchEmbedder.sized(tensors, normalise=False)
    unit = torch.nn.functional.normalize(given["ssl_embedding"], dim=-1)
    assert published.error(plain(unit), given["tokens"]) < 1e-6
    assert published.error(plain(given["ssl_embedding"]), given["tokens"]) > 0.1


def test_the_variant_with_a_region_adds_a_token_of_zeros(tensors, given) -> None:
    region = {
        "cond_stage_model.region_fc.weight": torch.arange(64.0).reshape(32, 2),
        "cond_stage_model.region_fc.bias": torch.arange(32.0) - 7,
    }
    kept, _ = PatchEmbedder.renamed(region)
    tokens = PatchEmbedder.sized(tensors | kept)(given["ssl_embedding"])
    assert tokens.shape == (3, 2, 32)
    assert published.error(tokens[:, :1], given["tokens"]) < 1e-6
    assert torch.equal(tokens[:, 1], (torch.arange(32.0) - 7).expand(3, -1))


def test_tensors_that_make_no_embedder(tensors) -> None:
    with pytest.raises(
        ModelError, match=r"the patch embedder lacks the tensor 'patch_fc\.bias'; copy the whole"
    ):
        PatchEmbedder.sized({"patch_fc.weight": tensors["patch_fc.weight"]})
    with pytest.raises(ModelError, match=r"lacks the tensor 'region_fc\.weight'"):
        PatchEmbedder.sized(tensors | {"region_fc.bias": torch.ones(32)})
