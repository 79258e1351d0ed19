"""The maths of the bundled network: a x4 finer level drawn from its parent by rectified flow.

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

import json
import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from geoinfinite.errors import ModelError
from geoinfinite.models.diffusers.folder import Part
from geoinfinite.models.diffusers.weights import load_network

KIND = "earth-residual-flow"
CONFIG, WEIGHTS, SIDECAR = "config.json", "diffusion_pytorch_model.safetensors", "geoinfinite.json"
BOX = 5
DETAIL_LIMIT = 4.0


@dataclass(frozen=True, slots=True)
class EarthSettings:
    """The constants that belong to a set of weights, kept beside them in `geoinfinite.json`."""

    factor: int = 4
    """How many child pixels one parent pixel spans, along each axis."""
    margin: int = 6
    """Parent pixels that the parent's window has beyond the tile, on each side (at least 4)."""
    unshuffle: int = 2
    """Side of the pixel blocks that are folded into channels before the network."""
    multiple: int = 16
    """A tile's side is a multiple of this."""
    gain: float = 1.0
    """Residual scale per unit of the parent's local contrast, fitted on the training data."""
    floor: float = 0.01
    """Residual scale where the parent is flat; 0.01 is 1.3 of 255."""
    log_scale_mean: float = 0.0
    """Mean of log(scale) over the training data, to standardise that feature."""
    log_scale_std: float = 1.0
    """Standard deviation of log(scale) over the training data."""

    def __post_init__(self) -> None:
        if self.margin < 2 * (BOX // 2):
            raise ModelError(f"margin={self.margin} must be at least {2 * (BOX // 2)}")
        for name in ("factor", "unshuffle", "multiple", "gain", "floor", "log_scale_std"):
            if not getattr(self, name) > 0:
                raise ModelError(f"{name}={getattr(self, name)!r} must be positive")


@dataclass(frozen=True, slots=True)
class EarthCondition:
    """What the parent says about a tile; all fields are float tensors on the parent's device."""

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


def condition(parent: Tensor, settings: EarthSettings) -> EarthCondition:
    """Turn a parent window (B, 3, P, P) into the condition of its tile.

    Every operation is local and looks at most 4 parent pixels away, so the condition of a pixel
    does not depend on the tile through which it is reached.
    """
    factor, margin = settings.factor, settings.margin
    local_mean = F.avg_pool2d(parent, BOX, stride=1)
    inner = parent[..., BOX // 2 : -(BOX // 2), BOX // 2 : -(BOX // 2)]
    variance = F.avg_pool2d((inner - local_mean).square().mean(1, keepdim=True), BOX, stride=1)
    contrast = _enlarge(variance.clamp_min(0).sqrt(), factor, margin - 4, "bilinear")
    base = _enlarge(parent, factor, margin, "bicubic")
    scale = settings.gain * contrast + settings.floor
    detail = (base - _enlarge(local_mean, factor, margin - 2, "bicubic")) / scale
    log_scale = (scale.log() - settings.log_scale_mean) / settings.log_scale_std
    features = torch.cat([base, detail.clamp(-DETAIL_LIMIT, DETAIL_LIMIT), log_scale], dim=1)
    return EarthCondition(base, scale, features)


def _enlarge(window: Tensor, factor: int, margin: int, mode: str) -> Tensor:
    """Interpolate a window `factor` times finer, then cut off its margin (in parent pixels)."""
    fine = F.interpolate(window, scale_factor=factor, mode=mode, align_corners=False)
    cut = margin * factor
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
    settings, config = read_settings(directory), _read_json(directory / CONFIG)
    unet = load_network(Part(directory, {"_class_name": "UNet2DModel"} | config), torch.device(device))
    return EarthNetwork(nn.Module.to(unet, dtype=dtype), settings)


def read_settings(directory: Path) -> EarthSettings:
    """Read and check the sidecar `geoinfinite.json` of a network's directory."""
    path = directory / SIDECAR
    found = _read_json(path)
    if (found.get("format"), found.get("kind")) != (1, KIND):
        raise _damaged(path, f"format 1 of kind {KIND!r} is needed")
    try:
        return EarthSettings(**{field.name: found[field.name] for field in fields(EarthSettings)})
    except (KeyError, TypeError, ModelError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise _damaged(path, error) from error
    if not isinstance(found, dict):
        raise _damaged(path, "a JSON object is needed")
    return found


def _damaged(path: Path, reason: object) -> ModelError:
    because = " ".join(str(reason).split())[:160]
    return ModelError(
        f"cannot load {str(path)!r}: {because}; reinstall geoinfinite, or point to a directory "
        f"with an intact {CONFIG}, {WEIGHTS} and {SIDECAR}."
    )
