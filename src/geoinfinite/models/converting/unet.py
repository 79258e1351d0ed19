"""The U-Net of latent diffusion, under diffusers' names.

Rombach et al. 2022, ``openaimodel.UNetModel`` with spatial transformers: blocks are counted through, level by
level, where diffusers counts levels and blocks within them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor

from geoinfinite.models.converting.architecture import Architecture
from geoinfinite.models.converting.fitting import fitted
from geoinfinite.models.converting.parts import Part

_RESIDUAL = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}


def unet_part(
    params: Mapping[str, Any], tensors: Mapping[str, Tensor], *, sample_size: int | None = None
) -> Part:
    """Return the U-Net of the settings ``unet_config.params``.

    ``tensors`` are those of ``model.diffusion_model.``, without it. ``sample_size`` is the side of a latent
    in training: the ``image_size`` of the whole model, which that of the network need not be. Raises
    `ModelError` for settings that diffusers has no network for, and tensors that are not as they say.
    """
    made = Architecture.of(params, "out_channels")
    config = {
        "_class_name": "UNet2DConditionModel",
        "out_channels": made.said["out_channels"],
        "sample_size": sample_size or made.said.get("image_size"),
        "up_block_types": [
            "CrossAttnUpBlock2D" if attended else "UpBlock2D" for attended in reversed(made.attended)
        ],
        **made.shared(),
    }
    table = dict(modules(made))
    return Part("unet", config, fitted(config, tensors, lambda name: old_name(name, table)))


def modules(made: Architecture) -> Iterator[tuple[str, str]]:
    """Give all modules, by diffusers' names, with ldm's."""
    yield from first_half(made)
    yield from _second_half(made)


def first_half(made: Architecture) -> Iterator[tuple[str, str]]:
    """Give modules down to the coarsest resolution, by diffusers' names: what a ControlNet has too."""
    yield "time_embedding.linear_1", "time_embed.0"
    yield "time_embedding.linear_2", "time_embed.2"
    yield "conv_in", "input_blocks.0.0"
    count = 1
    for level, attended in enumerate(made.attended):
        block = f"down_blocks.{level}"
        for layer in range(made.blocks):
            yield f"{block}.resnets.{layer}", f"input_blocks.{count}.0"
            if attended:
                yield f"{block}.attentions.{layer}", f"input_blocks.{count}.1"
            count += 1
        if level < made.levels - 1:
            yield f"{block}.downsamplers.0.conv", f"input_blocks.{count}.0.op"
            count += 1
    yield "mid_block.resnets.0", "middle_block.0"
    yield "mid_block.attentions.0", "middle_block.1"
    yield "mid_block.resnets.1", "middle_block.2"


def _second_half(made: Architecture) -> Iterator[tuple[str, str]]:
    count = 0
    for level, attended in enumerate(reversed(made.attended)):
        block = f"up_blocks.{level}"
        for layer in range(made.blocks + 1):
            yield f"{block}.resnets.{layer}", f"output_blocks.{count}.0"
            if attended:
                yield f"{block}.attentions.{layer}", f"output_blocks.{count}.1"
            if level < made.levels - 1 and layer == made.blocks:
                yield f"{block}.upsamplers.0.conv", f"output_blocks.{count}.{1 + attended}.conv"
            count += 1
    yield "conv_norm_out", "out.0"
    yield "conv_out", "out.2"


def published_name(params: Mapping[str, Any]) -> Callable[[str], str]:
    """Return what says how ldm calls a tensor of a U-Net.

    That may be one that a project has added to a module. ``params`` are the settings ``unet_config.params``.

    >>> params = {"in_channels": 4, "out_channels": 4, "model_channels": 32, "channel_mult": [1, 2]}
    >>> params |= {"num_res_blocks": 1, "attention_resolutions": [1, 2], "num_heads": 2}
    >>> params |= {"use_spatial_transformer": True, "context_dim": 8}
    >>> published_name(params)("down_blocks.1.attentions.0.own.weight")
    'input_blocks.3.1.own.weight'
    """
    made = Architecture.of(params, "out_channels")
    table = dict(modules(made))
    return lambda name: old_name(name, table)


def old_name(name: str, table: Mapping[str, str]) -> str:
    """Return what ldm calls a tensor of diffusers, from the names of its modules.

    >>> old_name("down_blocks.0.resnets.1.norm1.bias", {"down_blocks.0.resnets.1": "input_blocks.2.0"})
    'input_blocks.2.0.in_layers.0.bias'
    """
    module, rest = name, ""
    while module not in table:
        module, _, last = module.rpartition(".")
        rest = f".{last}{rest}"
        if not module:
            # A tensor that only this version of diffusers has: it is reported under its own name.
            return name
    layer, _, kind = rest.removeprefix(".").rpartition(".")
    if ".resnets." in module and layer in _RESIDUAL:
        rest = f".{_RESIDUAL[layer]}.{kind}"
    return table[module] + rest
