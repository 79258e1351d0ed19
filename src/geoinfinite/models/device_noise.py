"""Position-keyed noise drawn on a torch device, equal bit for bit to ``geoinfinite.diffusion.noise``.

Worth it where an upload would cost more than the hashing: large batches on a GPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from geoinfinite.diffusion.noise import MULTIPLIERS, NoiseField, quantile_table, round_keys
from geoinfinite.plane.window import Window

# Counters per block: few, large launches, in about 200 MiB of intermediates.
BLOCK = 2**20


def multiply(multiplier: int, word: Tensor) -> tuple[Tensor, Tensor]:
    """Return the high and the low 32 bits of a 32 x 32-bit product, in int64.

    The multiplier is split in 16-bit halves, so that no partial product reaches the sign bit.

    >>> high, low = multiply(0xD2511F53, torch.tensor([0xFFFFFFFF]))
    >>> hex(int(high) << 32 | int(low)) == hex(0xD2511F53 * 0xFFFFFFFF)
    True
    """
    low, high = (multiplier & 0xFFFF) * word, (multiplier >> 16) * word
    middle = ((high & 0xFFFF) << 16) + low
    return (high >> 16) + (middle >> 32), middle & 0xFFFFFFFF


def philox4x32(counters: tuple[Tensor, ...], key: int) -> tuple[Tensor, ...]:
    """Return the four random words of every counter, as 32-bit values in int64 tensors.

    The counter's words broadcast, as in ``geoinfinite.diffusion.noise.philox4x32``.
    """
    c0, c1, c2, c3 = counters
    for k0, k1 in round_keys(key):
        (high0, low0), (high1, low1) = multiply(MULTIPLIERS[0], c0), multiply(MULTIPLIERS[1], c2)
        c0, c1, c2, c3 = high1 ^ (c1 ^ k0), low1, high0 ^ (c3 ^ k1), low0
    return c0, c1, c2, c3


@cache
def device_table(device: torch.device) -> Tensor:
    """Return the quantile table on a device, uploaded once per process (256 KiB)."""
    return torch.tensor(quantile_table(), device=device)


@dataclass(frozen=True, slots=True)
class DeviceNoise:
    """A ``NoiseField`` that is drawn where the network runs.

    ``DeviceNoise(field, device)(window, draw)`` is ``field(window, draw)``, bit for bit, as a
    float32 tensor ``(channel, y, x)`` on the device. Raises what ``field`` raises.

    >>> field = NoiseField(key=7, level=2, channels=3)
    >>> tuple(DeviceNoise(field)(Window(-2, 6, 5, 15)).shape)
    (3, 8, 10)
    """

    field: NoiseField
    """What is drawn."""
    device: torch.device | str = "cpu"
    """Where it is drawn."""
    block: int = BLOCK
    """Counters that are hashed at once; the values do not depend on it."""

    def __call__(self, window: Window, draw: int = 0) -> Tensor:
        """Return standard normals, float32 ``(channel, y, x)``, on the device."""
        device = torch.device(self.device)
        table = device_table(device)
        shape = self.field.channels, *window.shape
        out = torch.empty(shape, dtype=torch.float32, device=device)
        for block in self.field.blocks(window, draw, self.block):
            counters = tuple(torch.tensor(c.view("int64"), device=device) for c in block.counters)
            lanes = torch.stack(philox4x32(counters, self.field.key), dim=-1)
            words = lanes.flatten(start_dim=2)[..., block.lanes]
            out[:, block.rows, block.columns] = table[words >> 16] + table[words & 0xFFFF]
        return out
