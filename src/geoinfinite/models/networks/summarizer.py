"""ZoomLDM's summarizer: 65 tokens of a grid of self-supervised vectors and of a level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from geoinfinite.errors import ModelError
from geoinfinite.models.networks.loading import Renamed, loaded, misfit, numbered, renamed_by, shape_of

WHAT = "the summarizer"
PUBLISHED = "cond_stage_model."
HEADS = 8
LARGEST = 8
"""Rows and columns beyond which a grid is averaged to as many."""
NAMES = {
    "mag_embedding.": "level.",
    "dim_reduce.": "reduce.",
    "encoder.pos_embedding": "positions",
    "encoder.ln.": "norm.",
    "encoder.layers.encoder_layer_": "layers.",
}
LAYER_NAMES = {
    ".ln_1.": ".norm1.",
    ".ln_2.": ".norm2.",
    ".self_attention.in_proj_": ".packed.",
    ".self_attention.out_proj.": ".out.",
    ".mlp.0.": ".widen.",
    ".mlp.3.": ".narrow.",
}


class Summarizer(nn.Module):
    """A transformer over the vectors of a grid, row by row in the middle of 64 slots, the level in front.

    Slots that no vector fills hold a learned one. What stands for nothing said is zeros *after* the
    summarizer, which `null` returns. Always float32.

    Source: ZoomLDM (arXiv:2411.16969), section 3.2.
    """

    def __init__(
        self, channels: int, width: int, mlp: int, layers: int, levels: int, slots: int = 64
    ) -> None:
        super().__init__()
        self.pad_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.zeros(1, slots + 1, width))
        self.level, self.reduce = nn.Embedding(levels, width), nn.Linear(channels, width)
        self.layers = nn.ModuleList(_Layer(width, mlp) for _ in range(layers))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.final_proj, self.layer_norm = nn.Linear(width, width), nn.LayerNorm(width)

    @classmethod
    def sized(cls, tensors: Mapping[str, Tensor]) -> Summarizer:
        """Return the summarizer whose tensors these are; raise `ModelError` if they make none."""
        width, channels = shape_of(tensors, "reduce.weight", 2, WHAT)
        mlp, _ = shape_of(tensors, "layers.0.widen.weight", 2, WHAT)
        levels, _ = shape_of(tensors, "level.weight", 2, WHAT)
        _, tokens, _ = shape_of(tensors, "positions", 3, WHAT)
        if width % HEADS:
            raise misfit(
                WHAT, f"has {HEADS} heads, which cannot share the {width} channels of the checkpoint"
            )
        layers = numbered(tensors, "layers.")
        return loaded(lambda: cls(channels, width, mlp, layers, levels, tokens - 1), tensors, WHAT)

    @staticmethod
    def renamed(tensors: Mapping[str, Tensor]) -> Renamed:
        """Return published tensors ``cond_stage_model.*`` under this module's names."""
        kept = {}
        for name, tensor in renamed_by(tensors, NAMES, PUBLISHED).items():
            old = next((old for old in LAYER_NAMES if old in name), "")
            kept[name.replace(old, LAYER_NAMES[old]) if old else name] = tensor
        return kept, frozenset()

    def null(self, tiles: int) -> Tensor:
        """Return the tokens ``(tile, 65, out)`` of tiles that are told nothing."""
        return torch.zeros_like(self.positions).expand(tiles, -1, -1)

    def forward(self, grid: Tensor, level: Tensor) -> Tensor:
        """Return tokens ``(tile, 65, out)``.

        ``grid`` is ``(tile, channel, y, x)``, the raw vectors of a tile's parts; ``level`` ``(tile,)`` the
        index of its scale. Raises `ModelError` for a grid that cannot lie in the middle of the slots.
        """
        with torch.autocast(grid.device.type, enabled=False):
            x = self._placed(self.reduce(standardised(grid.float()).flatten(2).transpose(1, 2)))
            x = torch.cat([self.level(level)[:, None], x], 1) + self.positions
            for layer in self.layers:
                x = layer(x)
            return cast(Tensor, self.layer_norm(self.final_proj(self.norm(x))))

    def _placed(self, vectors: Tensor) -> Tensor:
        """Return ``(tile, slot, channel)`` with vectors ``(tile, n, channel)`` in its middle."""
        slots, count = self.positions.shape[1] - 1, vectors.shape[1]
        if count > slots or (count % 2 and count > 1):
            raise ModelError(
                f"a grid of {count} vectors has no middle place in the {slots} slots of {WHAT}; give 1 x 1 "
                f"or an even number of vectors: 2 x 2, 2 x 4, 4 x 4, {LARGEST} x {LARGEST} or larger"
            )
        before = slots // 2 - count // 2
        pad = self.pad_token.expand(len(vectors), -1, -1)
        after = slots - before - count
        return torch.cat([pad.expand(-1, before, -1), vectors, pad.expand(-1, after, -1)], 1)


class _Layer(nn.Module):
    """Attention of all tokens to each other, then two layers with a GELU between them; norms come first."""

    def __init__(self, width: int, mlp: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.packed, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, mlp), nn.Linear(mlp, width)

    def forward(self, x: Tensor) -> Tensor:
        heads = self.packed(self.norm1(x)).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        seen: Tensor = F.scaled_dot_product_attention(*heads)
        x = x + self.out(seen.transpose(1, 2).flatten(2))
        return cast(Tensor, x + self.narrow(F.gelu(self.widen(self.norm2(x)))))


def standardised(grid: Tensor) -> Tensor:
    """Return a grid ``(tile, channel, y, x)`` with mean 0 and deviation 1 over the channels of every vector.

    A grid of more than 8 rows or columns is averaged to 8 x 8 before. The deviation is the unbiased one.
    """
    if max(grid.shape[-2:]) > LARGEST:
        grid = F.adaptive_avg_pool2d(grid, LARGEST)
    return (grid - grid.mean(1, keepdim=True)) / (grid.std(1, keepdim=True) + 1e-8)
