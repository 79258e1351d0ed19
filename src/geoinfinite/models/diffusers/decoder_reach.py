"""Computes from its configuration how far beyond a tile a convolutional decoder reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

RESIDUAL_BLOCK = 2
"""Convolutions of 3 x 3 in a residual block of `AutoencoderKL` and `VQModel`."""
TINY_BLOCK = 3
"""The same of `AutoencoderTiny`."""

ATTENTION = 4
"""Pixels of its own resolution that attention sees to every side if normalisation is frozen; else it sees the
whole tile."""

Operation: TypeAlias = tuple[str, int]
"""``("look", n)``: n pixels to every side, as n convolutions of 3 x 3; ``("enlarge", f)``: by a factor."""


def halo_of(operations: Iterable[Operation], latent: int) -> int:
    """Return the pixels that a decoded tile needs beyond every side, a multiple of ``latent``.

    Walks back from the pixels of one latent pixel to the latent pixels that they depend on.

    >>> halo_of([("look", 1), ("enlarge", 2), ("look", 1)], latent=2)
    4
    """
    first, last = 0, latent - 1
    for operation, amount in reversed(list(operations)):
        if operation == "look":
            first, last = first - amount, last + amount
        else:
            first, last = first // amount, last // amount
    return max(-first, last) * latent


def decoder_operations(name: str, config: Mapping[str, Any]) -> list[Operation]:
    """Return a decoder's operations in order."""
    if name == "AutoencoderTiny":
        blocks = config.get("num_decoder_blocks", (3, 3, 3, 1))
        factor = int(config.get("upsampling_scaling_factor", 2))
        operations: list[Operation] = [("look", 1)]
        for i, count in enumerate(blocks):
            enlarge = [("enlarge", factor)] if i < len(blocks) - 1 else []
            operations += [("look", TINY_BLOCK * int(count)), *enlarge, ("look", 1)]
        return operations
    blocks = config.get("up_block_types", ("UpDecoderBlock2D",))
    layers = int(config.get("layers_per_block", 1)) + 1
    operations = [("look", 1 + 2 * RESIDUAL_BLOCK)]
    if config.get("mid_block_add_attention", True):
        operations.append(("look", ATTENTION))
    for i, block in enumerate(blocks):
        # Attention follows every residual block of the blocks that have it.
        attention = ATTENTION if block.startswith("Attn") else 0
        operations.append(("look", layers * (RESIDUAL_BLOCK + attention)))
        if i < len(blocks) - 1:
            operations += [("enlarge", 2), ("look", 1)]
    return [*operations, ("look", 1)]


def latent_pixels(name: str, config: Mapping[str, Any]) -> int:
    """Return the pixels of the image per pixel of the code, along each axis."""
    if name == "AutoencoderTiny":
        times = len(config.get("num_decoder_blocks", (3, 3, 3, 1))) - 1
        return int(config.get("upsampling_scaling_factor", 2) ** times)
    return int(2 ** (len(config.get("block_out_channels", (64,))) - 1))
