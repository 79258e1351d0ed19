"""Weights averaged over a training, which ldm keeps beside the raw ones under names without dots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor

from geoinfinite.models.converting.parts import Tensors

COUNTERS = "decay", "num_updates"
"""What the averaging itself keeps."""


def averaged(
    tensors: Mapping[str, Tensor], names: Iterable[str], *, module: str = "diffusion_model"
) -> Tensors:
    """Return averaged weights under the names of the raw ones.

    ``tensors`` are those of ``model_ema.``, without it; ``names`` the raw ones of ``model.`` + ``module``.
    Raises `ModelError` that names a tensor which is missing, left over, or stands for two names.

    >>> import torch
    >>> list(averaged({"diffusion_modelout2bias": torch.zeros(1)}, ["out.2.bias"]))
    ['out.2.bias']
    """
    found = Tensors.of(tensors)
    flat: dict[str, str] = {}
    for name in names:
        old = module + name.replace(".", "")
        if old not in found:
            raise found.misfit(old, f"is missing, the average of {name!r}")
        if old in flat:
            raise found.misfit(old, f"is the average of both {flat[old]!r} and {name!r}")
        flat[old] = name
    if extra := found.keys() - flat.keys() - set(COUNTERS):
        raise found.misfit(min(extra), "is the average of no weight of the network")
    return Tensors(
        {name: found[old] for old, name in flat.items()},
        found.where,
        {name: found.full.get(old, found.prefix + old) for old, name in flat.items()},
    )
