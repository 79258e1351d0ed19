"""The maths of networks for the Earth: a x4 finer level drawn from its parent; the older kind, a flow.

One small network serves every level. It is told the ground sampling distance (GSD) of the level
that it draws, as in MetaEarth (arXiv:2405.13570), and it draws a *residual*: what the child adds
to the bicubic enlargement of its parent, in units of the parent's own local contrast. Where the
parent is flat (open ocean) that unit is nearly zero, so noise cannot turn into speckle.

Rectified flow (Liu et al., arXiv:2209.03003; Lipman et al., arXiv:2210.02747): with a residual r
and unit noise e, the straight path is z_t = (1 - t) r + t e and the network predicts its
velocity v = e - r. In the notation x = r + sigma e of the samplers, sigma = t / (1 - t) and
z = x / (1 + sigma).

Image values lie in [-1, 1] (v / 127.5 - 1). T is the child's tile, a multiple of
`EarthSettings.multiple`; P = T / factor + 2 margin is the parent's window.

Training and inference both import this module, so there is one definition of each formula.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from geoinfinite.models.diffusers.part import Part
from geoinfinite.models.diffusers.weights import load_network
from geoinfinite.models.earth.settings import BOX, read_config
from geoinfinite.models.earth.settings import KIND as KIND
from geoinfinite.models.earth.settings import EarthSettings as EarthSettings
from geoinfinite.models.earth.settings import read_settings as read_settings
from geoinfinite.models.files import CONFIG as CONFIG
from geoinfinite.models.files import SIDECAR as SIDECAR
from geoinfinite.models.files import WEIGHTS as WEIGHTS

DETAIL_LIMIT = 4.0


@dataclass(frozen=True, slots=True)
class EarthCondition:
    """The condition of a tile, from its parent; all fields are float tensors on the parent's device."""

    base: Tensor
    """(B, 3, T, T): the parent enlarged bicubically, the mean to which detail is added."""
    scale: Tensor
    """(B, 1, T, T): the unit of the residual, positive."""
    features: Tensor
    """(B, 7, T, T): base, the parent's own detail in units of scale, standardised log(scale)."""


@dataclass(frozen=True, slots=True)
class EarthNetwork:
    """A network with the constants it was trained with."""

    unet: nn.Module
    """A diffusers `UNet2DModel` on folded pixels."""
    settings: EarthSettings
    """The constants."""


REACH = {"bicubic": 2, "bilinear": 1}
"""Pixels that an interpolation looks at beyond its own."""


def condition(parent: Tensor, settings: EarthSettings) -> EarthCondition:
    """Turn a parent window (B, 3, P, P) into the condition of its tile.

    Every operation is local and looks at most 4 parent pixels away, so the condition of a pixel
    does not depend on the tile through which it is reached.
    """
    factor, margin = settings.factor, settings.margin
    mean, half = local_mean(parent), BOX // 2
    deviation = parent[..., half:-half, half:-half] - mean
    variance = F.avg_pool2d(deviation.square().mean(1, keepdim=True), BOX, stride=1)
    contrast = enlarge(variance.clamp_min(0).sqrt(), factor, margin - 4, "bilinear")
    base = enlarge(parent, factor, margin, "bicubic")
    scale = settings.gain * contrast + settings.floor
    detail = base - enlarge(mean, factor, margin - 2, "bicubic")
    detail.div_(scale).clamp_(-DETAIL_LIMIT, DETAIL_LIMIT)
    log_scale = (scale.log() - settings.log_scale_mean) / settings.log_scale_std
    features = torch.cat([base, detail, log_scale], dim=1)
    return EarthCondition(base, scale, features)


def local_mean(parent: Tensor) -> Tensor:
    """Return the means of `BOX` x `BOX` pixels."""
    return F.avg_pool2d(parent, BOX, stride=1)


def enlarge(window: Tensor, factor: int, margin: int, mode: str) -> Tensor:
    """Interpolate a window `factor` times finer, then cut off its margin (in parent pixels)."""
    # Of the margin no more is enlarged than interpolation looks at.
    beyond = margin - REACH[mode]
    inner = window[..., beyond : window.shape[-2] - beyond, beyond : window.shape[-1] - beyond]
    fine = F.interpolate(inner, scale_factor=factor, mode=mode, align_corners=False)
    cut = REACH[mode] * factor
    return fine[..., cut : fine.shape[-2] - cut, cut : fine.shape[-1] - cut]


def residual(child: Tensor, given: EarthCondition) -> Tensor:
    """Return r = (child - base) / scale, the quantity that the network draws; (B, 3, T, T)."""
    return (child - given.base) / given.scale


def reconstruct(r: Tensor, given: EarthCondition) -> Tensor:
    """Return the image base + scale r, the inverse of `residual`; (B, 3, T, T), not clipped."""
    return given.base + given.scale * r


def velocity(network: EarthNetwork, z: Tensor, t: Tensor, given: EarthCondition, gsd_m: Tensor) -> Tensor:
    """Predict v = e - r at z = (1 - t) r + t e; the residual is then r = z - t v.

    Shapes: z (B, 3, T, T); t (B,) in [0, 1]; gsd_m (B,), metres per pixel of the *child*. The
    answer has the shape and dtype of z; the network works in the dtype of its weights.
    """
    side, dtype = network.settings.unshuffle, next(network.unet.parameters()).dtype
    stacked = torch.cat([z, given.features.to(z.dtype)], dim=1).to(dtype)
    folded = F.pixel_unshuffle(stacked, side).contiguous(memory_format=torch.channels_last)
    answer: Tensor = network.unet(folded, 1000.0 * t, class_labels=resolution_label(gsd_m)).sample
    return F.pixel_shuffle(answer, side).to(z.dtype)


def resolution_label(gsd_m: Tensor) -> Tensor:
    """Map metres per pixel to the number that the sinusoidal code takes: 100 per octave."""
    return 100.0 * (torch.log2(gsd_m) + math.log2(16.0))


def load(
    directory: Path, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> EarthNetwork:
    """Read a network from `config.json`, safetensors weights and `geoinfinite.json`.

    Only local files are read, and no pickle. Raises `ModelError` when one of the three is
    missing, damaged or describes another architecture.
    """
    settings = read_settings(directory)
    unet = load_network(Part(directory, read_config(directory, settings)), torch.device(device))
    return EarthNetwork(nn.Module.to(unet, dtype=dtype), settings)
