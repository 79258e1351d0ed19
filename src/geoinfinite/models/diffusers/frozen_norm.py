"""Group normalisation with fixed statistics, so that a decoded pixel depends on a bounded neighbourhood.

A decoder's normalisation measures the whole tile that it is given: the same ground, decoded within two
different tiles, gets two different tones. Frozen, the statistics are those of fixed pictures, the same in
every tile of every world.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


class FrozenGroupNorm(nn.Module):
    """A `GroupNorm` whose statistics are measured over the whole of its first batch and then kept."""

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self.groups, self.eps = norm.num_groups, norm.eps
        self.weight, self.bias = norm.weight, norm.bias
        self.scale: Tensor | None = None
        self.offset: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(x - mean) / deviation * weight + bias`` for ``(batch, channel, ...)``."""
        if self.scale is None or self.offset is None:
            self.scale, self.offset = self._measure(x)
        shape = (1, -1) + (1,) * (x.ndim - 2)
        return x * self.scale.view(shape) + self.offset.view(shape)

    def _measure(self, x: Tensor) -> tuple[Tensor, Tensor]:
        grouped = x.reshape(x.shape[0], self.groups, -1).transpose(0, 1).reshape(self.groups, -1)
        variance, mean = torch.var_mean(grouped, dim=1, correction=0)
        size = x.shape[1] // self.groups
        scale = self.weight * torch.rsqrt(variance + self.eps).repeat_interleave(size)
        return scale, self.bias - mean.repeat_interleave(size) * scale


def freeze_norms(module: nn.Module, run: Callable[[], object]) -> None:
    """Freeze every group normalisation in a module at what it measures while ``run`` is called.

    Layers are frozen as the batch passes, so each one measures what the frozen ones before it give.
    """
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.GroupNorm):
                setattr(parent, name, FrozenGroupNorm(child))
    run()
