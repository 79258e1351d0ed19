"""geoembed's ResNet-18 up to its third stage, from the weights in its package and nothing else of it.

The package runs on OpenCL; here the few layers that the features come from are torch's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from geoinfinite.evaluation.packages import folder

STAGES = (("layer1", 1), ("layer2", 2), ("layer3", 2))
"""Stages of two blocks each, and the stride of the first."""
EPSILON = 1e-5


def geoembed_network() -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return the function from RGB ``(image, 3, y, x)`` in counts to ``(image, 256)``."""
    weights = read_weights(folder("geoembed", "geoembed_judge()") / "weights" / "v3.npz")

    @torch.no_grad()
    def features(counts: NDArray[np.float32]) -> NDArray[np.float32]:
        pictures = torch.from_numpy(np.ascontiguousarray(counts)) / 127.5 - 1
        return np.asarray(third_stage(weights, pictures).mean((2, 3)).numpy())

    return features


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of the backbone by name; no pickle is read."""
    with np.load(path, allow_pickle=False) as file:
        names = [name for name in file.files if name.startswith("bb.")]
        return {name.removeprefix("bb."): torch.from_numpy(file[name]) for name in names}


def third_stage(weights: Mapping[str, Tensor], pictures: Tensor) -> Tensor:
    """Return (B, 256, H / 4, W / 4) of pictures (B, 3, H, W) in [-1, 1]."""
    x = F.relu(_normed(weights, "stem.1", F.conv2d(pictures, weights["stem.0.weight"], padding=1)))
    for stage, stride in STAGES:
        x = _block(weights, f"{stage}.0", x, stride)
        x = _block(weights, f"{stage}.1", x, 1)
    return x


def _block(weights: Mapping[str, Tensor], name: str, x: Tensor, stride: int) -> Tensor:
    """Return the basic block of a residual network (He et al. 2016, arXiv:1512.03385, figure 2)."""
    first = F.conv2d(x, weights[f"{name}.conv1.weight"], stride=stride, padding=1)
    inner = F.relu(_normed(weights, f"{name}.bn1", first))
    second = F.conv2d(inner, weights[f"{name}.conv2.weight"], padding=1)
    shortcut = x
    if f"{name}.short.0.weight" in weights:
        narrow = F.conv2d(x, weights[f"{name}.short.0.weight"], stride=stride)
        shortcut = _normed(weights, f"{name}.short.1", narrow)
    return F.relu(_normed(weights, f"{name}.bn2", second) + shortcut)


def _normed(weights: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    mean, variance, gain, offset = (
        weights[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
    )
    return F.batch_norm(x, mean, variance, gain, offset, eps=EPSILON)
