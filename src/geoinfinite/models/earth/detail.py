"""The network that draws detail in one evaluation: a convolutional U-Net of two scales on folded pixels.

It has no attention and no normalisation over a tile, so an output pixel depends only on its surroundings and
tiles may have any side. Every block is told the ground sample distance and the aspect of a pixel by a scale
and a shift of its channels (FiLM, Perez et al. 2018, arXiv:1709.07871).
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from geoinfinite.errors import ModelError, shorten
from geoinfinite.models.diffusers.weights import load_tensors
from geoinfinite.models.earth.calibration import Calibration
from geoinfinite.models.earth.detail_files import DetailShape as DetailShape
from geoinfinite.models.files import CONFIG, WEIGHTS

FREQUENCIES = 32
"""Pairs of sine and cosine that tell the ground sample distance."""
LONGEST = 1000.0
PER_OCTAVE = 4.0
LOG_UNIT = slice(6, 7)
"""The feature that is the standardised log of the unit of brightness."""
CALIBRATION = "calibration."
"""How the names of gains begin: networks lack those which there were not when they were saved."""


class Embedding(nn.Module):
    """A code of the ground sample distance, in metres, and of the aspect of a pixel, height over width."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2 * FREQUENCIES + 1, length), nn.SiLU(), nn.Linear(length, length), nn.SiLU()
        )

    def forward(self, gsd_m: Tensor, aspect: Tensor) -> Tensor:
        """Return (B, length)."""
        steps = torch.arange(FREQUENCIES, device=gsd_m.device) / FREQUENCIES
        angles = PER_OCTAVE * torch.log2(gsd_m)[:, None] * torch.exp(-math.log(LONGEST) * steps)
        code: Tensor = self.layers(torch.cat([angles.sin(), angles.cos(), torch.log2(aspect)[:, None]], 1))
        return code


class PixelNorm(nn.Module):
    """Division by the root mean square of a pixel's channels (Karras et al. 2018, arXiv:1710.10196)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, H, W)."""
        normal: Tensor = x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-6)
        return normal


class Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, channels: int, embedding: int) -> None:
        super().__init__()
        self.norm = PixelNorm()
        self.film = nn.Linear(embedding, 2 * channels)
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.film.weight)
        nn.init.zeros_(self.film.bias)
        nn.init.normal_(self.second.weight, std=0.1 / math.sqrt(channels))
        if self.second.bias is not None:
            nn.init.zeros_(self.second.bias)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """Return (B, C, H, W)."""
        scale, shift = self.film(code)[..., None, None].chunk(2, 1)
        h = self.norm(x) * (1 + scale) + shift
        change: Tensor = self.second(F.silu(self.first(F.silu(h))))
        return x + change


class DetailNetwork(nn.Module):
    """Detail (B, bands, T, T) from noise and features (B, inputs, T, T); T divides by twice the fold."""

    def __init__(self, shape: DetailShape) -> None:
        super().__init__()
        self.shape = shape
        fine, coarse = shape.channels
        around, middle = shape.blocks
        self.embedding = Embedding(shape.embedding)
        self.enter = nn.Conv2d(shape.inputs * shape.fold**2, fine, 3, padding=1)
        self.before = nn.ModuleList(Block(fine, shape.embedding) for _ in range(around))
        self.down = nn.Conv2d(fine, coarse, 2, stride=2)
        self.middle = nn.ModuleList(Block(coarse, shape.embedding) for _ in range(middle))
        self.up = nn.Conv2d(coarse, 4 * fine, 1)
        self.after = nn.ModuleList(Block(fine, shape.embedding) for _ in range(around))
        self.norm = PixelNorm()
        self.leave = nn.Conv2d(fine, shape.bands * shape.fold**2, 3, padding=1)
        self.calibration = Calibration()

    def forward(
        self, noise: Tensor, features: Tensor, stray: Tensor, gsd_m: Tensor, aspect: Tensor
    ) -> Tensor:
        """Return detail in units of the parent's local contrast."""
        code = self.embedding(gsd_m, aspect)
        folded = F.pixel_unshuffle(torch.cat([noise, features], 1), self.shape.fold)
        x = self.enter(folded.contiguous(memory_format=torch.channels_last))
        for block in self.before:
            x = block(x, code)
        skipped, x = x, self.down(x)
        for block in self.middle:
            x = block(x, code)
        x = skipped + F.pixel_shuffle(self.up(x), 2)
        for block in self.after:
            x = block(x, code)
        detail = F.pixel_shuffle(self.leave(F.silu(self.norm(x))), self.shape.fold)
        calibrated: Tensor = self.calibration(detail, stray, features[:, LOG_UNIT], gsd_m)
        return calibrated


def load(directory: Path, shape: DetailShape) -> DetailNetwork:
    """Read the weights of a network; raise `ModelError` if they are of another shape."""
    network, path = DetailNetwork(shape), directory / WEIGHTS
    try:
        ones = {name: gains for name, gains in network.state_dict().items() if name.startswith(CALIBRATION)}
        # In memory of their own: how torch rounds depends on where in a file tensors begin.
        tensors = {name: tensor.clone() for name, tensor in {**ones, **load_tensors(path)}.items()}
        network.load_state_dict(tensors, strict=True, assign=True)
    except RuntimeError as error:
        cause = shorten(str(error).strip().splitlines()[-1].strip())
        raise ModelError(
            f"{path} does not fit {directory / CONFIG} ({cause}); copy the whole checkpoint again"
        ) from error
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval().requires_grad_(False)
