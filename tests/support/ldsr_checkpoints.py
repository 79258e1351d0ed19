"""LDSR-S2 in its published layout, small and random, and what its code computes, written for these tests.

The whole follows the authors' description: the coarse image is enlarged, encoded, laid beside the state.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import ldm_coders
import ldm_networks
import torch
import torch.nn.functional as F
import yaml
from torch import Tensor, nn

SETTINGS: dict[str, Any] = {
    "apply_normalization": False,
    "encode_conditioning": True,
    "denoiser_settings": {
        "linear_start": 0.0001,
        # The file's own betas count: they end elsewhere.
        "linear_end": 0.01,
        "timesteps": 1000,
        "parameterization": "eps",
        "sampling_eta": 0.95,
        "sampling_steps": 100,
    },
    "first_stage_config": {
        "embed_dim": 4,
        "double_z": True,
        "z_channels": 4,
        "resolution": 64,
        "in_channels": 4,
        "out_ch": 4,
        "ch": 32,
        "ch_mult": [1, 1, 2],
        "num_res_blocks": 1,
        "attn_resolutions": [],
        "dropout": 0.0,
    },
    "cond_stage_config": {
        "image_size": 16,
        "in_channels": 8,
        "model_channels": 32,
        "out_channels": 4,
        "num_res_blocks": 1,
        "attention_resolutions": [4, 2],
        "channel_mult": [1, 2, 2],
        "num_head_channels": 16,
    },
    "other": {"concat_mode": True},
}
ENDS = 0.0001, 0.0155


class Attention(nn.Module):
    """Attention whose convolution gives queries, keys and values of one head after the other."""

    def __init__(self, width: int, head: int) -> None:
        super().__init__()
        self.norm, self.head = nn.GroupNorm(32, width), head
        self.qkv, self.proj_out = nn.Conv1d(width, 3 * width, 1), nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor, told: Tensor, words: Tensor) -> Tensor:
        y = self.qkv(self.norm(x.flatten(2)))
        parts = []
        for one in y.split(3 * self.head, 1):
            q, k, v = one.split(self.head, 1)
            parts.append(v @ (q.transpose(1, 2) @ k / math.sqrt(self.head)).softmax(-1).transpose(1, 2))
        return x + self.proj_out(torch.cat(parts, 1)).reshape(x.shape)


class Network(ldm_networks.UNet):
    """The network, told no words."""

    def transformer(self, width: int, level: int) -> Any:
        return Attention(width, self.said["num_head_channels"])


class Ldsr(nn.Module):
    """The tensors of a checkpoint, by their names."""

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Module()
        self.model.diffusion_model = ldm_networks.rolled(Network(SETTINGS["cond_stage_config"]), 21)
        coder = SETTINGS["first_stage_config"]
        params = {"ddconfig": coder, "embed_dim": coder["embed_dim"]}
        self.first_stage_model = ldm_networks.rolled(ldm_coders.Autoencoder(params), 22)
        start, end = ENDS
        betas = torch.linspace(start**0.5, end**0.5, 1000, dtype=torch.float64) ** 2
        self.register_buffer("betas", betas.float())
        self.register_buffer("alphas_cumprod", torch.cumprod(1 - betas, 0).float())

    def coded(self, low: Tensor) -> Tensor:
        """The code of coarse reflectances, enlarged: the middle of its distribution."""
        large = F.interpolate(low, scale_factor=4.0, mode="bilinear", align_corners=False)
        return self.first_stage_model.encode(large)[:, :4]

    def noise(self, z: Tensor, t: int, low: Tensor) -> Tensor:
        """The noise that is predicted in a state."""
        seen, times = torch.cat([z, self.coded(low)], 1), torch.full((len(z),), float(t))
        return self.model.diffusion_model(seen, times, torch.zeros(0))


def write(folder: Path, name: str = "opensr-ldsrs2_v1_0_0.ckpt") -> tuple[Path, Any]:
    """A folder with a checkpoint and its settings, and the networks in it."""
    folder.mkdir(parents=True)
    made = Ldsr().eval()
    state = dict(made.state_dict())
    flat = {key.removeprefix("model."): key for key in state if key.startswith("model.")}
    average = {f"model_ema.{key.replace('.', '')}": state[old] * 1.01 for key, old in flat.items()}
    average |= {"model_ema.decay": torch.tensor(0.9999), "model_ema.num_updates": torch.tensor(3)}
    lost = {"first_stage_model.loss.net.weight": torch.ones(2, 2)}
    torch.save({"epoch": 3, "state_dict": state | average | lost}, folder / name)
    (folder / "config_10m.yaml").write_text(yaml.safe_dump(SETTINGS))
    return folder, made
