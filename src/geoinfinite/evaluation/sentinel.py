"""The nano encoder of Galileo (Tseng et al. 2025, arXiv:2502.09356) for pictures of red, green, blue alone.

All but one of its token groups stay masked then, so what is left is a vision transformer over the patches of
one picture: no time, no other sensors. Patches are of 4 px and windows of 8 x 8 patches, sizes that it was
trained with; patches of 8 px see less: enlarged pictures are then two standard errors from real ones instead
of three.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from geoinfinite.evaluation.images import EvaluationError

WIDTH, HEADS = 128, 8
QUARTER = WIDTH // 4
"""A token's code has four parts: group, time, month, place."""
STORED, PATCH, SIDE = 8, 4, 8
"""Pixels of the side of a patch in the weights, and of one here; patches of the side of a window."""
REFLECTANCE_OF_COUNT = 3558 / 255
"""Reflectance, of 10 000, per count: the scale of Sentinel-2's own true-colour images (TCI)."""
BLUE_GREEN_RED = ((1395.34, 917.70), (1338.40, 913.30), (1343.10, 1092.68))
"""Mean and deviation of the training data, by band (config/normalization.json of its repository)."""
GROUP = 1
"""Place of the group "S2_RGB" among the groups of space and time."""
MONTH = 5
"""June, the month that the project's own code takes where none is told."""


def galileo_network(path: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return the function from RGB ``(image, 3, y, x)`` in counts to ``(image, 128)``.

    Sides are multiples of 32 px.
    """
    weights = read_weights(path)

    @torch.no_grad()
    def features(counts: NDArray[np.float32]) -> NDArray[np.float32]:
        seen = windows(normalised(torch.from_numpy(np.ascontiguousarray(counts))))
        # The last norm would hide how large the features are.
        means = encoded(weights, seen).mean(1)
        return np.asarray(means.view(len(counts), -1, WIDTH).mean(1).numpy())

    return features


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the encoder's tensors by name; raise `EvaluationError` where they are not the nano encoder's."""
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
        weights = {name.replace(".backbone", ""): value for name, value in loaded.items()}
        shape = tuple(weights["space_time_embed.S2_RGB.proj.weight"].shape)
    except (OSError, RuntimeError, KeyError, AttributeError, EOFError, pickle.UnpicklingError) as error:
        raise EvaluationError(
            f"weights={str(path)!r} is not an encoder of Galileo; name its encoder.pt"
        ) from error
    if shape != (WIDTH, 3, STORED, STORED):
        raise EvaluationError(
            f"weights={str(path)!r} has patches of shape {shape}, but the nano encoder's are "
            f"{(WIDTH, 3, STORED, STORED)}; name data/models/nano/encoder.pt"
        )
    return weights


def normalised(counts: Tensor) -> Tensor:
    """Return blue, green and red (B, 3, H, W), two deviations around the training mean on [0, 1]."""
    mean, deviation = torch.tensor(BLUE_GREEN_RED).T[:, :, None, None]
    shifted: Tensor = counts.flip(1) * REFLECTANCE_OF_COUNT - (mean - 2 * deviation)
    normal: Tensor = shifted / (4 * deviation)
    return normal


def windows(pictures: Tensor) -> Tensor:
    """Cut pictures (B, C, H, W) into squares (B * windows, C, 32, 32)."""
    side = PATCH * SIDE
    squares = pictures.unfold(2, side, side).unfold(3, side, side)
    return squares.permute(0, 2, 3, 1, 4, 5).flatten(0, 2)


def encoded(weights: Mapping[str, Tensor], bands: Tensor) -> Tensor:
    """Return tokens (B, patches, 128), before the last norm, of windows (B, 3, 32, 32)."""
    name = "space_time_embed.S2_RGB.proj"
    filters = (weights[f"{name}.weight"].flatten(2) @ _smaller()).view(WIDTH, -1, PATCH, PATCH)
    patches = F.conv2d(bands, filters, weights[f"{name}.bias"], stride=PATCH)
    x = patches.flatten(2).mT + _code(weights)
    depth = sum(key.endswith(".attn.q.weight") for key in weights)
    for index in range(depth):
        x = x + _attention(weights, f"blocks.{index}.attn", _normed(weights, f"blocks.{index}.norm1", x))
        inner = _linear(weights, f"blocks.{index}.mlp.fc1", _normed(weights, f"blocks.{index}.norm2", x))
        x = x + _linear(weights, f"blocks.{index}.mlp.fc2", F.gelu(inner))
    return x


def _smaller() -> Tensor:
    """Return the matrix from stored filters to those of smaller patches (64, 16).

    Its transpose undoes the bicubic resizing of a patch as well as can be (Beyer et al. 2023,
    arXiv:2212.08013, section 3.4).
    """
    every = torch.eye(STORED**2).view(-1, 1, STORED, STORED)
    resized = F.interpolate(every, (PATCH, PATCH), mode="bicubic", antialias=True).flatten(1)
    smaller: Tensor = torch.linalg.pinv(resized).T
    return smaller


def _code(weights: Mapping[str, Tensor]) -> Tensor:
    """Return what is added to the tokens of a window, (patches, 128)."""
    steps = torch.arange(SIDE, dtype=torch.float32) * PATCH
    place = torch.cat([_waves(steps.repeat(SIDE)), _waves(steps.repeat_interleave(SIDE))], 1)
    alike = weights["s_t_channel_embed"][GROUP], weights["pos_embed"][0], weights["month_embed.weight"][MONTH]
    return torch.cat([torch.cat(alike).expand(len(place), -1), place], 1)


def _waves(positions: Tensor) -> Tensor:
    """Return sines and cosines (positions, 16) of positions in pixels of 10 m."""
    # The exponent is the project's own: a quarter of the usual one.
    rates = 1 / 10000 ** (torch.arange(QUARTER // 4) / QUARTER)
    angles = positions[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)


def _attention(weights: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    batch, count, width = x.shape
    query, key, value = (
        _linear(weights, f"{name}.{part}", x).view(batch, count, HEADS, width // HEADS).transpose(1, 2)
        for part in "qkv"
    )
    share = (query @ key.mT / math.sqrt(width // HEADS)).softmax(-1)
    return _linear(weights, f"{name}.proj", (share @ value).transpose(1, 2).flatten(2))


def _linear(weights: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    return F.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])


def _normed(weights: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"])
