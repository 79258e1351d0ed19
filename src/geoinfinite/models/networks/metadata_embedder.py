"""DiffusionSat's embedding of metadata: numbers that are added to the embedding of the time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from geoinfinite.models.networks.loading import Renamed, loaded, misfit, numbered, renamed_by, shape_of

WHAT = "the metadata embedder"
PUBLISHED = "metadata_embedding."
BASE = 10_000.0


class MetadataEmbedder(nn.ModuleList):
    """One two-layer embedder for each item, their answers added one by one in order.

    Items are scaled to about 0..1000. A missing item is the number 0, which goes through its embedder like
    any other. Always float32: half precision moves a longitude of 925.88 by 0.04 degrees.

    Source: DiffusionSat (arXiv:2312.03606), section 3.2.
    """

    def __init__(self, width: int, out: int, items: int) -> None:
        super().__init__(_Embedder(width, out) for _ in range(items))
        self.width = width

    @classmethod
    def sized(cls, tensors: Mapping[str, Tensor]) -> MetadataEmbedder:
        """Return the embedder whose tensors these are; raise `ModelError` if they make none."""
        out, width = shape_of(tensors, "0.linear_1.weight", 2, WHAT)
        if width % 2:
            raise misfit(WHAT, f"needs an even number of channels, and '0.linear_1.weight' takes {width}")
        return loaded(lambda: cls(width, out, numbered(tensors)), tensors, WHAT)

    @staticmethod
    def renamed(tensors: Mapping[str, Tensor]) -> Renamed:
        """Return published tensors ``metadata_embedding.*`` under this module's names."""
        return renamed_by(tensors, {}, PUBLISHED), frozenset()

    def each(self, scaled: Tensor) -> list[Tensor]:
        """Return the embedding ``(tile, out)`` of every item."""
        with torch.autocast(scaled.device.type, enabled=False):
            waves = sinusoids(scaled.float(), self.width)
            return [embedder(waves[:, item]) for item, embedder in enumerate(self)]

    def forward(self, scaled: Tensor) -> Tensor:
        """Return the sum ``(tile, out)`` of the embeddings of items ``(tile, item)``."""
        first, *others = self.each(scaled)
        for embedding in others:
            first = first + embedding
        return first


class _Embedder(nn.Module):
    """Two layers with a SiLU between them."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.linear_1, self.linear_2 = nn.Linear(width, out), nn.Linear(out, out)

    def forward(self, waves: Tensor) -> Tensor:
        return cast(Tensor, self.linear_2(F.silu(self.linear_1(waves))))


def sinusoids(numbers: Tensor, width: int) -> Tensor:
    """Return ``(..., width)`` of numbers ``(...)``: cosines, then sines, of falling frequency.

    >>> sinusoids(torch.zeros(1), 4)
    tensor([[1., 1., 0., 0.]])
    """
    half = width // 2
    steps = torch.arange(half, dtype=torch.float32, device=numbers.device) * (-math.log(BASE) / half)
    angles = numbers[..., None] * steps.exp()
    return torch.cat([angles.cos(), angles.sin()], -1)
