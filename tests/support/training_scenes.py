"""Small training scenes whose pixels tell where they come from."""

from __future__ import annotations

import numpy as np
import torch
from training.scene import Scene, all_usable


def scene(
    source: str,
    pixels: torch.Tensor,
    *,
    gsd_m: float = 30.0,
    water: torch.Tensor | None = None,
    usable: torch.Tensor | None = None,
    plate_carree: bool = False,
) -> Scene:
    """A scene at one resolution, whose label is that resolution."""
    mask = all_usable(pixels) if usable is None else usable
    name, octaves = f"{source}-of-a-test", (0.0, 0.0)
    return Scene(name, source, pixels, mask, water, gsd_m, octaves, {0: 1.0}, plate_carree)


def smooth(height: int, width: int, seed: int, cell: int = 12) -> torch.Tensor:
    """Bytes (3, H, W) between 30 and 200: random numbers, interpolated, without any symmetry."""
    shape = (3, height // cell + 2, width // cell + 2)
    coarse = torch.from_numpy(np.random.default_rng(seed).uniform(30, 200, shape))[None]
    wide = torch.nn.functional.interpolate(coarse, scale_factor=cell, mode="bilinear")[0]
    return wide[:, :height, :width].round().to(torch.uint8).contiguous()


def rough(height: int, width: int, seed: int) -> torch.Tensor:
    """Independent bytes (3, H, W) between 30 and 200."""
    return torch.from_numpy(np.random.default_rng(seed).integers(30, 200, (3, height, width), np.uint8))


def waves(height: int, width: int, down: float, across: float) -> torch.Tensor:
    """Bytes (3, H, W): red has a period along the rows' numbers, green another along the columns'."""
    y, x = torch.arange(height), torch.arange(width)
    red = (100 + 40 * torch.cos(2 * torch.pi * y / down))[:, None].expand(height, width)
    green = (100 + 40 * torch.cos(2 * torch.pi * x / across))[None].expand(height, width)
    return torch.stack([red, green, torch.full((height, width), 60.0)]).round().to(torch.uint8)
