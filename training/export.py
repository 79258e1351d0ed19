"""Write a network as the three files that `geoinfinite.models.earth.network.load` reads."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from geoinfinite.models.earth.network import CONFIG, KIND, SIDECAR, WEIGHTS, EarthSettings

SOURCES = [
    "NASA Blue Marble Next Generation, 7.4 km and windows at 0.5 km (public domain)",
    "Landsat 5, 7 and 8 scenes, USGS and NASA (public domain)",
    "NAIP, North Dakota, USDA (public domain)",
    "Contains modified Copernicus Sentinel data",
    "NEON airborne camera mosaics, seven crops (CC0)",
]


def write(
    directory: Path,
    weights: dict[str, Tensor],
    config: dict[str, Any],
    settings: EarthSettings,
    step: int,
) -> None:
    """Write float32 weights, the architecture and the sidecar; the weights come last."""
    directory.mkdir(parents=True, exist_ok=True)
    sidecar = {"format": 1, "kind": KIND, **asdict(settings)}
    sidecar |= {"bands": ["red", "green", "blue"], "step": step, "sources": SOURCES}
    _write_json(directory / SIDECAR, sidecar)
    _write_json(directory / CONFIG, {"_class_name": "UNet2DModel", **config})
    unfinished = directory / (WEIGHTS + ".part")
    contiguous = {name: value.float().contiguous() for name, value in weights.items()}
    save_file(contiguous, unfinished, metadata={"format": "pt"})
    unfinished.replace(directory / WEIGHTS)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
