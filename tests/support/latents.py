"""Tiny checkpoints in diffusers' format with random weights: none is zero, as training would begin them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
from torch import nn

BETAS = {"beta_start": 0.0015, "beta_end": 0.0195, "beta_schedule": "scaled_linear"}


def randomise(network: nn.Module, seed: int) -> nn.Module:
    """Draw every parameter anew; biases and scales too, and none of a size that would drown another."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in network.named_parameters():
            noise = torch.empty_like(p).normal_(generator=generator)
            if p.ndim > 1:
                p.copy_(noise * (1.2 / p[0].numel() ** 0.5))
            else:
                p.copy_((1.0 if "norm" in name and name.endswith("weight") else 0.0) + 0.2 * noise)
    return network.eval()


def unet(into: int, out: int, seed: int = 1, **changes: Any) -> nn.Module:
    """A UNet2DModel of two resolutions with attention."""
    settings: dict[str, Any] = {
        "in_channels": into,
        "out_channels": out,
        "block_out_channels": (32, 64),
        "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
        "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
        "layers_per_block": 1,
        "norm_num_groups": 8,
    }
    return randomise(diffusers.UNet2DModel(**settings | changes), seed)


def kl(seed: int = 2, **changes: Any) -> nn.Module:
    """An AutoencoderKL of three resolutions (4 px per latent px), without attention."""
    settings: dict[str, Any] = {
        "block_out_channels": (32, 32, 64),
        "down_block_types": ("DownEncoderBlock2D",) * 3,
        "up_block_types": ("UpDecoderBlock2D",) * 3,
        "norm_num_groups": 4,
        "mid_block_add_attention": False,
        "scaling_factor": 0.4,
        "shift_factor": 0.25,
    }
    return randomise(diffusers.AutoencoderKL(**settings | changes), seed)


def vq(seed: int = 3, **changes: Any) -> nn.Module:
    """A VQModel of two resolutions (2 px per latent px), without attention."""
    settings: dict[str, Any] = {
        "block_out_channels": (32, 32),
        "down_block_types": ("DownEncoderBlock2D",) * 2,
        "up_block_types": ("UpDecoderBlock2D",) * 2,
        "layers_per_block": 1,
        "norm_num_groups": 4,
        "num_vq_embeddings": 64,
        "mid_block_add_attention": False,
        "scaling_factor": 1.0,
    }
    return randomise(diffusers.VQModel(**settings | changes), seed)


def tiny(seed: int = 4, **changes: Any) -> nn.Module:
    """An AutoencoderTiny of three resolutions."""
    settings: dict[str, Any] = {
        "encoder_block_out_channels": (16, 16, 16),
        "decoder_block_out_channels": (16, 16, 16),
        "num_encoder_blocks": (1, 1, 2),
        "num_decoder_blocks": (2, 1, 1),
    }
    return randomise(diffusers.AutoencoderTiny(**settings | changes), seed)


def write(
    folder: Path,
    network: nn.Module,
    scheduler: Any = None,
    *,
    vae: nn.Module | None = None,
    sidecar: dict[str, Any] | None = None,
) -> Path:
    """Write a checkpoint as diffusers would."""
    network.save_pretrained(folder / "unet")
    if scheduler is None:
        scheduler = diffusers.DDIMScheduler(**BETAS, clip_sample=False)
    scheduler.save_pretrained(folder / "scheduler")
    if vae is not None:
        vae.save_pretrained(folder / ("vqvae" if isinstance(vae, diffusers.VQModel) else "vae"))
    if sidecar is not None:
        (folder / "geoinfinite.json").write_text(json.dumps({"format": 1, "kind": "diffusers"} | sidecar))
    return folder


def field(*shape: int, seed: int = 5) -> np.ndarray:
    """Normals of a shape."""
    return np.random.default_rng(seed).standard_normal(shape, np.float32)
