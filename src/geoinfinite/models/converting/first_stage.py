"""Autoencoders of latent diffusion, under diffusers' names: with a codebook, and with a normal code.

Esser et al. 2021 (``VQModelInterface``) and Rombach et al. 2022 (``AutoencoderKL``) share encoder and
decoder. Levels of the decoder are counted from the finest in ldm, from the coarsest in diffusers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from geoinfinite.errors import ModelError
from geoinfinite.models.converting.architecture import GROUPS, LEVELS
from geoinfinite.models.converting.fitting import fitted
from geoinfinite.models.converting.parts import Part, split
from geoinfinite.models.converting.settings import Settings, checked
from geoinfinite.models.schema import FLAG, ListOf, OneOf, Rule, Whole

STABLE_DIFFUSION = 0.18215
"""What Stable Diffusion multiplies its codes by."""
TRAINING = "loss.*"
"""What an autoencoder was trained with, and no picture needs."""

_CHANNELS, _BANDS = Whole(1, 16_384), Whole(1, 4096)
_RULES: dict[str, Rule] = {
    "z_channels": _BANDS,
    "in_channels": _BANDS,
    "out_ch": _BANDS,
    "ch": _CHANNELS,
    "ch_mult": ListOf(Whole(1, 64), 1, LEVELS),
    "num_res_blocks": Whole(1, 16),
    "attn_resolutions": ListOf(Whole(1, 65_536), 0, 64),
    "resolution": Whole(1, 65_536),
    "double_z": FLAG,
    "resamp_with_conv": OneOf((True,)),
    "use_linear_attn": OneOf((False,)),
    "attn_type": OneOf(("vanilla", "vanilla-xformers")),
    "tanh_out": OneOf((False,)),
    "give_pre_end": OneOf((False,)),
    "use_timestep": OneOf((False,)),
}
_NEEDED = ("z_channels", "in_channels", "out_ch", "ch", "ch_mult", "num_res_blocks", "attn_resolutions")
_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def vq_part(params: Mapping[str, Any], tensors: Mapping[str, Tensor], *, scaling_factor: float = 1.0) -> Part:
    """Return the autoencoder with a codebook of the settings ``first_stage_config.params``.

    ``tensors`` are those of ``first_stage_model.``, without it; ``scaling_factor`` is what its codes are
    multiplied by for the network. Raises `ModelError` as `unet_part` does.
    """
    coder, said = _coder(params, double=False)
    sizes = checked(params, {"n_embed": Whole(1, 2**24), "embed_dim": _BANDS}, ("n_embed", "embed_dim"))
    config = {
        "_class_name": "VQModel",
        "num_vq_embeddings": sizes["n_embed"],
        "vq_embed_dim": sizes["embed_dim"],
        "scaling_factor": scaling_factor,
        **coder,
    }
    return Part("vqvae", config, _fitted(config, tensors, said))


def kl_part(
    params: Mapping[str, Any], tensors: Mapping[str, Tensor], *, scaling_factor: float = STABLE_DIFFUSION
) -> Part:
    """Return the autoencoder with a normal code of the settings ``first_stage_config.params``.

    As `vq_part`.
    """
    coder, said = _coder(params, double=True)
    checked(params, {"embed_dim": OneOf((said["z_channels"],))}, ("embed_dim",))
    config = {"_class_name": "AutoencoderKL", "scaling_factor": scaling_factor, **coder}
    return Part("vae", config, _fitted(config, tensors, said))


def _coder(params: Mapping[str, Any], double: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what diffusers is told of encoder and decoder, and the settings themselves."""
    table = Settings.of(params, getattr(params, "where", Settings.where)).section("ddconfig")
    said = checked(table, _RULES | {"double_z": OneOf((double,))}, (*_NEEDED, "double_z"))
    widths = [said["ch"] * factor for factor in said["ch_mult"]]
    if said["ch_mult"][0] != 1 or any(width % GROUPS for width in widths):
        raise ModelError(
            f"{table.where}: ch_mult={said['ch_mult']} with ch={said['ch']} must begin with 1 and make "
            f"multiples of {GROUPS}; use the configuration published with the weights"
        )
    attended = _attended(said, table.where)
    return {
        "in_channels": said["in_channels"],
        "out_channels": said["out_ch"],
        "block_out_channels": widths,
        "down_block_types": ["AttnDownEncoderBlock2D" if a else "DownEncoderBlock2D" for a in attended],
        "up_block_types": ["AttnUpDecoderBlock2D" if a else "UpDecoderBlock2D" for a in reversed(attended)],
        "layers_per_block": said["num_res_blocks"],
        "latent_channels": said["z_channels"],
        "norm_num_groups": GROUPS,
        "sample_size": said.get("resolution", 256),
    }, said


def _attended(said: Mapping[str, Any], where: str) -> list[bool]:
    """Return which resolutions have attention: those of the training picture's levels that are listed."""
    if said["attn_resolutions"] and "resolution" not in said:
        raise ModelError(f"{where}: resolution is missing, by which attn_resolutions are meant; add it")
    side = said.get("resolution", 0)
    return [side // 2**level in said["attn_resolutions"] for level in range(len(said["ch_mult"]))]


def _fitted(
    config: Mapping[str, Any], tensors: Mapping[str, Tensor], said: Mapping[str, Any]
) -> dict[str, Tensor]:
    table = dict(_modules(len(said["ch_mult"]), said["num_res_blocks"]))
    kept, _ = split(tensors, TRAINING)
    return fitted(config, kept, lambda name: _old_name(name, table))


def _modules(levels: int, blocks: int) -> Iterator[tuple[str, str]]:
    """Give modules by diffusers' names."""
    for side, way, layers in (("encoder", "down", blocks), ("decoder", "up", blocks + 1)):
        yield f"{side}.mid_block.resnets.0", f"{side}.mid.block_1"
        yield f"{side}.mid_block.attentions.0", f"{side}.mid.attn_1"
        yield f"{side}.mid_block.resnets.1", f"{side}.mid.block_2"
        yield f"{side}.conv_norm_out", f"{side}.norm_out"
        for level in range(levels):
            new = f"{side}.{way}_blocks.{level}"
            old = f"{side}.{way}.{level if way == 'down' else levels - 1 - level}"
            yield f"{new}.{way}samplers.0", f"{old}.{way}sample"
            for layer in range(layers):
                yield f"{new}.resnets.{layer}", f"{old}.block.{layer}"
                yield f"{new}.attentions.{layer}", f"{old}.attn.{layer}"


def _old_name(name: str, table: Mapping[str, str]) -> str:
    """Return what ldm calls a tensor of diffusers."""
    for new, old in table.items():
        if name.startswith(f"{new}."):
            layer, _, kind = name.removeprefix(f"{new}.").rpartition(".")
            if ".attentions." in new:
                layer = _ATTENTION.get(layer, layer)
            layer = "nin_shortcut" if layer == "conv_shortcut" else layer
            return ".".join(part for part in (old, layer, kind) if part)
    return name
