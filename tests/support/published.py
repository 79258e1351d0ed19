"""Reference data of published systems: their tensors, what they were asked, and what they answered."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file
from torch import Tensor

FIXTURES = Path(__file__).parents[3] / "shared" / "fixtures"


def needs(system: str) -> pytest.MarkDecorator:
    """Skip where the reference data of a system are not at hand."""
    missing = not (FIXTURES / system).is_dir()
    return pytest.mark.skipif(missing, reason="the reference data are not at hand")


def given(system: str) -> dict[str, Tensor]:
    """Inputs and outputs of the original classes."""
    return load_file(FIXTURES / system / "inputs.safetensors") | load_file(
        FIXTURES / system / "outputs.safetensors"
    )


def ldm_state(system: str, path: str) -> dict[str, Tensor]:
    """The tensors of an ldm checkpoint, in float32."""
    state = torch.load(FIXTURES / system / "checkpoint" / path, weights_only=True)
    state = state.get("state_dict", state)
    return {name: tensor.float() for name, tensor in state.items() if isinstance(tensor, Tensor)}


def ldm_config(system: str, path: str) -> dict[str, Any]:
    """The configuration of an ldm checkpoint."""
    config: dict[str, Any] = yaml.safe_load((FIXTURES / system / "checkpoint" / path).read_text())
    return config


def folder_state(system: str, part: str) -> dict[str, Tensor]:
    """The tensors of a part of a checkpoint in diffusers' layout, in float32."""
    path = FIXTURES / system / "checkpoint" / part / "diffusion_pytorch_model.safetensors"
    return {name: tensor.float() for name, tensor in load_file(path).items()}


def under(tensors: Mapping[str, Tensor], *prefixes: str) -> dict[str, Tensor]:
    """The tensors whose names begin with one of some prefixes, as they are called."""
    return {name: tensor for name, tensor in tensors.items() if name.startswith(prefixes)}


def cut(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with a prefix, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in under(tensors, prefix).items()}


def error(found: Tensor, wanted: Tensor) -> float:
    """The largest absolute difference."""
    assert found.shape == wanted.shape
    return float((found - wanted).abs().max())
