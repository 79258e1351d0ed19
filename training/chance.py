"""Numbers that a generator draws one by one."""

from __future__ import annotations

import torch
from torch import Generator


def uniform(generator: Generator) -> float:
    """Return a number in [0, 1)."""
    return float(torch.rand((), generator=generator))


def below(bound: int, generator: Generator) -> int:
    """Return a whole number from 0 to below `bound`."""
    return int(torch.randint(bound, (), generator=generator))
