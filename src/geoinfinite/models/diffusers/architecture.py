"""What the ``config.json`` of a network may say: types, ranges and sizes, checked before it is built."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from geoinfinite.errors import ModelError
from geoinfinite.models.diffusers.architecture_told import BLOCKS, CONTROL, UNET_CONDITION
from geoinfinite.models.schema import (
    FLAG,
    Anything,
    Either,
    ListOf,
    Number,
    OneOf,
    Rule,
    Whole,
    check_values,
    optional,
    shortened,
)

LAYERS = 64
"""Most layers of all resolutions together."""
_CHANNELS, _BANDS = Whole(1, 16_384), Whole(1, 4096)
_EPSILON = Number(0, 1, positive=True)
_ACTIVATION = OneOf(("silu", "swish", "mish", "gelu", "relu"))
_SIZE = Whole(1, 65_536)
_SIZES = optional(Either(_SIZE, ListOf(_SIZE, 2, 2)))

_DOWN = OneOf(
    (
        "DownBlock2D",
        "AttnDownBlock2D",
        "ResnetDownsampleBlock2D",
        "SkipDownBlock2D",
        "AttnSkipDownBlock2D",
        "KDownBlock2D",
    )
)
_UP = OneOf(
    (
        "UpBlock2D",
        "AttnUpBlock2D",
        "ResnetUpsampleBlock2D",
        "SkipUpBlock2D",
        "AttnSkipUpBlock2D",
        "KUpBlock2D",
    )
)
_ENCODER = OneOf(("DownEncoderBlock2D", "AttnDownEncoderBlock2D"))
_DECODER = OneOf(("UpDecoderBlock2D", "AttnUpDecoderBlock2D"))

UNET: dict[str, Rule] = {
    "sample_size": _SIZES,
    "in_channels": _BANDS,
    "out_channels": _BANDS,
    "center_input_sample": FLAG,
    "time_embedding_type": OneOf(("positional",)),
    "time_embedding_dim": optional(_SIZE),
    "freq_shift": Number(0, 1),
    "flip_sin_to_cos": FLAG,
    "down_block_types": ListOf(_DOWN, 1, BLOCKS),
    "mid_block_type": OneOf((None, "UNetMidBlock2D")),
    "up_block_types": ListOf(_UP, 1, BLOCKS),
    "block_out_channels": ListOf(_CHANNELS, 1, BLOCKS),
    "layers_per_block": Whole(1, 16),
    "mid_block_scale_factor": Number(0, 1e3, positive=True),
    "downsample_padding": Whole(0, 1),
    "downsample_type": OneOf(("conv", "resnet")),
    "upsample_type": OneOf(("conv", "resnet")),
    "dropout": Number(0, 1),
    "act_fn": _ACTIVATION,
    "attention_head_dim": optional(_CHANNELS),
    "norm_num_groups": _CHANNELS,
    "attn_norm_num_groups": optional(_CHANNELS),
    "norm_eps": _EPSILON,
    "resnet_time_scale_shift": OneOf(("default", "scale_shift")),
    "add_attention": FLAG,
    "class_embed_type": OneOf((None, "timestep")),
    "num_class_embeds": optional(Whole(1, 4096)),
    "num_train_timesteps": optional(Whole(1, 100_000)),
}
_CODER: dict[str, Rule] = {
    "in_channels": _BANDS,
    "out_channels": _BANDS,
    "down_block_types": ListOf(_ENCODER, 1, BLOCKS),
    "up_block_types": ListOf(_DECODER, 1, BLOCKS),
    "block_out_channels": ListOf(_CHANNELS, 1, BLOCKS),
    "layers_per_block": Whole(1, 16),
    "act_fn": _ACTIVATION,
    "latent_channels": _BANDS,
    "norm_num_groups": _CHANNELS,
    "sample_size": _SIZES,
    "scaling_factor": Number(0, 1e6, positive=True),
    "force_upcast": FLAG,
    "mid_block_add_attention": FLAG,
}
KL: dict[str, Rule] = _CODER | {
    "shift_factor": optional(Number(-1e6, 1e6)),
    "latents_mean": optional(ListOf(Number(-1e6, 1e6), 1, 4096)),
    "latents_std": optional(ListOf(Number(0, 1e6, positive=True), 1, 4096)),
    "use_quant_conv": FLAG,
    "use_post_quant_conv": FLAG,
}
VQ: dict[str, Rule] = _CODER | {
    "num_vq_embeddings": Whole(1, 2**20),
    "vq_embed_dim": optional(_BANDS),
    "norm_type": OneOf(("group",)),
    "lookup_from_codebook": FLAG,
}
TINY: dict[str, Rule] = {
    "in_channels": _BANDS,
    "out_channels": _BANDS,
    "encoder_block_out_channels": ListOf(_CHANNELS, 1, BLOCKS),
    "decoder_block_out_channels": ListOf(_CHANNELS, 1, BLOCKS),
    "act_fn": _ACTIVATION,
    "upsample_fn": OneOf(("nearest",)),
    "latent_channels": _BANDS,
    "upsampling_scaling_factor": OneOf((2,)),
    "num_encoder_blocks": ListOf(Whole(1, 16), 1, BLOCKS),
    "num_decoder_blocks": ListOf(Whole(1, 16), 1, BLOCKS),
    "latent_magnitude": Anything(),
    "latent_shift": Anything(),
    "force_upcast": FLAG,
    "scaling_factor": Number(0, 1e6, positive=True),
    "shift_factor": Number(-1e6, 1e6),
}
RULES: dict[str, dict[str, Rule]] = {
    "UNet2DModel": UNET,
    "UNet2DConditionModel": UNET_CONDITION,
    "ControlNetModel": CONTROL,
    "AutoencoderKL": KL,
    "VQModel": VQ,
    "AutoencoderTiny": TINY,
}
"""Class -> key of its ``config.json`` -> what the value must be."""

_TOLD_CHANNELS = (320, 640, 1280, 1280)
_DEFAULT_LAYERS = {"UNet2DModel": 2, "UNet2DConditionModel": 2, "ControlNetModel": 2}
_DEFAULT_CHANNELS = {
    "UNet2DModel": (224, 448, 672, 896),
    "UNet2DConditionModel": _TOLD_CHANNELS,
    "ControlNetModel": _TOLD_CHANNELS,
}
_DEFAULT_BLOCKS = dict.fromkeys((*_DEFAULT_CHANNELS, "AutoencoderTiny"), 4)
_REFUSED = {
    "SatUNet": "it is DiffusionSat's, which is told metadata that a plain network would pass over",
}
_TOGETHER = (
    ("down_block_types", "up_block_types", "block_out_channels"),
    ("encoder_block_out_channels", "num_encoder_blocks"),
    ("decoder_block_out_channels", "num_decoder_blocks", "num_encoder_blocks"),
)
"""Lists of one entry per resolution, which must be equally long."""


def check_architecture(where: Path, found: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return the class of a network and the keys that it reads; keys of no class are left out.

    Raises `ModelError` for another class, and for a value of a wrong type, range or size.
    """
    name = found.get("_class_name")
    if name not in names:
        why = _REFUSED.get(str(name), "networks of other classes are not read")
        raise ModelError(f"{where}: _class_name={shortened(name)} is not one of {', '.join(names)}; {why}")
    rules = RULES[str(name)]
    config = check_values(where, found, rules)
    _check_lengths(where, str(name), rules, config)
    blocks = len(config.get("block_out_channels", range(_DEFAULT_BLOCKS.get(str(name), 1))))
    layers = config.get("layers_per_block", _DEFAULT_LAYERS.get(str(name), 1)) * blocks
    if layers > LAYERS:
        raise ModelError(
            f"{where}: layers_per_block makes {layers} layers, more than the {LAYERS} that are read"
        )
    groups = config.get("norm_num_groups", 32)
    for channels in config.get("block_out_channels", _DEFAULT_CHANNELS.get(str(name), (64,))):
        if name != "AutoencoderTiny" and channels % groups:
            raise ModelError(
                f"{where}: norm_num_groups={groups} must divide every one of block_out_channels, and "
                f"{channels} is not; copy the checkpoint again"
            )
    return {"_class_name": name, **config}


def _check_lengths(where: Path, name: str, rules: Mapping[str, Rule], config: Mapping[str, Any]) -> None:
    usual = _DEFAULT_BLOCKS.get(name, 1)
    for keys in _TOGETHER:
        lengths = {key: len(config[key]) if key in config else usual for key in keys if key in rules}
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"{key} has {length}" for key, length in lengths.items())
            raise ModelError(f"{where}: {said} values; they must be equally many, one for every resolution")
