"""AeroGen's layout mask attention: objects written into their masks after the first convolution."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from geoinfinite.models.networks.loading import Renamed, loaded, renamed_by, shape_of

WHAT = "the layout mask attention"
PUBLISHED = "maskcrossattention."
FROM_TIME = 200
"""The first training timestep at which it is used."""
SHARE = 0.2
"""Of the objects in the answer; the rest is the state."""
NAMES = {
    "norm3.": "norm.",
    "crossattn.to_v.": "to_v.",
    "crossattn.to_out.0.": "to_out.",
    "ffn.net.0.proj.": "widen.",
    "ffn.net.2.": "narrow.",
}
IDLE = "norm1.", "norm2.", "crossattn.to_q.", "crossattn.to_k."
"""Attention to a single key, the object's class, has the weight 1, whatever query and key are."""


class LayoutMask(nn.Module):
    """Writes every object into the cells of its mask: ``0.2 sum_n mask_n f_n(h) + 0.8 h``.

    Of the published cross-attention to one key per object the value is left, so ``f_n`` is the class's value
    and a feed-forward layer. Outside all masks the state is multiplied by 0.8.

    Source: AeroGen (arXiv:2411.15497), section 3.3.
    """

    def __init__(self, width: int, text: int, hidden: int) -> None:
        super().__init__()
        self.proj_in, self.proj_out = nn.Linear(width, width), nn.Linear(width, width)
        self.to_v, self.to_out = nn.Linear(text, width, bias=False), nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        self.widen, self.narrow = nn.Linear(width, 2 * hidden), nn.Linear(hidden, width)

    @classmethod
    def sized(cls, tensors: Mapping[str, Tensor]) -> LayoutMask:
        """Return the module whose tensors these are; raise `ModelError` if they make none."""
        width, text = shape_of(tensors, "to_v.weight", 2, WHAT)
        _, hidden = shape_of(tensors, "narrow.weight", 2, WHAT)
        return loaded(lambda: cls(width, text, hidden), tensors, WHAT)

    @staticmethod
    def renamed(tensors: Mapping[str, Tensor]) -> Renamed:
        """Return published tensors ``maskcrossattention.*`` under this module's names.

        Queries, keys and their norms have no influence.
        """
        idle = frozenset(name for name in tensors if name.removeprefix(PUBLISHED).startswith(IDLE))
        kept = {name: tensor for name, tensor in tensors.items() if name not in idle}
        return renamed_by(kept, NAMES, PUBLISHED), idle

    def gated(self, h: Tensor, classes: Tensor, masks: Tensor, times: Tensor) -> Tensor:
        """Return `forward` for tiles whose training timestep ``(tile,)`` is 200 or later, else ``h``."""
        late = times >= FROM_TIME
        if not late.any():
            return h
        return torch.where(late.reshape(-1, 1, 1, 1), self(h, classes, masks), h)

    def forward(self, h: Tensor, classes: Tensor, masks: Tensor) -> Tensor:
        """Return ``(tile, channel, y, x)`` like ``h``.

        ``classes`` is the text vector ``(tile, box, text)`` of every slot, ``masks`` its mask
        ``(tile, box, y, x)``: 0 or 1, all 0 for an empty slot.
        """
        state = self.proj_in(h.permute(0, 2, 3, 1))
        total = torch.zeros_like(state)
        # Slots that are empty in every tile add nothing but take as long as others.
        for slot in masks.flatten(2).any(-1).any(0).nonzero().flatten().tolist():
            mask = masks[:, slot, :, :, None].to(state.dtype)
            total = total + mask * self._object(state, classes[:, slot])
        return SHARE * total.permute(0, 3, 1, 2) + (1 - SHARE) * h

    def _object(self, state: Tensor, kind: Tensor) -> Tensor:
        """Return what an object of a class ``(tile, text)`` makes of the state ``(tile, y, x, channel)``."""
        told = state + self.to_out(self.to_v(kind))[:, None, None]
        value, gate = self.widen(self.norm(told)).chunk(2, -1)
        answer: Tensor = self.proj_out(told + self.narrow(value * F.gelu(gate)))
        return answer
