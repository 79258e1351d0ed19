"""Write a network as the three files that `geoinfinite.models.earth` reads."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import nn

from geoinfinite.models.earth.detail import DetailNetwork
from geoinfinite.models.earth.network import CONFIG, SIDECAR, WEIGHTS, EarthSettings

KIND = "earth-detail"
SOURCES = [
    "NASA Blue Marble Next Generation (public domain)",
    "Landsat, USGS and NASA (public domain)",
    "NAIP, USDA (public domain)",
    "Contains modified Copernicus Sentinel data 2015 to 2023",
    "NEON airborne camera mosaics (CC0)",
    "OpenAerialMap, contributors of Open Imagery Network (CC BY 4.0)",
    "GSHHG shorelines (LGPL)",
]


def write(directory: Path, network: DetailNetwork, settings: EarthSettings, step: int) -> None:
    """Write float32 weights, the shape and the sidecar; the weights come last."""
    directory.mkdir(parents=True, exist_ok=True)
    sidecar = {"format": 1, "kind": KIND, **asdict(settings)}
    sidecar |= {"bands": ["red", "green", "blue"], "step": step, "sources": SOURCES}
    _write_json(directory / SIDECAR, sidecar)
    _write_json(directory / CONFIG, {"_class_name": "DetailNetwork", **asdict(network.shape)})
    write_tensors(directory / WEIGHTS, network)


def write_tensors(path: Path, module: nn.Module) -> None:
    """Write float32 tensors; the file is there when it is whole."""
    unfinished = path.with_name(path.name + ".part")
    tensors = {name: value.float().contiguous() for name, value in module.state_dict().items()}
    save_file(tensors, unfinished, metadata={"format": "pt"})
    unfinished.replace(path)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
