"""The U-Net of latent diffusion that is told no words, under diffusers' names.

Rombach et al. 2022, ``openaimodel.UNetModel`` without spatial transformers: its attention is that of Dhariwal
and Nichol 2021, whose queries, keys and values are one convolution, head after head.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from geoinfinite.errors import ModelError
from geoinfinite.models.converting.architecture import GROUPS, LEVELS, Architecture
from geoinfinite.models.converting.fitting import fitted
from geoinfinite.models.converting.parts import Part, Tensors
from geoinfinite.models.converting.settings import Settings, checked
from geoinfinite.models.converting.unet import modules, old_name
from geoinfinite.models.schema import ListOf, OneOf, Rule, Whole, optional

_OFF = OneOf((False, None, 0))
_RULES: dict[str, Rule] = {
    "in_channels": Whole(1, 4096),
    "out_channels": Whole(1, 4096),
    "model_channels": Whole(1, 16_384),
    "channel_mult": ListOf(Whole(1, 64), 1, LEVELS),
    "num_res_blocks": Whole(1, 16),
    "attention_resolutions": ListOf(Whole(1, 2**16), 0, 64),
    "num_head_channels": Whole(1, 16_384),
    "image_size": optional(Whole(1, 65_536)),
    # What changes a network in ways that its tensors do not always show.
    "dims": OneOf((2,)),
    "conv_resample": OneOf((True,)),
    "use_spatial_transformer": _OFF,
    "use_new_attention_order": _OFF,
    "use_scale_shift_norm": _OFF,
    "resblock_updown": _OFF,
    "num_classes": OneOf((None,)),
    "n_embed": OneOf((None,)),
}
_NEEDED = tuple(_RULES)[:7]
_RENAMED = {"norm": "group_norm", "proj_out": "to_out.0"}


def plain_unet_part(params: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Part:
    """Return the U-Net of the settings ``unet_config.params``, as a `UNet2DModel`.

    ``tensors`` are those of ``model.diffusion_model.``, without it. Raises `ModelError` for settings that
    diffusers has no network for, and tensors that are not as they say.
    """
    where = params.where if isinstance(params, Settings) else Settings.where
    made = Architecture(checked(params, _RULES, _NEEDED), where)
    width = int(made.said["num_head_channels"])
    _check(made, width)
    config = {
        "_class_name": "UNet2DModel",
        "in_channels": made.said["in_channels"],
        "out_channels": made.said["out_channels"],
        "sample_size": made.said.get("image_size"),
        "block_out_channels": made.widths,
        "layers_per_block": made.blocks,
        "down_block_types": ["AttnDownBlock2D" if attended else "DownBlock2D" for attended in made.attended],
        "up_block_types": [
            "AttnUpBlock2D" if attended else "UpBlock2D" for attended in reversed(made.attended)
        ],
        "attention_head_dim": width,
        "norm_num_groups": GROUPS,
        "norm_eps": 1e-5,
        "downsample_padding": 1,
        "flip_sin_to_cos": True,
        "freq_shift": 0,
        "time_embedding_type": "positional",
    }
    table = dict(modules(made))
    attentions = {old for new, old in table.items() if ".attentions." in new}
    apart = _taken_apart(Tensors.of(tensors), attentions, width)
    return Part("unet", config, fitted(config, apart, lambda name: old_name(name, table)))


def _check(made: Architecture, width: int) -> None:
    """Raise `ModelError` for settings of networks that diffusers cannot make."""
    for key, wrong, rule in (
        ("channel_mult", made.said["channel_mult"][0] != 1, "must begin with 1"),
        ("model_channels", any(w % GROUPS for w in made.widths), f"must make multiples of {GROUPS}"),
        ("num_head_channels", any(w % width for w in made.widths), f"must divide the widths {made.widths}"),
    ):
        if wrong:
            raise ModelError(
                f"{made.where}: {key}={made.said[key]} {rule}; use the configuration published with the "
                "weights"
            )


def _taken_apart(tensors: Tensors, attentions: set[str], width: int) -> Tensors:
    """Return tensors with attention by diffusers' names, its queries, keys and values each for themselves.

    The channels of a head lie together in the published convolution: its queries, keys and values.
    """
    joint = [f"{module}.qkv.{kind}" for module in sorted(attentions) for kind in ("weight", "bias")]
    held = {_renamed(name, attentions): _matrix(tensor) for name, tensor in tensors.items()}
    full = {_renamed(name, attentions): _full(tensors, name) for name in tensors}
    for name in joint:
        if name not in tensors:
            raise tensors.misfit(name, "is missing, which the settings ask for")
        tensor = _matrix(held.pop(name))
        if len(tensor) % (3 * width):
            raise tensors.misfit(
                name,
                f"has shape {list(tensor.shape)}, and heads of {width} channels take three times as many",
            )
        heads = tensor.reshape(-1, 3, width, *tensor.shape[1:])
        for index, part in enumerate("qkv"):
            new = name.replace(".qkv.", f".to_{part}.")
            held[new], full[new] = heads[:, index].flatten(0, 1), _full(tensors, name)
    return Tensors(held, tensors.where, full, tensors.prefix)


def _matrix(tensor: Tensor) -> Tensor:
    """Return the matrix that a convolution of one value is; other tensors as they are."""
    return tensor.squeeze(-1) if tensor.ndim == 3 else tensor


def _full(tensors: Tensors, name: str) -> str:
    return tensors.full.get(name, tensors.prefix + name)


def _renamed(name: str, attentions: set[str]) -> str:
    module, _, kind = name.rpartition(".")
    owner, _, layer = module.rpartition(".")
    return f"{owner}.{_RENAMED.get(layer, layer)}.{kind}" if owner in attentions else name
