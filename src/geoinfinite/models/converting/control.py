"""The ControlNet of ``cldm``, under diffusers' names (Zhang et al. 2023)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from geoinfinite.models.converting.architecture import Architecture
from geoinfinite.models.converting.fitting import fitted
from geoinfinite.models.converting.parts import Part
from geoinfinite.models.converting.unet import first_half, old_name

HINT_CHANNELS = [16, 32, 96, 256]
"""Channels of the convolutions that bring a hint to a latent's resolution."""


def control_part(
    params: Mapping[str, Any], tensors: Mapping[str, Tensor], *, folder: str = "controlnet"
) -> Part:
    """Return the ControlNet of the settings ``control_stage_config.params``.

    ``tensors`` are those of ``control_model.``, without it. Raises `ModelError` as `unet_part` does.
    """
    made = Architecture.of(params, "hint_channels")
    config = {
        "_class_name": "ControlNetModel",
        "conditioning_channels": made.said["hint_channels"],
        "conditioning_embedding_out_channels": HINT_CHANNELS,
        **made.shared(),
    }
    table = dict(first_half(made)) | dict(_hint()) | dict(_taps(made))
    return Part(folder, config, fitted(config, tensors, lambda name: old_name(name, table)))


def _hint() -> Iterator[tuple[str, str]]:
    """Give the convolutions of the hint; every other module between them is an activation."""
    last = 2 * len(HINT_CHANNELS) - 1
    yield "controlnet_cond_embedding.conv_in", "input_hint_block.0"
    for layer in range(1, last):
        yield f"controlnet_cond_embedding.blocks.{layer - 1}", f"input_hint_block.{2 * layer}"
    yield "controlnet_cond_embedding.conv_out", f"input_hint_block.{2 * last}"


def _taps(made: Architecture) -> Iterator[tuple[str, str]]:
    """Give the convolutions whose outputs are added to the U-Net's."""
    for tap in range(made.levels * (made.blocks + 1)):
        yield f"controlnet_down_blocks.{tap}", f"zero_convs.{tap}.0"
    yield "controlnet_mid_block", "middle_block_out.0"
