"""Large-Image-Diffusion's embedder: one token of a self-supervised vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from geoinfinite.models.networks.loading import Renamed, loaded, renamed_by, shape_of

WHAT = "the patch embedder"
PUBLISHED = "cond_stage_model."


class PatchEmbedder(nn.Module):
    """A linear layer of a vector of length 1; what stands for nothing said is its answer to zeros, the bias.

    The variant of BRCA-20x has a second token for the region around the patch, which its authors fed with
    zeros ("no impact"): the bias of another layer.

    Source: Large-Image-Diffusion (arXiv:2312.07330), section 3.2.
    """

    def __init__(self, channels: int, out: int, *, region: int = 0, normalise: bool = True) -> None:
        super().__init__()
        self.patch_fc = nn.Linear(channels, out)
        self.region_fc = nn.Linear(region, out) if region else None
        self.normalise = normalise

    @classmethod
    def sized(cls, tensors: Mapping[str, Tensor], *, normalise: bool = True) -> PatchEmbedder:
        """Return the embedder whose tensors these are; raise `ModelError` if they make none.

        ``normalise`` is ``normalize_ssl`` of the configuration, which no tensor tells.
        """
        out, channels = shape_of(tensors, "patch_fc.weight", 2, WHAT)
        two = any(name.startswith("region_fc.") for name in tensors)
        region = shape_of(tensors, "region_fc.weight", 2, WHAT)[1] if two else 0
        return loaded(lambda: cls(channels, out, region=region, normalise=normalise), tensors, WHAT)

    @staticmethod
    def renamed(tensors: Mapping[str, Tensor]) -> Renamed:
        """Return published tensors ``cond_stage_model.*`` under this module's names."""
        return renamed_by(tensors, {}, PUBLISHED), frozenset()

    def null(self, tiles: int) -> Tensor:
        """Return the tokens ``(tile, token, out)`` of tiles that are told nothing: those of zeros."""
        return cast(Tensor, self(self.patch_fc.weight.new_zeros(tiles, self.patch_fc.in_features)))

    def forward(self, vectors: Tensor) -> Tensor:
        """Return tokens ``(tile, 1, out)`` of vectors ``(tile, channel)``, two with a region."""
        with torch.autocast(vectors.device.type, enabled=False):
            vectors = vectors.float()
            tokens = [self.patch_fc(F.normalize(vectors, dim=-1) if self.normalise else vectors)]
            if self.region_fc is not None:
                tokens.append(self.region_fc.bias.expand(len(vectors), -1))
            return torch.stack(tokens, 1)
