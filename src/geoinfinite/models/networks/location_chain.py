"""GeoSynth's location branch: what a place adds to each residual of a ControlNet."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from geoinfinite.models.networks.loading import Renamed, loaded, numbered, shape_of

WHAT = "the location chain"
BLOCK = re.compile(r"loc_(?:blocks\.(\d+)|middle_block)\.(.+)")
IDLE = "query_embed.", "key_embed."
"""Attention to a single key has the weight 1, whatever query and key are."""
PACKED = {"cross_attn.in_proj_weight": "value_proj.weight", "cross_attn.in_proj_bias": "value_proj.bias"}
"""Query, key and value projections in one tensor: only the last third has influence."""


class LocationChain(nn.Module):
    """Blocks in a row: each carries the vector of the place on, and adds its share to one residual.

    Of the published cross-attention of the place to the time, which is its only key, the value is left. The
    shares depend on the timestep. A zero vector is a place like any other, and not none.

    Source: GeoSynth (arXiv:2404.06637), CoordNet.
    """

    def __init__(self, width: int, time: int, outs: Sequence[int]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_Block(width, time, out) for out in outs)

    @classmethod
    def sized(cls, tensors: Mapping[str, Tensor]) -> LocationChain:
        """Return the chain whose tensors these are; raise `ModelError` if they make none."""
        width, time = shape_of(tensors, "blocks.0.value_embed.weight", 2, WHAT)
        names = [f"blocks.{i}.ff_zero.weight" for i in range(numbered(tensors, "blocks."))]
        outs = [shape_of(tensors, name, 2, WHAT)[0] for name in names]
        return loaded(lambda: cls(width, time, outs), tensors, WHAT)

    @staticmethod
    def renamed(tensors: Mapping[str, Tensor]) -> Renamed:
        """Return published tensors ``loc_blocks.{i}.*`` and ``loc_middle_block.*`` under this module's names.

        The middle block comes last. Queries and keys have no influence.
        """
        last = numbered(tensors, "loc_blocks.")
        kept: dict[str, Tensor] = {}
        idle: set[str] = set()
        for name, tensor in tensors.items():
            found = BLOCK.fullmatch(name)
            if found is None:
                kept[name] = tensor
            elif found[2].startswith(IDLE):
                idle.add(name)
            else:
                block = f"blocks.{last if found[1] is None else int(found[1])}."
                if found[2] in PACKED:
                    tensor = tensor[2 * (len(tensor) // 3) :].clone()
                kept[block + PACKED.get(found[2], found[2].replace("cross_attn.", ""))] = tensor
        return kept, frozenset(idle)

    def forward(self, vector: Tensor, time: Tensor) -> list[Tensor]:
        """Return one vector ``(tile, channel)`` for every residual, that of the middle last.

        ``vector`` is ``(tile, width)``, ``time`` the ControlNet's embedding ``(tile, time)`` of the timestep.
        """
        x, shares = vector.float(), []
        with torch.autocast(vector.device.type, enabled=False):
            for block in self.blocks:
                x, share = block(x, time.float())
                shares.append(share)
        return shares


class _Block(nn.Module):
    def __init__(self, width: int, time: int, out: int) -> None:
        super().__init__()
        self.value_embed = nn.Linear(time, width, bias=False)
        self.value_proj, self.out_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.ff = nn.Linear(width, width, bias=False)
        self.ff_zero = nn.Linear(width, out, bias=False)

    def forward(self, x: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
        attended = self.out_proj(self.value_proj(self.value_embed(time)))
        x = self.norm1(attended) + x
        x = self.norm2(self.ff(x)) + x
        return x, self.ff_zero(x)
