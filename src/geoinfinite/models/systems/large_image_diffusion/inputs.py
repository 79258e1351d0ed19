"""How Large-Image-Diffusion's network is told a vector: as a token."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from geoinfinite.models.diffusers.inputs import Input, RowInput, Tokens
from geoinfinite.models.diffusers.stock import Loaded
from geoinfinite.models.diffusers.weights import module_bytes
from geoinfinite.models.networks.patch_embedder import PatchEmbedder


def inputs(loaded: Loaded) -> tuple[Input, ...]:
    """Return the input of a vector; where it is not known, it is the zero vector."""
    normalise = bool(loaded.options.get("normalise", True))
    embedder = PatchEmbedder.sized(loaded.extra("embedder"), normalise=normalise)

    def row(vector: Any) -> Tensor:
        if vector is None:
            return embedder.null(1)[0]
        tokens: Tensor = embedder(torch.from_numpy(vector.ravel())[None])[0]
        return tokens

    return (RowInput(("embedding",), row, Tokens, loaded.device, module_bytes(embedder)),)
