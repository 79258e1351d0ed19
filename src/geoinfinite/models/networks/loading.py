"""Networks built to the shapes of their tensors, strictly: all of them, no others, none of another shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from geoinfinite.errors import ModelError
from geoinfinite.models.schema import shortened

Module = TypeVar("Module", bound=nn.Module)
LONGEST = 120
"""Characters of a name of a tensor, beyond which it is cut."""


class Misfit(ModelError):
    """Tensors that make no network, and the one that it was seen by, if it was one."""

    def __init__(self, what: str, reason: str, tensor: str = "") -> None:
        named = reason.replace("{tensor}", f"the tensor {shortened(tensor, LONGEST)}")
        super().__init__(f"{what} {named}; copy the whole checkpoint again, or convert it again")
        self.what, self.reason, self.tensor = what, reason, tensor


Renamed = tuple[dict[str, Tensor], frozenset[str]]
"""Tensors under a module's own names, and the published names of those that have no influence."""


def loaded(
    make: Callable[[], Module], tensors: Mapping[str, Tensor], what: str, dtype: torch.dtype = torch.float32
) -> Module:
    """Return a new module with all of its tensors in ``dtype``, for evaluation only.

    Raises `ModelError` naming a tensor that is missing, has no place or has another shape.
    """
    # Nothing is allocated or drawn at random for weights that the tensors replace.
    with torch.device("meta"):
        module = make()
    wanted = module.state_dict()
    if missing := sorted(wanted.keys() - tensors.keys()):
        raise Misfit(what, "lacks {tensor}", missing[0])
    if extra := sorted(tensors.keys() - wanted.keys()):
        raise Misfit(what, "has no place for {tensor}", extra[0])
    for name, tensor in tensors.items():
        if tensor.shape != wanted[name].shape:
            shapes = f"{tuple(wanted[name].shape)}, and the checkpoint holds {tuple(tensor.shape)}"
            raise Misfit(what, f"has {{tensor}} of shape {shapes}", name)
    module.load_state_dict({name: t.detach().to(dtype) for name, t in tensors.items()}, assign=True)
    return module.eval().requires_grad_(False)


def shape_of(tensors: Mapping[str, Tensor], name: str, axes: int, what: str) -> tuple[int, ...]:
    """Return the shape of a tensor; raise `ModelError` unless it has so many axes, none of them 0."""
    if name not in tensors:
        raise Misfit(what, "lacks {tensor}", name)
    shape = tuple(tensors[name].shape)
    if len(shape) != axes or 0 in shape:
        raise Misfit(what, f"needs {axes} axes of {{tensor}}, and its shape is {shape}", name)
    return shape


def numbered(tensors: Mapping[str, Tensor], prefix: str = "") -> int:
    """Return how many numbers follow a prefix in the names.

    >>> numbered({"0.weight": torch.zeros(1), "0.bias": torch.zeros(1), "1.weight": torch.zeros(1)})
    2
    """
    after = (name.removeprefix(prefix).partition(".")[0] for name in tensors if name.startswith(prefix))
    return len({number for number in after if number.isdecimal()})


def renamed_by(
    tensors: Mapping[str, Tensor], names: Mapping[str, str], published: str = ""
) -> dict[str, Tensor]:
    """Return tensors without a prefix, and with the first of ``names`` that a name starts with replaced.

    Names that are in no table stay as they are: loading says that they have no place.
    """
    found = {}
    for name, tensor in tensors.items():
        bare = name.removeprefix(published)
        old = next((old for old in names if bare.startswith(old)), "")
        found[names.get(old, "") + bare.removeprefix(old)] = tensor
    return found


def misfit(what: str, reason: str) -> ModelError:
    """Return the error of tensors that make no such network."""
    return Misfit(what, reason)
