"""Attention of a decoder restricted to a neighbourhood, so that the decoder has a bounded halo."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn

ROWS = 16
"""Rows of queries at once: memory grows with them, not with the tile's area squared."""


class LocalAttention:
    """For diffusers' `Attention`: a pixel sees those at most ``reach`` rows and columns away."""

    def __init__(self, reach: int) -> None:
        self.reach = reach

    def __call__(
        self,
        attention: Any,
        x: Tensor,
        encoder_hidden_states: object = None,
        attention_mask: object = None,
        temb: object = None,
    ) -> Tensor:
        """Return the attention block's output for ``(tile, channel, y, x)``; decoders pass nothing else.

        diffusers looks up the names of the parameters, and warns of those that it passes in vain.
        """
        tiles, channels, rows, columns = x.shape
        tokens = attention.group_norm(x.flatten(2)).transpose(1, 2)
        query, key, value = (
            to(tokens).view(tiles, rows, columns, attention.heads, -1).permute(0, 3, 1, 2, 4)
            for to in (attention.to_q, attention.to_k, attention.to_v)
        )
        seen = torch.cat(
            [self._rows(query, key, value, y, attention.scale) for y in range(0, rows, ROWS)], dim=2
        )
        answer: Tensor = attention.to_out[0](seen.permute(0, 2, 3, 1, 4).reshape(tiles, rows * columns, -1))
        answer = answer.transpose(1, 2).reshape(tiles, channels, rows, columns)
        if attention.residual_connection:
            answer = answer + x
        return answer / float(attention.rescale_output_factor)

    def _rows(self, query: Tensor, key: Tensor, value: Tensor, y: int, scale: float) -> Tensor:
        """Return attended values ``(tile, head, y, x, channel)`` of ``ROWS`` rows of queries from row y."""
        rows, columns = query.shape[2:4]
        here = range(y, min(y + ROWS, rows))
        there = range(max(0, y - self.reach), min(rows, here.stop + self.reach))
        near_y = _near(here, there, self.reach, query.device)
        near_x = _near(range(columns), range(columns), self.reach, query.device)
        mask = (near_y[:, None, :, None] & near_x[None, :, None, :]).flatten(2).flatten(0, 1)
        seen: Tensor = F.scaled_dot_product_attention(
            query[:, :, here.start : here.stop].flatten(2, 3),
            key[:, :, there.start : there.stop].flatten(2, 3),
            value[:, :, there.start : there.stop].flatten(2, 3),
            attn_mask=mask,
            scale=scale,
        )
        return seen.view(*seen.shape[:2], len(here), columns, seen.shape[-1])


def _near(some: range, others: range, reach: int, device: torch.device) -> Tensor:
    a, b = (torch.arange(r.start, r.stop, device=device) for r in (some, others))
    return (a[:, None] - b[None, :]).abs() <= reach


def restrict_attention(module: nn.Module, reach: int) -> None:
    """Restrict every attention in a module to ``reach`` pixels of its own resolution along each axis."""
    for child in module.modules():
        if isinstance(child, Attention):
            processor: Any = LocalAttention(reach)
            child.set_processor(processor)
