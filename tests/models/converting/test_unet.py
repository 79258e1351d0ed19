"""U-Nets: names and answers against networks of our own, names against diffusers' converter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from converted import loaded, marked, marks
from ldm_networks import UNet, rolled

from geoinfinite.errors import ModelError
from geoinfinite.models.converting.unet import unet_part

SMALL: dict[str, Any] = {
    "in_channels": 3,
    "out_channels": 5,
    "model_channels": 32,
    "attention_resolutions": [1, 2],
    "num_res_blocks": 1,
    "channel_mult": [1, 2],
    "num_heads": 2,
    "use_spatial_transformer": True,
    "transformer_depth": 1,
    "context_dim": 24,
}
KINDS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "three blocks, attention on the coarsest": {"num_res_blocks": 3, "attention_resolutions": [2]},
    "attention in the middle only": {"attention_resolutions": [64], "channel_mult": [1, 2, 1]},
    "attention between": {"attention_resolutions": [2], "channel_mult": [1, 2, 3]},
    "two transformer blocks, linear": {"transformer_depth": 2, "use_linear_in_transformer": True},
    "depths by level": {"transformer_depth": [1, 3], "num_res_blocks": 2},
    "heads by width": {"num_head_channels": 16, "num_heads": -1, "channel_mult": [1, 3]},
    "one level": {"channel_mult": [1], "attention_resolutions": [1]},
}
STABLE_1: dict[str, Any] = SMALL | {
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 320,
    "attention_resolutions": [4, 2, 1],
    "num_res_blocks": 2,
    "channel_mult": [1, 2, 4, 4],
    "num_heads": 8,
    "context_dim": 768,
}
PUBLISHED: dict[str, dict[str, Any]] = {
    "stable diffusion 1.5": STABLE_1,
    "stable diffusion 2.1": STABLE_1
    | {"num_head_channels": 64, "num_heads": -1, "use_linear_in_transformer": True, "context_dim": 1024},
    "imagenet": STABLE_1
    | {
        "in_channels": 3,
        "out_channels": 3,
        "model_channels": 192,
        "attention_resolutions": [8, 4, 2],
        "channel_mult": [1, 2, 3, 5],
        "num_heads": 1,
        "context_dim": 512,
    },
    "depth 2": STABLE_1 | {"transformer_depth": 2, "channel_mult": [1, 2]},
    "attention at one scale": STABLE_1 | {"attention_resolutions": [4], "channel_mult": [1, 2, 4]},
    "one block": STABLE_1 | {"num_res_blocks": 1, "channel_mult": [1, 2]},
    "three blocks": STABLE_1 | {"num_res_blocks": 3, "channel_mult": [1, 2]},
}
COUNTS = {"stable diffusion 1.5": 686, "stable diffusion 2.1": 686, "imagenet": 688}
"""Tensors of the published files."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_converted_network_answers_as_the_published_one(kind: str, tmp_path: Path) -> None:
    said = SMALL | KINDS[kind]
    wanted = rolled(UNet({k: v for k, v in said.items() if v != -1}), seed=5)
    network = loaded(unet_part(said, wanted.state_dict()), tmp_path)
    noise = torch.Generator().manual_seed(2)
    x, words = (torch.randn(2, *s, generator=noise) for s in ((3, 8, 12), (7, 24)))
    t = torch.tensor([481.0, 3.0])
    found, answer = network(x, t, words).sample, wanted(x, t, words)
    assert float(answer.std()) > 0.1
    assert float((found - answer).abs().max()) < 1e-5


@pytest.mark.parametrize("kind", PUBLISHED)
def test_names_are_those_of_diffusers_own_converter(kind: str) -> None:
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

    said = PUBLISHED[kind]
    with torch.device("meta"):
        shapes = UNet({k: v for k, v in said.items() if v != -1}).state_dict()
    tensors = marked({name: tensor.shape for name, tensor in shapes.items()})
    part = unet_part(said, tensors)
    theirs = convert_ldm_unet_checkpoint(
        {f"model.diffusion_model.{name}": tensor for name, tensor in tensors.items()},
        {**(part.config or {}), "class_embed_type": None, "addition_embed_type": None},
    )
    assert len(tensors) == len(part.tensors) == COUNTS.get(kind, len(tensors))
    assert marks(part.tensors) == marks(theirs)


