"""How the network of the made-up system is told a place."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from geoinfinite.models.diffusers.inputs import Input, RowInput, Tokens
from geoinfinite.models.diffusers.stock import Loaded


def inputs(loaded: Loaded) -> tuple[Input, ...]:
    """Return the input of a place: one token."""
    told = loaded.extra("place")

    def row(lonlat: Any) -> Tensor:
        here = torch.zeros(2) if lonlat is None else torch.from_numpy(lonlat).float() / 180
        return (told["place.weight"] @ here + told["place.bias"])[None]

    return (RowInput(("place",), row, Tokens, loaded.device),)
