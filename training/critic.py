"""A conditional patch discriminator, the adversary of the network while it is trained.

Source: Isola et al. 2017, arXiv:1611.07004, with spectral normalisation (Miyato et al. 2018,
arXiv:1802.05957) and a projection of the resolution (Miyato and Koyama 2018, arXiv:1802.05637).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from geoinfinite.models.earth.detail import Embedding

LARGEST = 6.0
"""Detail beyond this many units of local contrast is told apart no further."""
FOLD = 2
"""Side of the pixel blocks that are folded into channels."""
GIVEN = 8
"""Channels of what a picture was drawn from: base, the parent's detail, water and whether it is known."""


class Critic(nn.Module):
    """Logits for detail (B, 3, T, T) given features (B, 8, T, T), at T/2, T/4 and T/8."""

    def __init__(self, channels: tuple[int, ...] = (128, 192, 320), embedding: int = 96) -> None:
        super().__init__()
        self.embedding = Embedding(embedding)
        self.enter = spectral_norm(nn.Conv2d((3 + GIVEN) * FOLD**2, channels[0], 3, padding=1))
        self.first, self.second, self.heads = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        self.shrink, self.project = nn.ModuleList(), nn.ModuleList()
        for width in channels:
            self.first.append(spectral_norm(nn.Conv2d(width, width, 3, padding=1)))
            self.second.append(spectral_norm(nn.Conv2d(width, width, 3, padding=1)))
            self.heads.append(spectral_norm(nn.Conv2d(width, 1, 1)))
            self.project.append(nn.Linear(embedding, width))
        for narrow, wide in pairwise(channels):
            self.shrink.append(spectral_norm(nn.Conv2d(narrow, wide, 4, stride=2, padding=1)))

    def forward(self, detail: Tensor, given: Tensor, gsd_m: Tensor, aspect: Tensor) -> list[Tensor]:
        """Return one map of logits (B, 1, ., .) per scale."""
        return list(self._logits(detail, given, self.embedding(gsd_m, aspect)))

    def _logits(self, detail: Tensor, given: Tensor, code: Tensor) -> Iterator[Tensor]:
        limited = LARGEST * torch.tanh(detail / LARGEST)
        folded = F.pixel_unshuffle(torch.cat([limited, given], 1), FOLD)
        x = F.leaky_relu(self.enter(folded.contiguous(memory_format=torch.channels_last)), 0.2)
        for scale in range(len(self.heads)):
            h = F.leaky_relu(self.first[scale](x), 0.2)
            x = x + F.leaky_relu(self.second[scale](h), 0.2)
            told = (x * self.project[scale](code)[..., None, None]).mean(1, keepdim=True)
            yield self.heads[scale](x) + told
            if scale < len(self.shrink):
                x = F.leaky_relu(self.shrink[scale](x), 0.2)