def test_stable_diffusions_own_configuration() -> None:
    with torch.device("meta"):
        tensors = UNet(STABLE_1).state_dict()
    config = unet_part(STABLE_1 | {"image_size": 32}, tensors, sample_size=64).config or {}
    # As unet/config.json of the published pipeline has them.
    assert config["down_block_types"] == ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"]
    assert config["up_block_types"] == ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3
    assert (config["block_out_channels"], config["sample_size"]) == ([320, 640, 1280, 1280], 64)
    assert config["attention_head_dim"] == [8] * 4


def network_tensors() -> dict[str, torch.Tensor]:
    return rolled(UNet(SMALL), seed=5).state_dict()


def test_a_missing_tensor_is_named_as_the_file_does() -> None:
    tensors = network_tensors()
    del tensors["output_blocks.1.0.emb_layers.1.bias"]
    with pytest.raises(ModelError, match=r"'output_blocks.1.0.emb_layers.1.bias' is missing.*shape \[64\]"):
        unet_part(SMALL, tensors)


def test_a_tensor_too_many_is_named() -> None:
    extra = {"label_emb.0.0.weight": torch.zeros(2)}
    with pytest.raises(ModelError, match=r"'label_emb.0.0.weight' has no place"):
        unet_part(SMALL, network_tensors() | extra)


def test_a_tensor_of_another_shape_is_named_also_if_it_has_as_many_values() -> None:
    tensors = network_tensors()
    name = "input_blocks.3.1.transformer_blocks.0.attn2.to_k.weight"
    with pytest.raises(ModelError, match=rf"'{name}' has shape \[24, 64\].* it is \[64, 24\]"):
        unet_part(SMALL, tensors | {name: tensors[name].T})
    name = "input_blocks.3.0.skip_connection.weight"
    with pytest.raises(ModelError, match=rf"'{name}' has shape \[32, 64, 1, 1\]"):
        unet_part(SMALL, tensors | {name: tensors[name].transpose(0, 1)})


def test_whole_numbers_are_no_weights() -> None:
    whole = {"out.2.bias": torch.zeros(5, dtype=torch.int64)}
    with pytest.raises(ModelError, match=r"'out.2.bias' holds int64, and no real numbers"):
        unet_part(SMALL, network_tensors() | whole)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"channel_mult": [2, 4]}, r"channel_mult=\[2, 4\] must begin with 1"),
        ({"model_channels": 48}, r"model_channels=48 must make widths that are multiples of 32"),
        ({"model_channels": "32"}, r"model_channels='32' must be a whole number"),
        ({"num_heads": 3}, r"num_heads=3 must divide the widths \[32, 64\]"),
        ({"num_heads": -1}, r"num_heads=-1 or num_head_channels must be above 0"),
        ({"num_head_channels": 24}, r"num_head_channels=24 must divide"),
        ({"num_res_blocks": [1, 2]}, r"num_res_blocks=\[1, 2\] must be one number"),
        ({"transformer_depth": [1]}, r"transformer_depth=\[1\] must have 2 values"),
        ({"context_dim": [24, 25]}, r"context_dim=\[24, 25\] must be one number"),
        ({"use_spatial_transformer": False}, r"use_spatial_transformer=False must be true"),
        ({"use_scale_shift_norm": True}, r"use_scale_shift_norm=True must be one of"),
        ({"num_classes": 1000}, r"num_classes=1000 must be null"),
        ({"channel_mult": []}, r"channel_mult=\[\] must be a list of 1 to 8"),
        ({"attention_resolutions": [True]}, r"attention_resolutions=\[True\] must be a list"),
    ],
)
def test_settings_that_diffusers_has_no_network_for_are_refused(
    changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        unet_part(SMALL | changed, network_tensors())


def test_a_setting_that_is_not_there_is_named() -> None:
    said = {key: value for key, value in SMALL.items() if key != "context_dim"}
    with pytest.raises(ModelError, match=r"the settings: context_dim is missing; it must be a whole number"):
        unet_part(said, network_tensors())


def test_what_has_no_effect_on_a_drawing_is_passed_over() -> None:
    said = SMALL | {"use_fp16": True, "use_checkpoint": True, "ckpt_path": "/nowhere", "legacy": False}
    assert unet_part(said, network_tensors()).config == unet_part(SMALL, network_tensors()).config


def test_one_head_of_any_width_is_taken() -> None:
    part = unet_part(SMALL | {"num_heads": 1}, network_tensors())
    assert (part.config or {})["attention_head_dim"] == [1, 1]


def test_half_precision_stays() -> None:
    half = {name: tensor.half() for name, tensor in network_tensors().items()}
    assert {tensor.dtype for tensor in unet_part(SMALL, half).tensors.values()} == {torch.float16}
