"""Networks of ldm checkpoints through the converters of diffusers, which are not ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diffusers import ControlNetModel, UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint, convert_ldm_unet_checkpoint
from torch import Tensor, nn


def stock_config(params: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of a stock network, from the parameters of an ldm U-Net."""
    levels = params["channel_mult"]
    attends = [2**level in params["attention_resolutions"] for level in range(len(levels))]
    widths = [params["model_channels"] * factor for factor in levels]
    head = params.get("num_head_channels", -1)
    heads = [width // head for width in widths] if head > 0 else params["num_heads"]
    return {
        "in_channels": params["in_channels"],
        "block_out_channels": widths,
        "down_block_types": ["CrossAttnDownBlock2D" if attention else "DownBlock2D" for attention in attends],
        "layers_per_block": params["num_res_blocks"],
        "cross_attention_dim": params["context_dim"],
        "attention_head_dim": heads,
        "use_linear_projection": params.get("use_linear_in_transformer", False),
    }


def unet_of(state: Mapping[str, Tensor], params: Mapping[str, Any]) -> Any:
    """The U-Net; tensors beyond those of the stock class must have been taken out of the state."""
    config = stock_config(params)
    ups = [name.replace("Down", "Up") for name in reversed(config["down_block_types"])]
    unet = UNet2DConditionModel(**config, up_block_types=ups, out_channels=params["out_channels"])
    return filled(unet, convert_ldm_unet_checkpoint(dict(state), config))


def control_of(state: Mapping[str, Tensor], params: Mapping[str, Any]) -> Any:
    """The ControlNet, without its location branch."""
    config = stock_config(params)
    control = ControlNetModel(**config, conditioning_channels=params["hint_channels"])
    mine = {name: t for name, t in state.items() if name.startswith("control_model.") and ".loc_" not in name}
    return filled(control, convert_controlnet_checkpoint(mine, config | {"class_embed_type": None}))


def filled(network: nn.Module, tensors: Mapping[str, Tensor]) -> nn.Module:
    """A network with its tensors, all of them and no others."""
    network.load_state_dict(tensors, strict=True)
    return network.eval().requires_grad_(False)
