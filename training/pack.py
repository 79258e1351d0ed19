"""A training pack: every training picture in one folder, so that a run needs no network.

`training.imagery` writes it. A picture is an AVIF without chroma subsampling, which
keeps the power of the finest octave within 4 % (JPEG of that size adds 10 % to dark pictures, or loses 25 %);
its share of water and its mask of usable pixels are PNG. `index.json` lists
them with what `training.scene.Scene` knows.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from training.layer import Bytes
from training.scene import Scene, all_usable

INDEX = "index.json"
QUALITY = {"blue-marble-fine": 91}
USUAL_QUALITY = 92
WATER_STEPS = 8
"""Levels to which a share of water is rounded: fewer, and the PNG is smaller."""


def write(folder: Path, scenes: list[Scene]) -> None:
    """Write a pack; the index comes last."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = [_written(folder, scene) for scene in scenes]
    text = json.dumps({"format": 1, "scenes": entries}, indent=1) + "\n"
    (folder / INDEX).write_text(text, encoding="utf-8")


def read(folder: Path) -> list[Scene]:
    """Return the scenes of a pack, the globe first."""
    entries = json.loads((folder / INDEX).read_text(encoding="utf-8"))["scenes"]
    return [_scene(folder, entry) for entry in entries]


def _written(folder: Path, scene: Scene) -> dict[str, Any]:
    quality = QUALITY.get(scene.source, USUAL_QUALITY)
    picture = np.ascontiguousarray(scene.pixels.permute(1, 2, 0).numpy())
    _save(folder / f"{scene.name}.avif", Image.fromarray(picture), quality=quality, subsampling="4:4:4")
    if not bool(scene.usable.all()):
        _save(folder / f"{scene.name}.usable.png", Image.fromarray(scene.usable.numpy()))
    if scene.water is not None:
        steps = (scene.water.float() * (WATER_STEPS / 255)).round() * (255 / WATER_STEPS)
        water = Image.fromarray(steps.to(torch.uint8).numpy())
        _save(folder / f"{scene.name}.water.png", water, optimize=True)
    return {
        "name": scene.name,
        "source": scene.source,
        "gsd_m": round(scene.gsd_m, 4),
        "octaves": list(scene.octaves),
        "weights": {str(power): round(weight, 5) for power, weight in scene.weights.items()},
        "plate_carree": scene.plate_carree,
    }


def _save(path: Path, image: Image.Image, **options: Any) -> None:
    into = io.BytesIO()
    image.save(into, path.suffix[1:].upper(), **options)
    path.write_bytes(into.getvalue())


def _scene(folder: Path, entry: dict[str, Any]) -> Scene:
    name = entry["name"]
    pixels = torch.from_numpy(_opened(folder / f"{name}.avif")).permute(2, 0, 1).contiguous()
    mask, water = folder / f"{name}.usable.png", folder / f"{name}.water.png"
    usable = torch.from_numpy(_opened(mask) > 0) if mask.exists() else all_usable(pixels)
    return Scene(
        name,
        entry["source"],
        pixels,
        usable,
        torch.from_numpy(_opened(water)) if water.exists() else None,
        entry["gsd_m"],
        tuple(entry["octaves"]),
        {int(power): weight for power, weight in entry["weights"].items()},
        entry["plate_carree"],
    )


def _opened(path: Path) -> Bytes:
    with Image.open(path) as image:
        return np.array(image)
