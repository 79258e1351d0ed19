"""Networks of diffusers from local safetensors files: strictly, and never from a pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from geoinfinite.errors import ModelError
from geoinfinite.models.diffusers.folder import Part
from geoinfinite.models.files import CONFIG

OLD_NAMES = {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}
"""What attention layers were called in checkpoints saved before diffusers 0.17."""


def load_network(part: Part, device: torch.device) -> nn.Module:
    """Return a part of a checkpoint in float32; raise `ModelError` if weights and configuration disagree."""
    import diffusers

    config = {key: value for key, value in part.config.items() if not key.startswith("_")}
    architecture: Any = getattr(diffusers, part.name)
    try:
        with torch.device("meta"):
            network: nn.Module = architecture.from_config(config)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise _damaged(part.folder / CONFIG, error) from error
    tensors = {_new_name(name): tensor for name, tensor in load_tensors(part.weights).items()}
    wanted = network.state_dict()
    for name, tensor in tensors.items():
        if name in wanted and tensor.shape != wanted[name].shape and tensor.numel() == wanted[name].numel():
            # Attention was once a convolution of 1 x 1.
            tensors[name] = tensor.reshape(wanted[name].shape)
    try:
        network.load_state_dict(tensors, strict=True, assign=True)
    except RuntimeError as error:
        raise _damaged(part.weights, error) from error
    nn.Module.to(network, device, torch.float32)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval().requires_grad_(False)


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError, ValueError) as error:
        raise _damaged(path, error) from error
    return tensors


def _new_name(name: str) -> str:
    for old, new in OLD_NAMES.items():
        name = name.replace(old, new)
    return name


def _damaged(path: Path, reason: object) -> ModelError:
    because = " ".join(str(reason).split())[:160]
    return ModelError(
        f"{path} does not fit its configuration ({because}); copy the whole checkpoint again, "
        f"{CONFIG} and weights"
    )
