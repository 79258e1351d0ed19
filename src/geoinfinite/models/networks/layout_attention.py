"""AeroGen's attention to a layout: every cross-attention of a U-Net looks at texts and at boxes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from diffusers.models.attention_processor import AttnProcessor2_0
from torch import Tensor, nn

from geoinfinite.models.networks.loading import LONGEST, Renamed, loaded, misfit, shape_of
from geoinfinite.models.schema import shortened

WHAT = "the layout attention"
KEY, VALUE = "to_k_control.weight", "to_v_control.weight"


class LayoutAttention(nn.Module):
    """A processor of diffusers' attention: attends to the text, and with the same query to a layout.

    The two answers are added before the output's projection. The layout comes with every call, as
    ``cross_attention_kwargs={"layout": tokens}`` of the U-Net, ``(tile, box, channel)``.

    Source: AeroGen (arXiv:2411.15497), section 3.2, layout-guided dual cross-attention.
    """

    def __init__(self, width: int, layout: int) -> None:
        super().__init__()
        self.to_k_control = nn.Linear(layout, width, bias=False)
        self.to_v_control = nn.Linear(layout, width, bias=False)

    @classmethod
    def sized(cls, tensors: Mapping[str, Tensor]) -> LayoutAttention:
        """Return the processor whose two tensors these are; raise `ModelError` if they make none."""
        width, layout = shape_of(tensors, KEY, 2, WHAT)
        return loaded(lambda: cls(width, layout), tensors, WHAT)

    @staticmethod
    def renamed(tensors: Mapping[str, Tensor]) -> Renamed:
        """Return tensors ``*.attn2.to_{k,v}_control.weight`` as they are called, those of ``attn1`` as idle.

        Self-attention has them in the checkpoint too, and does not use them.
        """
        idle = frozenset(name for name in tensors if ".attn1.to_" in name)
        return {name: tensor for name, tensor in tensors.items() if name not in idle}, idle

    def __call__(
        self,
        attention: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: object = None,
        temb: object = None,
        layout: Tensor | None = None,
    ) -> Tensor:
        """Return the attention block's output ``(tile, pixel, channel)``.

        diffusers looks up the names of the parameters, and warns of those that it passes in vain. So the call
        is named here, and not left to `torch.nn.Module`.
        """
        texts = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query = _heads(attention, attention.to_q(hidden_states))
        seen = _attended(attention, query, attention.to_k(texts), attention.to_v(texts))
        if layout is not None:
            seen = seen + _attended(attention, query, self.to_k_control(layout), self.to_v_control(layout))
        answer: Tensor = attention.to_out[0](seen.transpose(1, 2).flatten(2))
        return answer


class PlainAttention(AttnProcessor2_0):
    """diffusers' own processor, which lets a layout pass by in silence."""

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
        layout: object = None,
    ) -> Tensor:
        """Return the attention block's output."""
        answer: Tensor = super().__call__(attn, hidden_states, encoder_hidden_states, attention_mask, temb)
        return answer


def install(unet: Any, tensors: Mapping[str, Tensor]) -> None:
    """Let every cross-attention of a U-Net attend to a layout too.

    ``tensors`` are named ``<attention>.attn2.to_{k,v}_control.weight``, as the U-Net names its attentions.
    Raises `ModelError` for one that is missing, has no place or has another shape.
    """
    left, plain = dict(tensors), _plain()
    processors: dict[str, Any] = {}
    for name in unet.attn_processors:
        base = name.removesuffix("processor")
        if not base.endswith(".attn2."):
            processors[name] = plain
            continue
        attention = unet.get_submodule(base.removesuffix("."))
        processors[name] = _processor(attention, base, {k: left.pop(base + k, None) for k in (KEY, VALUE)})
    if left:
        raise misfit(WHAT, f"has no place for the tensor {shortened(min(left), LONGEST)}")
    unet.set_attn_processor(processors)


def _plain() -> Any:
    make: Any = PlainAttention
    return make()


def _processor(attention: Any, base: str, tensors: Mapping[str, Tensor | None]) -> LayoutAttention:
    found = {key: tensor for key, tensor in tensors.items() if tensor is not None}
    if len(found) < len(tensors):
        raise misfit(
            WHAT, f"lacks the tensor {shortened(base + min(tensors.keys() - found.keys()), LONGEST)}"
        )
    processor = LayoutAttention.sized(found)
    width = attention.to_q.weight.shape[0]
    if processor.to_k_control.out_features != width:
        raise misfit(
            WHAT,
            f"has {width} channels, and {shortened(base + KEY, LONGEST)} of the checkpoint makes "
            f"{processor.to_k_control.out_features}",
        )
    return processor.to(attention.to_q.weight.device)


def _heads(attention: Any, tokens: Tensor) -> Tensor:
    """Return ``(tile, head, token, channel)`` of ``(tile, token, channel)``."""
    return tokens.reshape(*tokens.shape[:-1], attention.heads, -1).transpose(1, 2)


def _attended(attention: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    key, value = _heads(attention, key), _heads(attention, value)
    seen: Tensor = F.scaled_dot_product_attention(query, key, value, scale=attention.scale)
    return seen
