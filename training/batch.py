"""Training examples, and the small operations on pictures in [-1, 1] that make them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from geoinfinite.plane.resample import mean_exact_upsampler


@dataclass(frozen=True, slots=True)
class Batch:
    """Training examples in [-1, 1]."""

    parent: Tensor
    """(B, 3, P, P)."""
    child: Tensor
    """(B, 3, T, T)."""
    water: Tensor
    """(B, 2, T, T): the share of water, -1 to 1, 0 where it is unknown; and 1 where it is known."""
    gsd_m: Tensor
    """(B,): the label, metres per child pixel from north to south."""
    aspect: Tensor
    """(B,): height over width of a pixel on the ground."""

    def joined(self, other: Batch) -> Batch:
        """Return the examples of both."""
        pairs = zip(self._tensors(), other._tensors(), strict=True)
        return Batch(*(torch.cat(pair) for pair in pairs))

    def part(self, chosen: slice | Tensor) -> Batch:
        """Return some examples, by a slice, numbers or a mask."""
        return Batch(*(tensor[chosen] for tensor in self._tensors()))

    def to(self, device: torch.device) -> Batch:
        """Return the examples on a device."""
        return Batch(*(tensor.to(device) for tensor in self._tensors()))

    def _tensors(self) -> list[Tensor]:
        return [getattr(self, field.name) for field in fields(self)]


@dataclass(frozen=True, slots=True)
class Region:
    """Crops with what surrounds their tiles: pictures (B, 3, S, S) in [-1, 1], water, label and aspect."""

    picture: Tensor
    water: Tensor
    gsd_m: Tensor
    aspect: Tensor


def centre(images: Tensor, side: int) -> Tensor:
    """Cut the central `side` x `side` pixels."""
    top, left = ((size - side) // 2 for size in images.shape[-2:])
    return images[..., top : top + side, left : left + side]


def to_bytes(images: Tensor) -> Tensor:
    """Round values in [-1, 1] to those that bytes can hold."""
    return ((images + 1) * 127.5).round().clamp(0, 255) / 127.5 - 1


def follow(child: Tensor, parent: Tensor, moved: Tensor, margin: int) -> Tensor:
    """Return the child with the means of the moved parent and its own detail."""
    change = (moved - parent)[..., margin:-margin, margin:-margin]
    enlarge = torch.from_numpy(
        mean_exact_upsampler(change.shape[-1], child.shape[-1] // change.shape[-1]).copy()
    ).to(child)
    followed: Tensor = (child + enlarge @ change @ enlarge.T).clamp(-1, 1)
    return followed
