"""Small networks of both kinds that the package has its own files for, with random weights."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DModel
from safetensors.torch import save_file
from torch import Tensor, nn

from geoinfinite.models.earth.detail import DetailNetwork
from geoinfinite.models.earth.detail_files import DetailShape
from geoinfinite.models.earth.settings import EarthSettings
from geoinfinite.models.files import CONFIG, SIDECAR, WEIGHTS

BANDS = ["red", "green", "blue"]
FLOW = EarthSettings(gain=0.8, floor=0.02, log_scale_mean=-2.5, log_scale_std=0.9)
DETAIL = EarthSettings(unshuffle=2, gain=1.1, floor=0.03, log_scale_mean=-2.4, log_scale_std=0.7)
SHAPE = DetailShape(fold=2, channels=(16, 24), blocks=(1, 1), embedding=16)


def write_flow_network(folder: Path) -> Path:
    """Write a network that a solver asks several times."""
    torch.manual_seed(5)
    config: dict[str, Any] = {
        "sample_size": 32,
        "in_channels": 40,
        "out_channels": 12,
        "block_out_channels": [8, 16],
        "down_block_types": ["DownBlock2D"] * 2,
        "up_block_types": ["UpBlock2D"] * 2,
        "layers_per_block": 1,
        "norm_num_groups": 4,
        "add_attention": False,
        "class_embed_type": "timestep",
    }
    kind = {"format": 1, "kind": "earth-residual-flow", "bands": BANDS, **asdict(FLOW)}
    return _write(folder, UNet2DModel(**config), kind, {"_class_name": "UNet2DModel", **config})


def write_detail_network(folder: Path) -> Path:
    """Write a network that draws in one evaluation."""
    torch.manual_seed(6)
    network = DetailNetwork(SHAPE)
    # Fresh blocks do not know the ground sample distance yet.
    for name, weight in network.named_parameters():
        if "film" in name:
            nn.init.normal_(weight, std=0.2)
    kind = {"format": 1, "kind": "earth-detail", "bands": BANDS, **asdict(DETAIL)}
    return _write(folder, network, kind, {"_class_name": "DetailNetwork", **asdict(SHAPE)})


def _write(folder: Path, network: nn.Module, sidecar: dict[str, Any], config: dict[str, Any]) -> Path:
    folder.mkdir(parents=True)
    (folder / SIDECAR).write_text(json.dumps(sidecar), encoding="utf-8")
    (folder / CONFIG).write_text(json.dumps(config), encoding="utf-8")
    weights: dict[str, Tensor] = {name: w.contiguous() for name, w in network.state_dict().items()}
    save_file(weights, folder / WEIGHTS)
    return folder
