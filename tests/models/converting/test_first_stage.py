"""Autoencoders: answers against networks of our own, names against diffusers' converter."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from converted import loaded, marked, marks
from ldm_coders import Autoencoder
from ldm_networks import rolled

from geoinfinite.errors import ModelError
from geoinfinite.models.converting.first_stage import kl_part, vq_part

CODER: dict[str, Any] = {
    "double_z": False,
    "z_channels": 3,
    "resolution": 32,
    "in_channels": 5,
    "out_ch": 4,
    "ch": 32,
    "ch_mult": [1, 2],
    "num_res_blocks": 1,
    "attn_resolutions": [],
    "dropout": 0.0,
}
VQ: dict[str, Any] = {"embed_dim": 3, "n_embed": 17, "ddconfig": CODER}
KL: dict[str, Any] = {"embed_dim": 3, "ddconfig": CODER | {"double_z": True}}
KINDS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "two blocks, three levels": {"num_res_blocks": 2, "ch_mult": [1, 2, 2]},
    "attention on the coarsest": {"attn_resolutions": [16], "num_res_blocks": 2},
    "attention on the finest": {"attn_resolutions": [32]},
    "one level": {"ch_mult": [1]},
}


def with_coder(params: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return params | {"ddconfig": params["ddconfig"] | changed}


def picture(*shape: int) -> torch.Tensor:
    return torch.randn(2, *shape, generator=torch.Generator().manual_seed(4))


def close(found: torch.Tensor, wanted: torch.Tensor) -> bool:
    assert float(wanted.std()) > 0.05
    return float((found - wanted).abs().max()) < 1e-5 * max(1.0, float(wanted.abs().max()))


@pytest.mark.parametrize("kind", KINDS)
def test_an_autoencoder_with_a_codebook_answers_as_the_published_one(kind: str, tmp_path: Path) -> None:
    params = with_coder(VQ, **KINDS[kind])
    wanted = rolled(Autoencoder(params), seed=8)
    part = vq_part(params, wanted.state_dict())
    network = loaded(part, tmp_path)
    assert part.folder == "vqvae"
    x, z = picture(5, 32, 16), picture(3, 8, 12)
    assert close(network.encode(x).latents, wanted.encode(x))
    assert close(network.decode(z).sample, wanted.decode(z))
    assert torch.equal(network.quantize.embedding.weight, wanted.quantize.embedding.weight)


@pytest.mark.parametrize("kind", ["as it is", "attention on the coarsest"])
def test_an_autoencoder_with_a_normal_code_answers_as_the_published_one(kind: str, tmp_path: Path) -> None:
    params = with_coder(KL, **KINDS[kind])
    wanted = rolled(Autoencoder(params), seed=8)
    part = kl_part(params, wanted.state_dict())
    network = loaded(part, tmp_path)
    assert (part.folder, (part.config or {})["scaling_factor"]) == ("vae", 0.18215)
    x, z = picture(5, 32, 16), picture(3, 8, 12)
    assert close(network.encode(x).latent_dist.parameters, wanted.encode(x))
    assert close(network.decode(z).sample, wanted.decode(z))


def published(params: dict[str, Any]) -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        shapes = Autoencoder(params).state_dict()
    return marked({name: tensor.shape for name, tensor in shapes.items()})


STABLE = {
    "embed_dim": 4,
    "ddconfig": CODER
    | {"double_z": True, "z_channels": 4, "in_channels": 3, "out_ch": 3, "ch": 128}
    | {"ch_mult": [1, 2, 4, 4], "num_res_blocks": 2, "resolution": 256},
}


def test_stable_diffusions_names_are_those_of_diffusers_own_converter() -> None:
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

    tensors = published(STABLE)
    part = kl_part(STABLE, tensors)
    theirs = convert_ldm_vae_checkpoint(
        {f"first_stage_model.{name}": tensor for name, tensor in tensors.items()}, dict(part.config or {})
    )
    assert len(tensors) == 248
    assert marks(part.tensors) == marks(theirs)


def test_the_published_codebook_has_a_known_layout() -> None:
    params = {"embed_dim": 3, "n_embed": 8192, "ddconfig": STABLE["ddconfig"]}
    params = with_coder(params, double_z=False, z_channels=3, ch_mult=[1, 2, 4])
    tensors = published(params)
    part = vq_part(params, tensors)
    assert len(tensors) == 205
    assert (part.config or {})["scaling_factor"] == 1.0
    # As diffusers' own VQModel of these sizes lays its tensors out.
    layout = "\n".join(f"{name} {list(part.tensors[name].shape)}" for name in sorted(part.tensors))
    assert hashlib.sha256(layout.encode()).hexdigest()[:16] == "5a17f3f0d3618dc7"


def test_attention_that_was_saved_as_matrices_is_taken_too() -> None:
    tensors = rolled(Autoencoder(KL), seed=8).state_dict()
    flat = {name: t[..., 0, 0] if ".attn_1." in name and t.dim() == 4 else t for name, t in tensors.items()}
    assert marks(kl_part(KL, flat).tensors) == marks(kl_part(KL, tensors).tensors)


def test_what_only_its_training_needed_is_left_out() -> None:
    tensors = Autoencoder(VQ).state_dict()
    loss = {"loss.discriminator.main.0.weight": torch.zeros(3), "loss.logvar": torch.zeros(1)}
    assert vq_part(VQ, tensors | loss).tensors.keys() == vq_part(VQ, tensors).tensors.keys()


def test_a_missing_codebook_is_named() -> None:
    tensors = Autoencoder(VQ).state_dict()
    del tensors["quantize.embedding.weight"]
    with pytest.raises(ModelError, match=r"'quantize.embedding.weight' is missing"):
        vq_part(VQ, tensors)


def test_a_convolution_turned_round_is_named() -> None:
    tensors = Autoencoder(VQ).state_dict()
    name = "decoder.up.1.block.0.norm1.weight"
    with pytest.raises(ModelError, match=rf"'{name}' has shape \[8, 8\].* \[64\]"):
        vq_part(VQ, tensors | {name: tensors[name].reshape(8, 8)})
    name = "encoder.conv_in.weight"
    with pytest.raises(ModelError, match=rf"'{name}' has shape \[5, 32, 3, 3\].* \[32, 5, 3, 3\]"):
        vq_part(VQ, tensors | {name: tensors[name].transpose(0, 1)})


@pytest.mark.parametrize(
    ("make", "params", "message"),
    [
        (vq_part, with_coder(VQ, ch_mult=[2, 2]), r"ddconfig: ch_mult=\[2, 2\] with ch=32 must begin with 1"),
        (vq_part, with_coder(VQ, ch=33), r"ch_mult=\[1, 2\] with ch=33 .* multiples of 32"),
        (vq_part, with_coder(VQ, double_z=True), r"double_z=True must be false"),
        (kl_part, with_coder(KL, double_z=False), r"double_z=False must be true"),
        (kl_part, KL | {"embed_dim": 4}, r"embed_dim=4 must be 3"),
        (vq_part, {"embed_dim": 3, "ddconfig": CODER}, r"n_embed is missing"),
        (vq_part, {"embed_dim": 3, "n_embed": 17}, r"ddconfig=None must be a table"),
        (vq_part, with_coder(VQ, tanh_out=True), r"tanh_out=True must be false"),
        (vq_part, with_coder(VQ, num_res_blocks=2.0), r"num_res_blocks=2.0 must be a whole number"),
        (vq_part, with_coder(VQ, resolution="32"), r"resolution='32' must be a whole number"),
    ],
)
def test_settings_that_diffusers_has_no_network_for_are_refused(
    make: Any, params: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        make(params, {})


def test_levels_of_attention_are_meant_by_the_size_of_the_training() -> None:
    coder = {key: value for key, value in CODER.items() if key != "resolution"} | {"attn_resolutions": [16]}
    with pytest.raises(ModelError, match=r"resolution is missing, by which attn_resolutions are meant"):
        vq_part(VQ | {"ddconfig": coder}, {})
