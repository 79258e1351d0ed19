"""Tensors put under the names of a class, each shape held against the class that its configuration makes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from geoinfinite.errors import ModelError
from geoinfinite.models.converting.parts import Tensors


def fitted(
    config: Mapping[str, Any], tensors: Mapping[str, Tensor], published: Callable[[str], str]
) -> dict[str, Tensor]:
    """Return tensors under the names of the class that ``config`` names, of its shapes.

    ``published`` says what the file calls a tensor of the class. Raises `ModelError` that names a tensor of
    the file for the first one that is missing, has another shape or no floating-point type, or is left over.
    """
    return named(shapes_of(config), tensors, published)


def named(
    shapes: Mapping[str, tuple[int, ...]], tensors: Mapping[str, Tensor], published: Callable[[str], str]
) -> dict[str, Tensor]:
    """Return tensors under the names and of the shapes of ``shapes``; raise `ModelError` as `fitted` does."""
    found, used = Tensors.of(tensors), {}
    for name, shape in shapes.items():
        old = published(name)
        if old not in found:
            raise found.misfit(old, f"is missing, which the settings ask for (with shape {list(shape)})")
        used[old] = name
        _check(found, old, shape)
    if extra := found.keys() - used.keys():
        raise found.misfit(min(extra), "has no place in the network of the settings")
    return {name: found[old].reshape(shapes[name]) for old, name in used.items()}


def _check(found: Tensors, name: str, shape: tuple[int, ...]) -> None:
    """Raise `ModelError` unless a tensor has a shape, or is that matrix as a convolution of one pixel."""
    tensor = found[name]
    if not tensor.is_floating_point():
        raise found.misfit(name, f"holds {str(tensor.dtype).removeprefix('torch.')}, and no real numbers")
    shorter, longer = sorted((tuple(tensor.shape), shape), key=len)
    if tuple(tensor.shape) != shape and not (len(shorter) == 2 and longer == (*shorter, 1, 1)):
        raise found.misfit(
            name, f"has shape {list(tensor.shape)}, and the settings make a network where it is {list(shape)}"
        )


def shapes_of(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all tensors of the class of diffusers that a configuration makes."""
    return {name: tuple(tensor.shape) for name, tensor in _empty(config).state_dict().items()}


def _empty(config: Mapping[str, Any]) -> nn.Module:
    """Return a network that holds no memory."""
    import diffusers

    architecture: Any = getattr(diffusers, config["_class_name"])
    known = inspect.signature(architecture.__init__).parameters
    settings = {key: value for key, value in config.items() if key in known}
    try:
        with torch.device("meta"):
            network: nn.Module = architecture(**settings)
    # Whatever diffusers makes of sizes that do not go together: its classes check little themselves.
    except Exception as error:
        because = " ".join(str(error).split())[:160]
        raise ModelError(
            f"the settings describe no {config['_class_name']} ({because}); use the configuration that was "
            "published with the weights"
        ) from error
    return network
