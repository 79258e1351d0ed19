"""Scenes whose pixels tell where they are, and a network that was never trained."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from training.learner import SETTINGS
from training.scene import Scene, all_usable

from geoinfinite.models.earth.detail import DetailNetwork, DetailShape
from training import export


def pixels(height: int, width: int, red: int) -> Tensor:
    """Bytes (3, H, W): a constant, the row and the column, of which the last 8 bits."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([torch.full_like(rows, red), rows % 256, columns % 256]).to(torch.uint8)


def scene(name: str, source: str, gsd_m: float, size: tuple[int, int], red: int = 0) -> Scene:
    """A scene whose right half is water, with its area means over 2 px as a second layer."""
    picture = pixels(*size, red)
    water = torch.zeros(size, dtype=torch.uint8)
    water[:, size[1] // 2 :] = 255
    return Scene(name, source, picture, all_usable(picture), water, gsd_m, (0.0, 0.0), {0: 1.0, 1: 1.0})


def scenes() -> list[Scene]:
    """The globe, two windows of it, one scene that is too small, and an orthophoto."""
    return [
        scene("globe", "blue-marble", 7421.3, (200, 400), 200),
        scene("coast", "blue-marble-fine", 600.0, (300, 420), 40),
        scene("gulf", "blue-marble-fine", 800.0, (260, 250), 80),
        scene("pond", "blue-marble-fine", 500.0, (120, 190), 120),
        scene("wood", "neon", 0.1, (200, 230), 160),
    ]


def write_network(folder: Path) -> Path:
    """Write a small network of random weights, and return its folder."""
    torch.manual_seed(0)
    network = DetailNetwork(DetailShape(channels=(8, 8), blocks=(1, 1), embedding=8))
    export.write(folder, network, SETTINGS, 0)
    return folder
