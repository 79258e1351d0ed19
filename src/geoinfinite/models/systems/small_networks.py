"""Small networks of a published file: under their own names, and errors under those of the file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import torch
from torch import Tensor

from geoinfinite.errors import ModelError
from geoinfinite.models.converting.parts import Tensors
from geoinfinite.models.networks.loading import Misfit, Renamed

Module = TypeVar("Module")
Rename = Callable[[Mapping[str, Tensor]], Renamed]
_NUMBER = re.compile(r"(?<=[._])\d+(?=\.)")
KINDS = "weight", "bias"


def small_network(
    rename: Rename, make: Callable[[Mapping[str, Tensor]], Module], tensors: Tensors
) -> tuple[dict[str, Tensor], Module]:
    """Return published tensors under the names of a small network, and the network itself.

    ``rename`` and ``make`` are ``renamed`` and ``sized`` of its class. Raises `ModelError` that names file
    and tensor as published.
    """
    if not tensors:
        raise ModelError(
            f"{tensors.where} has no tensors {tensors.prefix}*, which are published with it; download it "
            "again"
        )
    kept, _ = rename(tensors)
    try:
        return kept, make(kept)
    except Misfit as error:
        named = tensors.called(_published(rename, tensors, error.tensor)) if error.tensor else ""
        because = f"{error.what} {error.reason.replace('{tensor}', named)}"
        raise ModelError(
            f"{tensors.where}: {because}; use the file as it was published, or download it again"
        ) from error


def _published(rename: Rename, tensors: Tensors, own: str) -> str:
    """Return what the file calls a tensor of a network, also one that it lacks.

    That is a name like those of its other tensors which becomes the network's, if there is one.
    """
    if own in rename(tensors)[0]:
        return next((n for n in tensors if own not in rename(tensors.only(tensors.keys() - {n}))[0]), own)
    tried = dict.fromkeys(name for name in _likely(tensors, own) if name not in tensors)
    return next((name for name in tried if own in rename({**tensors, name: torch.zeros(3)})[0]), own)


def _likely(tensors: Mapping[str, Tensor], own: str) -> Iterator[str]:
    """Give names like those of tensors: of the other kind, in another module, with another number."""
    kind = own.rpartition(".")[2]
    same = [
        f"{name.removesuffix(other)}{kind}" for name in tensors for other in KINDS if name.endswith(other)
    ]
    yield from same
    parts, modules = own.split("."), dict.fromkeys(prefix for name in tensors for prefix in _prefixes(name))
    for length in range(len(parts) - 1, 0, -1):
        yield from (f"{module}.{'.'.join(parts[-length:])}" for module in modules)
    numbers = sorted({found for name in tensors for found in _NUMBER.findall(name)})
    for name in same:
        for found in _NUMBER.finditer(name):
            yield from (name[: found.start()] + number + name[found.end() :] for number in numbers)
    yield own


def _prefixes(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[:length]) for length in range(1, len(parts)))
