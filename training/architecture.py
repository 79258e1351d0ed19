"""The shape of the network: a diffusers `UNet2DModel` on folded pixels, 3.9 million parameters."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import UNet2DModel
from torch import nn

from geoinfinite.models.earth.network import EarthSettings

BANDS, FEATURES = 3, 7


def config(settings: EarthSettings) -> dict[str, Any]:
    """Return the constructor's arguments; no attention, so the cost is linear in the pixels."""
    folded = settings.unshuffle**2
    return {
        "sample_size": 64,
        "in_channels": (BANDS + FEATURES) * folded,
        "out_channels": BANDS * folded,
        "block_out_channels": [64, 96, 128],
        "down_block_types": ["DownBlock2D"] * 3,
        "up_block_types": ["UpBlock2D"] * 3,
        "layers_per_block": 1,
        "norm_num_groups": 32,
        "add_attention": False,
        "class_embed_type": "timestep",
        "resnet_time_scale_shift": "scale_shift",
    }


def build(arguments: dict[str, Any], device: torch.device | str) -> nn.Module:
    """Return a network with random weights on a device."""
    architecture: Any = UNet2DModel
    unet: nn.Module = architecture(**arguments)
    return unet.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
